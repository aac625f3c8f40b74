"""What the declarations about accounts share: who has one here, and findings. No password ever leaves the host."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, Violation, command
from hardener.catalogue.expectations import Expectation, nothing
from hardener.model import Severity
from hardener.untrusted import number

LOW, MEDIUM, HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH
SHADOWED, EMPTY, LOCKED, SET = "shadowed", "empty", "locked", "set"
"""What stands for a password in an answer; the words are chosen on the host, so that no hash travels."""
NOBODY = 65534
FIRST_UID = 1000
"""The first number of people's accounts where login.defs does not say."""

NOLOGIN = ":/nonexistent:/usr/sbin/nologin"
"""How the entry of an account without a name, a home directory or a shell ends."""

PASSWD = """awk -F : -v OFS=: '{ $2 = $2 == "x" ? "shadowed" : $2 == "" ? "empty" : "set" } 1' /etc/passwd"""  # noqa: S105  (a command)
SHADOW = """awk -F : -v OFS=: '{ $2 = $2 == "" ? "empty" : $2 ~ /^[!*]/ ? "locked" : "set" } 1' /etc/shadow"""
GROUP = "cut -d : -f 1,3,4 /etc/group"
SHELLS = "cat /etc/shells"
LOGIN_DEFS = r"""awk '/^[ \t]*[A-Z]/ { gsub(/"/, ""); print $1, $2 }' /etc/login.defs"""

_read_once = lru_cache(maxsize=16)


@dataclass(frozen=True)
class User:
    """An entry of /etc/passwd; ``password`` is one of the words above."""

    name: str
    password: str
    uid: int
    gid: int
    home: str
    shell: str


@dataclass(frozen=True)
class Group:
    """An entry of /etc/group."""

    name: str
    gid: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Shadow:
    """An entry of /etc/shadow; ages in days, ``None`` where the field is empty, dates in days since 1970."""

    name: str
    password: str
    changed: int | None
    least_age: int | None
    greatest_age: int | None
    warning: int | None
    inactive: int | None


def users(host: Host) -> Sequence[User]:
    """The accounts of the host itself, in the order of the file; lines that only refer to NIS are none."""
    return _users(seen.ask(host, PASSWD))


@_read_once
def _users(listing: str) -> Sequence[User]:
    rows = [line.split(":") for line in listing.splitlines()]
    return [
        User(row[0], row[1], number(row[2]), number(row[3]), row[5], row[6])
        for row in rows
        if len(row) > 6 and row[2].isdecimal() and row[3].isdecimal() and not row[0].startswith(("+", "-"))
    ]


def groups(host: Host) -> Sequence[Group]:
    """The groups of the host itself, in the order of the file."""
    return _groups(seen.ask(host, GROUP))


@_read_once
def _groups(listing: str) -> Sequence[Group]:
    rows = [line.split(":") for line in listing.splitlines()]
    return [
        Group(row[0], number(row[1]), tuple(filter(None, row[2].split(","))))
        for row in rows
        if len(row) > 2 and row[1].isdecimal() and not row[0].startswith(("+", "-"))
    ]


def shadows(host: Host) -> Sequence[Shadow]:
    """What the host knows of passwords, but for the passwords."""
    return _shadows(seen.ask(host, SHADOW))


@_read_once
def _shadows(listing: str) -> Sequence[Shadow]:
    rows = [line.split(":") for line in listing.splitlines()]
    return [
        Shadow(row[0], row[1], *(_days(field) for field in row[2:7]))
        for row in rows
        if len(row) > 6 and row[0] and not row[0].startswith(("+", "-"))
    ]


def _days(field: str) -> int | None:
    days = seen.number_or_text(field)
    return days if isinstance(days, int) else None


def login_definitions(host: Host) -> Mapping[str, str]:
    """Key of login.defs → its value; several, with commas, where lines contradict each other.

    Then the tools disagree: those of the shadow suite obey the last line, PAM modules the first.
    """
    values: dict[str, dict[str, None]] = {}
    for line in seen.ask(host, LOGIN_DEFS).splitlines():
        key, _, value = line.partition(" ")
        values.setdefault(key, {})[value] = None
    return {key: ", ".join(found) for key, found in values.items()}


def first_uid(host: Host) -> int:
    """The smallest user number of people's accounts; those below it belong to the system."""
    first = login_definitions(host).get("UID_MIN", "")
    return number(first) if first.isdecimal() else FIRST_UID


def login_shells(host: Host) -> Collection[str]:
    """The shells with which an account counts as one that logs in."""
    lines = [line.strip() for line in seen.ask(host, SHELLS).splitlines()]
    return {line for line in lines if line.startswith("/") and not line.endswith("/nologin")}


def extra_line(file: str, line: str) -> Violation:
    """Breaks a control about entries of a file by one more of them, and takes it away again."""
    return Violation(
        [command("printf '%%s\\n' %s >> %s", line, file)],
        undo=[command("sed --in-place %s %s", f"/^{line.partition(':')[0]}:/d", file)],
    )


def both(first: Violation, second: Violation) -> Violation:
    """Two violations as one."""
    return Violation([*first.commands, *second.commands], undo=[*first.undo, *second.undo])


def finding(
    subject: str,
    observe: Callable[[Host], JsonValue],
    *,
    remedy: str,
    violation: Violation,
    expectation: Expectation | None = None,
    **declared: Unpack[Declared],
) -> Control:
    """What no account should be; ``remedy`` says why it is for a person."""
    return Control(
        subject=subject,
        observe=observe,
        expect=lambda _: expectation or nothing(),
        remedy=f"None: {remedy}",
        is_remediable=False,
        violation=violation,
        **declared,
    )
