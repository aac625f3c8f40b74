"""Log files: closed to everybody but root, the group that reads logs, and the services that write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import expectations as accept
from hardener.catalogue import listing, names
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.expectations import Expectation, mode_at_most
from hardener.catalogue.listing import Room, Unseen
from hardener.controls.logging.shared import as_root, declared

NUMBERS = ("6.1.4.1", "6.1.3.1")
"""The one recommendation that all of this answers, for Debian 12 and 13."""
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


_STARTS = r"""
systems=$(findmnt --noheadings --raw --output TARGET,FSTYPE) || exit
walked=$(echo /var/log; printf '%s\n' "$systems" | awk '
    $1 ~ /^\/var\/log\// && $1 !~ /^\/var\/log\/(pods|containers)(\/|$)/ && $2 !~ /^(REMOTE)$/ { print $1 }')
"""
_FIND = r"""
find "$@" -xdev -ignore_readdir_race \( -path /var/log/pods -o -path /var/log/containers \
    -o -fstype nfs -o -fstype nfs4 -o -fstype cifs -o -fstype fuse.sshfs \) -prune -o \
    -type f \( -perm /0137 -printf 'open %#m %U %G %u:%g:%p\0' \
    -o \( ! -user root -o ! -group root ! -group adm \) -printf 'closed %#m %U %G %u:%g:%p\0' \)
printf 'ended logs %s\0' "$?"
"""
ROOM = {"open": Room(512 * 1024, 256 * 1024), "closed": Room(1024 * 1024, 1024 * 1024)}
"""For logs that others can do much with, and for those that are not root's or adm's: a service may have thousands."""
SEARCH = _STARTS.replace("REMOTE", listing.REMOTE) + listing.STARTS.strip() + listing.listed(_FIND, ROOM)
"""Prints both: ``kind mode uid gid owner:group:path``."""


def kind_of(path: str, patterns: Sequence[str]) -> str:
    """The longest pattern that a path matches."""
    name = path.rsplit("/", 1)[-1]
    matching = [pattern for pattern in patterns if fnmatchcase(path if "/" in pattern else name, pattern)]
    return max(matching, key=len)


def steady(path: str) -> str:
    """A path without what rotation changes every day, so that nothing drifts when nothing but time has passed."""
    path = re.sub(r"@[0-9a-f-]{16,}(\.journal~?)$", r"@*\1", path)
    path = re.sub(r"/[0-9a-f]{32}/", "/*/", path)
    return re.sub(r"[.-](\d{8}|\d+)(\.(gz|xz|zst|bz2))?$", ".*", path)


def _loose_files(host: Host) -> JsonValue:
    """Every file that is looser than an ordinary log may be: mode, owner and group, and whether a service owns it.

    What a service's own account wrote is no worse than root's: nobody can log in to it. Services choose the names.
    """
    found = listing.read(seen.ask(host, SEARCH), {"logs": (0, 1)})
    services = _service_accounts(host)
    files: dict[str, JsonValue] = {}
    for record in sorted(
        (*found.records.get("open", ()), *found.records.get("closed", ())), key=lambda item: item.rest
    ):
        owner, group, path = record.rest.split(":", 2)
        is_service = owner in services
        if not is_service or record.mode & 0o137:
            file: JsonValue = {"mode": f"{record.mode:04o}", "owner": owner, "group": group, "service": is_service}
            name = steady(names.as_evidence(path))
            # Of files that one name stands for, none hides another one.
            files[name if files.get(name, file) == file else names.as_evidence(path)] = file
    files |= {item.path: {"more": item.count} for kind in ("open", "closed") for item in found.more.get(kind, ())}
    return {**files, **{item.path: {"not looked at": item.reason} for item in found.unseen}}


def _service_accounts(host: Host) -> frozenset[str]:
    """Accounts of services: their shell is not one of the host's. ``nobody`` is none, but what is left of many."""
    return frozenset(
        seen.ask(
            host,
            "awk -F: 'FNR == NR { if (/^\\//) shells[$0]; next } "
            '$7 && $1 != "nobody" && !($7 in shells) { print $1 }\' '
            "/etc/shells /etc/passwd",
        ).split()
    )


def _as_their_kind(values: Sequence[Any]) -> Expectation:
    wanted = dict(zip(PATTERNS, values, strict=True))

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        said = tuple(
            f"{path} {complaint}"
            for path, file in observed.items()
            for complaint in _complaints(file, wanted[kind_of(path, PATTERNS)])
        )
        unseen = [Unseen(path, file["not looked at"]) for path, file in observed.items() if "not looked at" in file]
        if unseen and not said:
            raise listing.unseen_among(unseen)
        return said

    ordinary = wanted["*"]
    words = f"mode {ordinary['mode']} or stricter, of {' or '.join(ordinary['owners'])} or a service; others by kind"
    return Expectation(words, complaints)


def _complaints(file: Mapping[str, Any], wanted: Mapping[str, Any]) -> Sequence[str]:
    """What is wrong with one file; the account of a service may own its logs, with any group."""
    if "more" in file:
        return (f"was not looked at, like {file['more'] - 1} more",)
    if "not looked at" in file:
        return ()
    expected = {"mode": mode_at_most(wanted["mode"])}
    if not file["service"]:
        expected |= {"owner": accept.one_of(*wanted["owners"]), "group": accept.one_of(*wanted["groups"])}
    return accept.fields(expected).complaints(file)


def _after_rotation(host: Host) -> JsonValue:
    """Log → the mode logrotate makes it with, or takes it back to when it is done."""
    # Without comments and scripts: the latter hold whatever a program needs to be told.
    listing = seen.ask(
        host,
        "find /etc/logrotate.conf /etc/logrotate.d -type f -exec sed -s -e 's/#.*//' -e "
        r"'/^[[:space:]]*\(pre\|post\|first\|last\)\(rotate\|action\)/,/^[[:space:]]*endscript/d' {} +",
    )
    closed = _closed(host)
    modes: dict[str, JsonValue] = {}
    for block in listing.split("}")[:-1]:
        before, _, body = block.rpartition("{")
        paths = before.rpartition("{")[2].split()
        if match := re.search(r"^[ \t]*create[ \t]+([0-7]{3,4})", body, re.MULTILINE):
            modes |= {path: match[1].zfill(4) for path in paths if path in ROTATED}
    return {path: ORDINARY_MODE if path in closed else mode for path, mode in modes.items()}


def _after_updates(host: Host) -> JsonValue:
    """Log → the mode it has once unattended-upgrades has made it and its service is done."""
    closed = _closed(host)
    return {path: ORDINARY_MODE if path in closed else OPEN_MODE for path in OF_UPDATES}


def _closed(host: Host) -> frozenset[str]:
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
        **declared(NUMBERS, title=words["title"], why=words["why"]),
    )


KINDS = [Parameter("files", (pattern,), accept.equals) for pattern in PATTERNS]
"""Handed to the role with each control: in the same apply, packages installed before it may have made new logs."""

CONTROLS = [
    Control(
        subject="files",
        observe=_loose_files,
        expect=_as_their_kind,
        parameters=KINDS,
        remedy="Takes surplus permission bits, and gives files of people to root; what services own stays theirs.",
        violation=Violation(
            ["install --mode=0666 --owner=nobody --group=users /dev/null /var/log/lab.log", "chmod 0666 /var/log/btmp"]
        ),
        **as_root(
            declared(
                NUMBERS,
                title="Nobody reads or changes logs but those who have to",
                why="Logs help an intruder who reads them, and hide one who can change them.",
            )
        ),
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
