"""Who has which rights: one root, no service that can log in. Whatever is wrong with an account is for a person."""

from __future__ import annotations

from pydantic import JsonValue

from hardener.catalogue.control import Host, Violation, command
from hardener.catalogue.expectations import one_of
from hardener.controls.accounts.shared import (
    HIGH,
    LOCKED,
    MEDIUM,
    NOBODY,
    NOLOGIN,
    SET,
    both,
    extra_line,
    finding,
    first_uid,
    groups,
    login_shells,
    shadows,
    users,
)

STEPS_OF_SHUTDOWN = {"sync", "shutdown", "halt"}
"""Accounts of old whose shell is one harmless command; with operator, they may have root's group."""


def _root_password(host: Host) -> JsonValue:
    """Whether root's password is set, locked or empty."""
    return next((entry.password for entry in shadows(host) if entry.name == "root"), None)


def _system_shells(host: Host) -> JsonValue:
    """Accounts of the system that could log in, with their shells."""
    limit, shells = first_uid(host), login_shells(host)
    accounts = [user for user in users(host) if user.uid < limit or user.uid == NOBODY]
    exempt = {"root", *STEPS_OF_SHUTDOWN}
    return {user.name: user.shell for user in accounts if user.name not in exempt and user.shell in shells}


def _unlocked(host: Host) -> JsonValue:
    """Accounts without a login shell whose password is not locked, with its state."""
    shells = login_shells(host)
    silent = {user.name for user in users(host) if user.shell not in shells} - {"root"}
    return {entry.name: entry.password for entry in shadows(host) if entry.name in silent and entry.password != LOCKED}


def _root_group(host: Host) -> JsonValue:
    exempt = {"root", "operator", *STEPS_OF_SHUTDOWN}
    return [user.name for user in users(host) if user.gid == 0 and user.name not in exempt]


KEPT = "/etc/shadow.lab-root"
ROOT_WITHOUT_PASSWORD = Violation(
    [
        command("grep '^root:' /etc/shadow | cut -d : -f 2 > %s && chmod 0600 %s", KEPT, KEPT),
        "usermod --password '' root",
    ],
    undo=[command('usermod --password "$(cat %s)" root && rm %s', KEPT, KEPT)],
)

CONTROLS = [
    finding(
        "uid-0",
        lambda host: [user.name for user in users(host) if user.uid == 0 and user.name != "root"],
        title="Only root has user number 0",
        why="The number is what counts: every account with it is root under another name.",
        severity=HIGH,
        remedy="an account is never renumbered or deleted by a program; find out what it is for.",
        violation=extra_line("/etc/passwd", f"lab-zero:x:0:100:{NOLOGIN}"),
    ),
    finding(
        "gid-0-users",
        _root_group,
        title="Only root has group number 0 as its primary group",
        why="Everything such an account creates, and everything root's group may write, is open to it.",
        severity=HIGH,
        remedy="files may rest on the group; give the account another one with usermod.",
        violation=extra_line("/etc/passwd", f"lab-root-group:x:64001:0:{NOLOGIN}"),
    ),
    finding(
        "gid-0-groups",
        lambda host: [group.name for group in groups(host) if group.gid == 0 and group.name != "root"],
        title="Only the group root has group number 0",
        why="The members of a second group with that number have the rights of root's group unseen.",
        severity=HIGH,
        remedy="files may rest on the group; give it another number with groupmod.",
        violation=extra_line("/etc/group", "lab-zero-group:x:0:"),
    ),
    finding(
        "root-password",
        _root_password,
        expectation=one_of(SET, LOCKED),
        title="root has a password or is locked",
        why="An empty password opens root's account to anybody at the console.",
        severity=MEDIUM,
        remedy="whether root gets a password or is locked decides who can repair the host; use passwd.",
        needs_root=True,
        violation=ROOT_WITHOUT_PASSWORD,
    ),
    finding(
        "system-shells",
        _system_shells,
        title="Accounts of the system have no login shell",
        why="A service that can log in turns a hole in the service into a session on the host.",
        severity=MEDIUM,
        remedy="some services run commands through their shell; only whoever runs them knows.",
        violation=extra_line("/etc/passwd", "lab-service:x:901:100::/nonexistent:/bin/sh"),
    ),
    finding(
        "unlocked",
        _unlocked,
        title="Accounts without a login shell are locked",
        why="Their passwords open mail, file and database services all the same, and nobody changes them.",
        severity=MEDIUM,
        remedy="a service may check this very password; lock the account with usermod once it is known that none does.",
        needs_root=True,
        violation=both(
            extra_line("/etc/passwd", f"lab-unlocked:x:64002:100:{NOLOGIN}"),
            extra_line("/etc/shadow", "lab-unlocked:$6$lab$lab:19000:0:365:7:45::"),
        ),
    ),
]
