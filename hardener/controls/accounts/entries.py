"""The files that list accounts and groups: nothing missing, nothing twice. What is wrong in them is for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue.control import Host, Violation
from hardener.controls.accounts.shared import (
    EMPTY,
    HIGH,
    LOW,
    MEDIUM,
    NOLOGIN,
    SHADOWED,
    both,
    extra_line,
    finding,
    groups,
    shadows,
    users,
)


def _repeated(entries: Iterable[tuple[str, Any]]) -> dict[str, JsonValue]:
    """Value → the names that share it, for values with more than one."""
    sharing: dict[str, list[JsonValue]] = {}
    for name, value in entries:
        sharing.setdefault(str(value), []).append(name)
    return {value: names for value, names in sharing.items() if len(names) > 1}


def _named_twice(names: Sequence[str]) -> JsonValue:
    return [name for name, times in Counter(names).items() if times > 1]


def _shadow_group(host: Host) -> JsonValue:
    """Accounts that may read the password hashes: members of group shadow, and those it is the primary group of."""
    shadow = [group for group in groups(host) if group.name == "shadow"]
    numbers = {group.gid for group in shadow}
    members = [name for group in shadow for name in group.members]
    return [*dict.fromkeys([*members, *(user.name for user in users(host) if user.gid in numbers)])]


def _without_primary_group(host: Host) -> JsonValue:
    known = {group.gid for group in groups(host)}
    return {user.name: user.gid for user in users(host) if user.gid not in known}


def _passwords_in_passwd(host: Host) -> JsonValue:
    return {user.name: user.password for user in users(host) if user.password != SHADOWED}


def _twice(file: str, line: str) -> Violation:
    """The same line twice."""
    added = extra_line(file, line)
    return Violation([*added.commands, *added.commands], undo=added.undo)


CONTROLS = [
    finding(
        "shadowed",
        _passwords_in_passwd,
        title="Every account keeps its password in the shadow file",
        why="Everybody on the host can read the passwd file, and guess at the hashes in it.",
        severity=HIGH,
        remedy="whose password lay open has to choose another one; move it with pwconv.",
        violation=extra_line("/etc/passwd", f"lab-open-hash:*:64003:100:{NOLOGIN}"),
    ),
    finding(
        "empty-passwords",
        lambda host: [entry.name for entry in shadows(host) if entry.password == EMPTY],
        title="No account has an empty password",
        why="Anybody who knows the name of such an account is let in.",
        severity=HIGH,
        remedy="locking the account may lock somebody out; agree with its owner, then use passwd.",
        needs_root=True,
        violation=extra_line("/etc/shadow", "lab-empty::19000:0:365:7:45::"),
    ),
    finding(
        "primary-groups",
        _without_primary_group,
        title="The primary group of every account exists",
        why="Whoever creates a group with the missing number gets at these accounts' files.",
        severity=LOW,
        remedy="only its owner knows which group the account belongs to.",
        violation=extra_line("/etc/passwd", f"lab-groupless:x:64004:64004:{NOLOGIN}"),
    ),
    finding(
        "shadow-group",
        _shadow_group,
        title="Nobody is in the group shadow",
        why="The group reads all password hashes; it is there for a few programs and no people.",
        severity=HIGH,
        remedy="find out what the account reads the hashes for; take it out of the group with gpasswd.",
        violation=extra_line("/etc/passwd", f"lab-hash-reader:x:64005:42:{NOLOGIN}"),
    ),
    finding(
        "unique-uids",
        lambda host: _repeated((user.name, user.uid) for user in users(host)),
        title="No two accounts share a number",
        why="They own each other's files, and no log tells them apart.",
        severity=MEDIUM,
        remedy="an account's files have to change hands with its number; nobody but their owners can sort them.",
        violation=both(
            extra_line("/etc/passwd", f"lab-one:x:64006:100:{NOLOGIN}"),
            extra_line("/etc/passwd", f"lab-other:x:64006:100:{NOLOGIN}"),
        ),
    ),
    finding(
        "unique-gids",
        lambda host: _repeated((group.name, group.gid) for group in groups(host)),
        title="No two groups share a number",
        why="Who is in one of them gets at the files of both.",
        severity=MEDIUM,
        remedy="a group's files have to change hands with its number; nobody but its members can sort them.",
        violation=both(
            extra_line("/etc/group", "lab-one-group:x:64007:"),
            extra_line("/etc/group", "lab-other-group:x:64007:"),
        ),
    ),
    finding(
        "unique-names",
        lambda host: _named_twice([user.name for user in users(host)]),
        title="No two accounts share a name",
        why="Only the first of them can log in; the files of the other belong to a number nobody sees.",
        severity=MEDIUM,
        remedy="which of the two is meant, nobody but their owners can say.",
        violation=_twice("/etc/passwd", f"lab-twin:x:64008:100:{NOLOGIN}"),
    ),
    finding(
        "unique-group-names",
        lambda host: _named_twice([group.name for group in groups(host)]),
        title="No two groups share a name",
        why="Only the first of them has members; the files of the other belong to a number nobody sees.",
        severity=MEDIUM,
        remedy="which of the two is meant, nobody but their members can say.",
        violation=_twice("/etc/group", "lab-twin-group:x:64009:"),
    ),
]
