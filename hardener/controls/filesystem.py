"""Files of the whole system: who may change those that decide over accounts, and what no file should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import walk
from hardener.catalogue.control import Control, Host, Violation, command
from hardener.catalogue.expectations import nothing
from hardener.catalogue.kinds import file_modes, review
from hardener.model import Severity

MOST_SHOWN = 200
"""So many paths of one kind are kept as evidence; beyond that the number says enough."""


def _account_file(path: str, *, why: str, subject: str | None = None, **more: Any) -> Control:
    """A file that says who may log in; its backup, where there is one, is as telling as itself."""
    declared: dict[str, Any] = {
        "title": f"Only root may change {path}",
        "why": why,
        "severity": Severity.MEDIUM,
        "violation": Violation([command("touch %s && chown nobody %s", path, path)]),
    }
    name = subject or path.rpartition("/")[2].replace("-", "-backup").replace(".", "-")
    return file_modes(name, path, **{**declared, **more})


def _secret_file(path: str, *, why: str) -> Control:
    """A file with password hashes. Its group stays: the programs that check passwords are set-gid shadow."""
    return _account_file(
        path,
        why=why,
        title=f"Only root and the group shadow may read {path}",
        variable="shadow_modes",
        groups=("shadow", "root"),
        severity=Severity.HIGH,
        needs_root=True,
        violation=Violation([command("touch %s && chmod 0644 %s", path, path)]),
    )


def _paths(look: Callable[[Host], walk.Found]) -> Callable[[Host], JsonValue]:
    def observe(host: Host) -> JsonValue:
        found = look(host)
        found.insist()
        return [*found.shown(MOST_SHOWN)]

    return observe


def _set_id_programs(host: Host) -> JsonValue:
    """Their paths alone: modes and owners are the packages' choice."""
    found = walk.set_id_programs(host)
    return [*(entry.path for entry in found.entries), *found.missing]


def _walked(subject: str, look: Callable[[Host], walk.Found], **declared: Any) -> Control:
    """What no file should be: found by the walk, and for a person to mend, who knows whose it is."""
    return Control(
        subject=subject,
        observe=_paths(look),
        expect=lambda _: nothing(),
        remedy="None: only its owner knows who has to read or write it, and taking the bit may break a program.",
        is_remediable=False,
        severity=Severity.MEDIUM,
        needs_root=True,
        needs_walk=True,
        **declared,
    )


CONTROLS = [
    _account_file(
        "/etc/passwd",
        why="Whoever can change it can make himself root.",
        violation=Violation(["chmod 0666 /etc/passwd"]),
    ),
    _account_file("/etc/passwd-", why="A restored backup counts like the file itself."),
    _account_file(
        "/etc/group",
        why="Whoever can change it can join the group that may use sudo.",
        violation=Violation(["chmod 0666 /etc/group"]),
    ),
    _account_file("/etc/group-", why="A restored backup counts like the file itself."),
    _secret_file("/etc/shadow", why="Password hashes that anybody can read are guessed at leisure elsewhere."),
    _secret_file("/etc/shadow-", why="The backup holds nearly the same hashes as the file itself."),
    _secret_file("/etc/gshadow", why="It holds the passwords of groups and their administrators."),
    _secret_file("/etc/gshadow-", why="The backup holds nearly the same as the file itself."),
    _account_file("/etc/shells", why="It says which shells make an account one that may log in."),
    file_modes(
        "opasswd",
        *("/etc/security/opasswd", "/etc/security/opasswd.old"),
        title="Only root may read the store of old passwords",
        why="Old hashes tell how people vary their passwords.",
        severity=Severity.MEDIUM,
        needs_root=True,
        violation=Violation(["touch /etc/security/opasswd && chmod 0644 /etc/security/opasswd"]),
    ),
    _walked(
        "world-writable",
        walk.world_writable,
        title="Nothing on local disks can be written by everybody",
        why="Any process of any user can change such a file, or swap files in such a directory for its own.",
        violation=Violation(
            ["touch /usr/local/lab-open && chmod 0666 /usr/local/lab-open", "mkdir --mode=0777 /usr/local/lab-open.d"],
            undo=["rm /usr/local/lab-open", "rmdir /usr/local/lab-open.d"],
        ),
    ),
    _walked(
        "unowned",
        walk.unowned,
        title="Every file belongs to a user and a group that exist",
        why="The next account that gets the free number inherits whatever such files hold.",
        violation=Violation(
            ["touch /usr/local/lab-unowned && chown 64321:64321 /usr/local/lab-unowned"],
            undo=["rm /usr/local/lab-unowned"],
        ),
    ),
    review(
        "set-id-programs",
        _set_id_programs,
        title="Programs that run with the rights of their owner are known",
        why="Each is a door to more rights for every user; only people know which a host needs.",
        severity=Severity.MEDIUM,
        needs_root=True,
        needs_walk=True,
    ),
]
