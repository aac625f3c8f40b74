"""Log files: closed to everybody but root, the group that reads logs, and the services that write them.

Whose a log is, is asked and never guessed: a remedy takes permissions that nobody uses, and gives no file to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import expectations as accept
from hardener.catalogue import listing
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.expectations import Expectation, mode_at_most
from hardener.catalogue.listing import Unseen
from hardener.catalogue.permissions import closed, kind_of
from hardener.controls.logging.logs import ROOM, ROTATION, Log, Logs, logs_of, services_of
from hardener.model import Severity

PATTERNS = (
    "*",
    "*.journal",
    "*.journal~",
    "/var/log/apt/*",
    "btmp*",
    "cloud-init*",
    "gdm*",
    "lastlog*",
    "localmessages*",
    "sssd*",
    "utmp*",
    "waagent*",
    "wtmp*",
)
"""Kinds of log files: by name, or by path where the pattern has a slash. The longest that matches counts."""
ROTATED = ("/var/log/alternatives.log", "/var/log/dpkg.log")
"""Logs that their packages have logrotate make anew, open to everybody."""
OF_UPDATES = (
    "/var/log/unattended-upgrades/unattended-upgrades-dpkg.log",
    "/var/log/unattended-upgrades/unattended-upgrades.log",
)
"""Logs that unattended-upgrades makes when it runs for the first time, a night after it was installed."""
ORDINARY_MODE = "0640"
OPEN_MODE = "0644"
"""What a program makes that asks for nothing else."""
TAKEN = "g-wx,o-rwx"
"""What the role has services take, as chmod spells it: that leaves of any mode an ordinary one."""
CLOSES = (
    "ends=$(systemctl show --property=ExecStopPost logrotate.service apt-daily-upgrade.service) && "
    "printf '%s\\n' \"$ends\" | sed -n '/path=[^ ]*chmod /s/ ; ignore_errors=.*//p'"
)
"""What takes permissions when logs have been made, without when that was last."""


def steady(path: str) -> str:
    """A path without what rotation changes every day, so that nothing drifts when nothing but time has passed."""
    path = re.sub(r"@[0-9a-f-]{16,}(\.journal~?)$", r"@*\1", path)
    path = re.sub(r"/[0-9a-f]{32}/", "/*/", path)
    return re.sub(r"[.-](\d{8}|\d+)(\.(gz|xz|zst|bz2))?$", ".*", path)


def _loose_files(host: Host) -> JsonValue:
    """Every log with which others can do more than with an ordinary one: mode, owner and group, and who uses it so."""
    found = logs_of(host)
    return _evidence(found, {log: _attributes(log) for log in found.loose}, ["open"])


def _files_of_others(host: Host) -> JsonValue:
    """The same of those and of every log that is not root's, but for closed ones that a service owns."""
    found = logs_of(host)
    services = services_of(host, found)
    logs = [*found.loose, *(log for log in found.others if not services.own(log))]
    told = {log: {**_attributes(log), "service": services.own(log)} for log in logs}
    return _evidence(found, told, [*ROOM])


def _attributes(log: Log) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {"mode": f"{log.permissions.mode:04o}", "owner": log.owner, "group": log.group}
    return {**told, "in use": {"mode": f"{log.used:04o}", "by": [*log.users]}} if log.used else told


def _evidence(found: Logs, told: Mapping[Log, dict[str, JsonValue]], kinds: Sequence[str]) -> JsonValue:
    """What is told of each file by its name; what did not fit of these kinds, and what could not be looked at."""
    files: dict[str, JsonValue] = {}
    for log in sorted(told, key=lambda log: log.path):
        name, file = steady(log.path), told[log]
        # Of files that one name stands for, none hides another one.
        files[name if files.get(name, file) == file else log.path] = file
    files |= {item.path: {"more": item.count} for kind in kinds for item in found.more.get(kind, ())}
    return {**files, **{item.path: {"not looked at": item.reason} for item in found.unseen}}


def _as_their_kind(words: str, of_one: Callable[[Any, Any], Sequence[str]]) -> Callable[[Sequence[Any]], Expectation]:
    """From what is said of one file and its kind, what is expected of all; ``words`` may name what is ordinary."""

    def expect(values: Sequence[Any]) -> Expectation:
        wanted = dict(zip(PATTERNS, values, strict=True))
        ordinary = {name: " or ".join(item) if isinstance(item, list) else item for name, item in wanted["*"].items()}

        def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
            said = tuple(
                f"{path} {complaint}"
                for path, file in observed.items()
                for complaint in _unread(file) or of_one(file, wanted[str(kind_of(path, PATTERNS))])
            )
            unseen = [Unseen(path, file["not looked at"]) for path, file in observed.items() if "not looked at" in file]
            if unseen and not said:
                raise listing.unseen_among(unseen)
            return said

        return Expectation(words.format(**ordinary), complaints)

    return expect


def _unread(file: Mapping[str, Any]) -> Sequence[str]:
    return (f"was not looked at, like {file['more'] - 1} more",) if "more" in file else ()


def _loose(file: Mapping[str, Any], kind: Mapping[str, Any]) -> Sequence[str]:
    """What can be taken from a file, for nobody needs it."""
    if "mode" not in file or _left(file, kind) == int(file["mode"], 8):
        return ()
    return accept.fields({"mode": mode_at_most(kind["mode"])}).complaints(file)


def _strange(file: Mapping[str, Any], kind: Mapping[str, Any]) -> Sequence[str]:
    """What only a person can mend: an owner nobody knows, and what is left for those who may need it."""
    if "mode" not in file:
        return ()
    expected = {"owner": accept.one_of(*kind["owners"]), "group": accept.one_of(*kind["groups"])}
    said = [] if file["service"] else [*accept.fields(expected).complaints(file)]
    if (left := _left(file, kind)) & ~int(kind["mode"], 8):
        users = ", ".join(f"user {user}" for user in file["in use"]["by"]) if _is_needed(file, kind) else None
        said.append(f"mode is {left:04o} for {users or 'group ' + file['group']}, who may need it")
    return said


def _left(file: Mapping[str, Any], kind: Mapping[str, Any]) -> int:
    """The mode a remedy leaves a file with: where somebody needs more than its kind grants, all of it."""
    return int(file["mode"], 8) if _is_needed(file, kind) else _closed(file, kind)


def _is_needed(file: Mapping[str, Any], kind: Mapping[str, Any]) -> bool:
    return "in use" in file and int(file["in use"]["mode"], 8) & ~_closed(file, kind) != 0


def _closed(file: Mapping[str, Any], kind: Mapping[str, Any]) -> int:
    return closed(int(file["mode"], 8), int(kind["mode"], 8), is_known_group=file["group"] in kind["groups"])


def _after_rotation(host: Host) -> JsonValue:
    """Log → the mode logrotate makes it with, or takes it back to when it is done."""
    configuration, closing = seen.ask(host, ROTATION), _closing(host)
    modes: dict[str, JsonValue] = {}
    for block in configuration.split("}")[:-1]:
        before, _, body = block.rpartition("{")
        paths = before.rpartition("{")[2].split()
        if match := re.search(r"^[ \t]*create[ \t]+([0-7]{3,4})", body, re.MULTILINE):
            modes |= {path: match[1].zfill(4) for path in paths if path in ROTATED}
    return {path: ORDINARY_MODE if path in closing else mode for path, mode in modes.items()}


def _after_updates(host: Host) -> JsonValue:
    """Log → the mode it has once unattended-upgrades has made it and its service is done."""
    closing = _closing(host)
    return {path: ORDINARY_MODE if path in closing else OPEN_MODE for path in OF_UPDATES}


def _closing(host: Host) -> frozenset[str]:
    """The paths that a service closes when it is done, whether it succeeded or not."""
    commands = re.findall(r"argv\[\]=[^\s=]*chmod (?:-\S+ )*(\S+) (.+)", seen.ask(host, CLOSES))
    return frozenset(path for mode, paths in commands if _is_closing(mode) for path in paths.split())


def _is_closing(mode: str) -> bool:
    """Whether chmod leaves no more than an ordinary mode; of symbolic modes only ours is understood."""
    return mode == TAKEN or (
        re.fullmatch(r"[0-7]{3,4}", mode) is not None and mode_at_most(ORDINARY_MODE).accepts(mode)
    )


def _made_anew(
    subject: str,
    observe: Callable[[Host], JsonValue],
    service: str,
    taken: Mapping[str, Sequence[str]],
    **words: str,
) -> Control:
    """Logs that a service makes anew; ``taken``: variable → the logs it names, ``words``: ``title`` and ``why``."""
    parameters = [Parameter(name, (path,), accept.equals) for name, paths in taken.items() for path in paths]
    return Control(
        subject=subject,
        observe=observe,
        expect=lambda _: accept.every(mode_at_most(ORDINARY_MODE), f"mode {ORDINARY_MODE} or stricter"),
        parameters=[*parameters, *KINDS],
        remedy=f"Has {service} take surplus bits when it is done, and closes what was made in the meantime.",
        violation=Violation([f"rm --force /etc/systemd/system/{service}.d/zz-hardener.conf; systemctl daemon-reload"]),
        title=words["title"],
        why=words["why"],
        severity=Severity.MEDIUM,
    )


KINDS = [Parameter("files", (pattern,), accept.equals) for pattern in PATTERNS]
"""Handed to the role with each control: in the same apply, packages installed before it may have made new logs."""

CONTROLS = [
    Control(
        subject="files",
        observe=_loose_files,
        expect=_as_their_kind("mode {mode} or stricter; others by kind", _loose),
        parameters=KINDS,
        remedy="Takes surplus permission bits, but none by which a running process or an unknown group uses a file.",
        violation=Violation(["install --mode=0666 /dev/null /var/log/lab.log", "chmod 0666 /var/log/btmp"]),
        title="Nobody reads or changes logs but those who have to",
        why="Logs help an intruder who reads them, and hide one who can change them.",
        severity=Severity.MEDIUM,
        needs_root=True,
    ),
    Control(
        subject="file-owners",
        observe=_files_of_others,
        expect=_as_their_kind("of {owners} and of group {groups}, or of a service; others by kind", _strange),
        parameters=KINDS,
        remedy="None: who is to own a log, only those know who write and read it; use chown and chmod.",
        is_remediable=False,
        violation=Violation(
            ["install --mode=0640 --owner=nobody --group=users /dev/null /var/log/lab-owner.log"],
            undo=["rm /var/log/lab-owner.log"],
        ),
        title="Logs belong to root, or to the service that writes them",
        why="Whoever owns a log can change what it says. A service cut off from its log may not start again.",
        severity=Severity.MEDIUM,
        needs_root=True,
    ),
    _made_anew(
        "rotated-files",
        _after_rotation,
        "logrotate.service",
        {"rotated": ROTATED},
        title="A log that was rotated is as closed as before",
        why="A mode that holds until the end of the month is a finding every month.",
    ),
    _made_anew(
        "update-files",
        _after_updates,
        "apt-daily-upgrade.service",
        {"updates": OF_UPDATES},
        title="The logs of unattended updates are closed from their first night",
        why="They are made hours after the program was installed, when whoever closed all logs has gone.",
    ),
]
