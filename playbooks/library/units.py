"""Brings many systemd units into their wanted states with a handful of systemctl calls."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.secure_paths import exists, resolved
from ansible.module_utils.telling import fail, finish, output_of

DOCUMENTATION = r"""
module: units
short_description: Mask, run, restart or reload many systemd units at once
description:
  - C(masked) stops and masks; C(running) unmasks, enables and starts; C(restarted) and C(reloaded) concern what runs.
  - What the socket of its name starts is restarted instead of reloaded. sshd loses its socket at a reload, and ends.
  - One systemctl call per kind of action. A unit that does not exist is left alone, unless it has to run.
  - A unit whose own file is in /etc/systemd/system cannot be masked; it is stopped and disabled instead.
options:
  units: {description: Unit name to its state., type: dict, required: true}
author: The hardener project
"""
EXAMPLES = r"""- units: {units: {avahi-daemon.socket: masked, avahi-daemon.service: masked}}"""
RETURN = r"""#"""

Properties = dict[str, Any]
ADMINISTERED = "/etc/systemd/system"
PROPERTIES = ("LoadState", "ActiveState", "UnitFileState")
SIGNALS = ("restarted", "reloaded")
STOPPED = {"inactive", "failed", "deactivating"}
STARTED_AT_BOOT = {"enabled", "static", "generated", "alias", "indirect"}
COMMANDS = {action: action for action in ("stop", "mask", "disable", "unmask", "enable", "start")}
COMMANDS |= {"restarted": "try-restart", "reloaded": "try-reload-or-restart"}


def diff(current: dict[str, Properties], wanted: dict[str, str]) -> dict[str, list[str]]:
    """Action → units that need it, in the order the actions are done.

    ``current``: unit → systemd's properties, ``has_own_file`` and ``has_socket``; ``wanted``: unit → its state.
    Stopping comes before masking, for a masked unit has lost the commands that stop it properly.
    """
    needed = {unit: _actions(current[unit], state) for unit, state in wanted.items()}
    actions = {action: [unit for unit in wanted if action in needed[unit]] for action in COMMANDS}
    return {action: units for action, units in actions.items() if units}


def _actions(properties: Properties, state: str) -> set[str]:
    """What one unit needs."""
    is_stopped, file = properties["ActiveState"] in STOPPED, properties["UnitFileState"]
    if state == "running":
        needs = {"unmask": file.startswith("masked"), "enable": file not in STARTED_AT_BOOT, "start": is_stopped}
    elif state == "masked":
        exists, own = properties["LoadState"] != "not-found", properties["has_own_file"]
        needs = {
            "stop": not is_stopped,
            "disable": own and file not in {"disabled", "static"},
            "mask": exists and not own and file != "masked",
        }
    else:
        needs = {"restarted" if properties["has_socket"] else state: not is_stopped}
    return {action for action, is_needed in needs.items() if is_needed}


def parsed(listing: str, names: list[str]) -> dict[str, Properties]:
    """Unit → its properties, from ``systemctl show``: a block a unit, in the order of the names."""
    blocks = listing.strip("\n").split("\n\n")
    if len(blocks) != len(names):
        raise ValueError(f"systemctl described {len(blocks)} units, not {len(names)}")
    rows = [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]
    return dict(zip(names, rows, strict=True))


def has_own_file(unit: str) -> bool:
    """Whether something other than a mask lies where a mask would have to be."""
    path = f"{ADMINISTERED}/{unit}"
    try:
        return bool(exists(path) and resolved(path) != "/dev/null")
    except OSError:
        return True  # a link that leads nowhere is in a mask's way as well


def observe(module: AnsibleModule, wanted: dict[str, str]) -> dict[str, Properties]:
    """What systemd says of the units now, and whether the socket of the same name starts those to be reloaded."""
    sockets = {name: f"{name.rpartition('.')[0]}.socket" for name, state in wanted.items() if state == "reloaded"}
    names = [*wanted, *sockets.values()]
    options = ["--no-pager", *(f"--property={name}" for name in PROPERTIES)]
    found = parsed(output_of(module, "systemctl", "show", *options, "--", *names), names)
    is_active = {name: found[socket]["ActiveState"] == "active" for name, socket in sockets.items()}
    own = {name: {"has_own_file": has_own_file(name), "has_socket": is_active.get(name, False)} for name in wanted}
    return {name: {**found[name], **own[name]} for name in wanted}


def act(module: AnsibleModule, action: str, units: list[str]) -> None:
    """Do one kind of action to all its units; a unit that has to run and does not exist makes systemctl fail."""
    output_of(module, "systemctl", "--quiet", COMMANDS[action], "--", *units)


def item(unit: str, before: Properties, after: Properties, state: str) -> Properties:
    """A unit's state before, and its new one or what was done to it."""
    was, now = (
        f"{side['UnitFileState'] or 'absent'}, {'inactive' if side['ActiveState'] in STOPPED else 'active'}"
        for side in (before, after)
    )
    signal = "restarted" if before["has_socket"] else state
    return {"kind": "unit", "subject": unit, "before": was, "after": signal if state in SIGNALS else now}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(argument_spec={"units": {"type": "dict", "required": True}}, supports_check_mode=True)
    wanted = module.params["units"]
    if unknown := sorted({str(state) for state in wanted.values()} - {"masked", "running", *SIGNALS}):
        fail(module, f"units: no such state: {', '.join(unknown)}")
    before = observe(module, wanted) if wanted else {}
    actions = diff(before, wanted)
    touched = set().union(*actions.values())
    if module.check_mode:
        after = _expected(before, actions)
        told = [unit for unit in wanted if unit in touched or wanted[unit] in SIGNALS]
        # The rest of a run may bring a unit that is not there, and start one that would be restarted if it ran.
        sure = {unit for unit in touched if before[unit]["LoadState"] != "not-found"}
        rows = [item(unit, before[unit], after[unit], wanted[unit]) for unit in told]
        finish(module, [{**row, "conditional": row["subject"] not in sure} for row in rows])
    for action, units in actions.items():
        act(module, action, units)
    after = observe(module, wanted) if actions else before
    if again := diff(after, wanted).get("stop"):  # something started them before they were masked
        act(module, "stop", again)
        after = observe(module, wanted)
    rows = [item(unit, before[unit], after[unit], wanted[unit]) for unit in wanted if unit in touched]
    finish(module, rows)


def _expected(before: dict[str, Properties], actions: dict[str, list[str]]) -> dict[str, Properties]:
    """What the states will be, for check mode."""
    after = {unit: dict(properties) for unit, properties in before.items()}
    for action, key, value in (
        ("mask", "UnitFileState", "masked"),
        ("disable", "UnitFileState", "disabled"),
        ("enable", "UnitFileState", "enabled"),
        ("stop", "ActiveState", "inactive"),
        ("start", "ActiveState", "active"),
    ):
        for unit in actions.get(action, ()):
            after[unit][key] = value
    return after


if __name__ == "__main__":
    main()
