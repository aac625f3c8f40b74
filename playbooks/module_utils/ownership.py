"""Owner, group and mode of what is held open, by their names: seen, told and changed."""

from __future__ import annotations

import grp
import pwd
import stat
from collections.abc import Callable, Sequence
from typing import Any

from .secure_files import SET_ID, Item

Attributes = dict[str, Any]
"""``mode`` (an int), ``owner`` and ``group``; numbers as text where there is no name."""


def observe(item: Item) -> Attributes:
    """The attributes of what is held open, as they were when it was opened."""
    return {
        "mode": stat.S_IMODE(item.status.st_mode),
        "owner": _name(pwd.getpwuid, item.status.st_uid),
        "group": _name(grp.getgrgid, item.status.st_gid),
    }


def _name(lookup: Callable[[int], Sequence[Any]], number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def without_rights(now: Attributes, target: Attributes) -> Attributes:
    """What a file may get: set-id bits were given by whom it belonged to, and do not go with it to somebody else."""
    is_given = (now["owner"], now["group"]) != (target["owner"], target["group"])
    return {**target, "mode": target["mode"] & ~SET_ID} if is_given else target


def change(item: Item, now: Attributes, target: Attributes) -> None:
    """Give it its new owner, group and mode, in this order: a change of owner clears set-id bits and capabilities."""
    uid = item.status.st_uid if target["owner"] == now["owner"] else pwd.getpwnam(target["owner"]).pw_uid
    gid = item.status.st_gid if target["group"] == now["group"] else grp.getgrnam(target["group"]).gr_gid
    if (uid, gid) != (item.status.st_uid, item.status.st_gid):
        item.set_owner(uid, gid)
    item.set_mode(target["mode"])


def shown(item: Attributes) -> str:
    """Attributes as people write them: ``0644 root root``."""
    return f"{item['mode']:04o} {item['owner']} {item['group']}"


def change_of(subject: str, before: str, after: str) -> dict[str, Any]:
    """The item that tells it: what a file had for mode, owner and group, and what it gets."""
    return {"kind": "attributes", "subject": subject, "before": before, "after": after}
