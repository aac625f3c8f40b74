"""Brings many systemd units into their wanted states with a handful of systemctl calls."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: units
short_description: Mask, restart or reload many systemd units at once
description:
  - Masks and stops units, or restarts or reloads those that run, in one systemctl call per kind of action.
  - A unit that does not exist is left alone, and a unit that does not run is neither restarted nor reloaded.
  - A unit whose own file is in /etc/systemd/system cannot be masked; it is stopped and disabled instead.
options:
  units:
    description: Unit name to C(masked), C(restarted) or C(reloaded).
    type: dict
    required: true
author: The hardener project
"""

EXAMPLES = r"""
- name: Stop what nobody needs, for good
  units:
    units:
      avahi-daemon.socket: masked
      avahi-daemon.service: masked
"""

RETURN = r"""#"""

Properties = dict[str, Any]

ADMINISTERED = "/etc/systemd/system"
PROPERTIES = ("LoadState", "ActiveState", "UnitFileState")
STOPPED = {"inactive", "failed"}
COMMANDS = {
    "stop": "stop",
    "mask": "mask",
    "disable": "disable",
    "restarted": "try-restart",
    "reloaded": "try-reload-or-restart",
}


def diff(current: dict[str, Properties], wanted: dict[str, str]) -> dict[str, list[str]]:
    """Action → units that need it, in the order the actions are done.

    ``current``: unit → systemd's properties, and ``has_own_file``; ``wanted``: unit → ``masked``, ``restarted`` …
    Stopping comes before masking, for a masked unit has lost the commands that stop it properly.
    """
    actions: dict[str, list[str]] = {action: [] for action in COMMANDS}
    for unit, state in wanted.items():
        properties = current[unit]
        is_stopped = properties["ActiveState"] in STOPPED
        if state != "masked":
            if not is_stopped:
                actions[state].append(unit)
            continue
        if properties["has_own_file"]:
            if properties["UnitFileState"] not in {"disabled", "static"}:
                actions["disable"].append(unit)
        elif properties["LoadState"] != "not-found" and properties["UnitFileState"] != "masked":
            actions["mask"].append(unit)
        if not is_stopped:
            actions["stop"].append(unit)
    return {action: units for action, units in actions.items() if units}


def parsed(listing: str, names: list[str]) -> dict[str, Properties]:
    """Unit → its properties, from ``systemctl show``: a block a unit, in the order of the names."""
    blocks = listing.strip("\n").split("\n\n")
    if len(blocks) != len(names):
        raise ValueError(f"systemctl described {len(blocks)} units, not {len(names)}")
    return {
        name: dict(line.split("=", 1) for line in block.splitlines()) for name, block in zip(names, blocks, strict=True)
    }


def has_own_file(unit: str) -> bool:
    """Whether something other than a mask lies where a mask would have to be."""
    path = os.path.join(ADMINISTERED, unit)
    return os.path.lexists(path) and os.path.realpath(path) != os.devnull


def observe(module: AnsibleModule, names: list[str]) -> dict[str, Properties]:
    """What systemd says of the units now."""
    options = [f"--property={name}" for name in PROPERTIES]
    listing = module.run_command(["systemctl", "show", "--no-pager", *options, "--", *names], check_rc=True)[1]
    current = parsed(listing, names)
    for name, properties in current.items():
        properties["has_own_file"] = has_own_file(name)
    return current


def act(module: AnsibleModule, action: str, units: list[str]) -> None:
    """Do one kind of action to all its units."""
    module.run_command(["systemctl", "--quiet", COMMANDS[action], "--", *units], check_rc=True)


def shown(current: Iterable[tuple[str, Properties]]) -> str:
    """The states as lines of a diff."""
    return "".join(f"{unit}: {item['UnitFileState'] or 'absent'}, {item['ActiveState']}\n" for unit, item in current)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(argument_spec={"units": {"type": "dict", "required": True}}, supports_check_mode=True)
    wanted = module.params["units"]
    unknown = sorted({str(state) for state in wanted.values()} - {"masked", "restarted", "reloaded"})
    if unknown:
        module.fail_json(msg=f"units: no such state: {', '.join(unknown)}")
    names = list(wanted)
    before = observe(module, names) if names else {}
    actions = diff(before, wanted)
    touched = [name for name in names if any(name in units for units in actions.values())]
    if not module.check_mode:
        for action, units in actions.items():
            act(module, action, units)
    after = observe(module, names) if actions and not module.check_mode else _expected(before, actions)
    if again := diff(after, wanted).get("stop"):  # something started them before they were masked
        act(module, "stop", again)
    states = {
        "before": shown((name, before[name]) for name in touched),
        "after": shown((name, after[name]) for name in touched),
        "before_header": "units",
        "after_header": "units",
    }
    module.exit_json(changed=bool(actions), diff=states)


def _expected(before: dict[str, Properties], actions: dict[str, list[str]]) -> dict[str, Properties]:
    """What the states will be, for check mode."""
    after = {unit: dict(properties) for unit, properties in before.items()}
    for action, key, value in (
        ("mask", "UnitFileState", "masked"),
        ("disable", "UnitFileState", "disabled"),
        ("stop", "ActiveState", "inactive"),
    ):
        for unit in actions.get(action, ()):
            after[unit][key] = value
    return after


if __name__ == "__main__":
    main()
