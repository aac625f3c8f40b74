"""Brings files back as they were kept: what root alone can change whole, of what others own only what is certain.

In a directory that somebody else owns, or may write to, any name may mean something of his by now. There a file gets
its attributes back only if it is the very one that was kept, and never set-id bits; what came since stays his.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from hardener.checkpoint.files import ACCOUNTS, UNSEEN, Contents, Entry, accounts
from hardener.checkpoint.secure_files import CAPABILITY, LARGEST, SET_ID, Attributes, Directory, Item, Unsafe
from hardener.checkpoint.secure_paths import located

CLOSED = 0o700
"""Mode of a directory while what belongs into it is made: nobody else enters before it is complete."""


def restore(
    wanted: Mapping[str, Entry | None], now: Mapping[str, Entry | None], contents: Contents, root: str = ""
) -> list[str]:
    """Make the paths of ``wanted`` what they say (``None``: absent); returns what could not be done.

    Directories are made first, get their owners when everything is in them, and go last. Every file is replaced whole,
    so that nobody ever reads half of one.
    """
    problems: list[str] = []
    # What accounts own that came since, and go now, is of whoever brought them.
    brought = accounts(now) - accounts(wanted) if ACCOUNTS in wanted else set()
    there = sorted(path for path, entry in wanted.items() if entry is not None and entry["type"] != UNSEEN)
    for path in there:
        problems += _tried(path, lambda path: _make(path, wanted[path] or {}, now.get(path), contents, root))
    for path in reversed(there):
        if (wanted[path] or {})["type"] == "directory":
            problems += _tried(path, lambda path: _dress_directory(path, wanted[path] or {}, root))
    for path in sorted((path for path, entry in wanted.items() if entry is None), reverse=True):
        problems += _tried(path, lambda path: _remove(path, brought, root))
    return problems


def _tried(path: str, step: Callable[[str], None]) -> Sequence[str]:
    try:
        step(path)
    except OSError as error:
        return [f"{path}: {error.strerror or error}"]
    return []


def _make(path: str, entry: Entry, now: Entry | None, contents: Contents, root: str) -> None:
    """A file, a link or a directory; the last still closed where it is new."""
    kind = entry["type"]
    with located(path, root or "/", make=True) as (directory, name):
        if not _has_kind(directory, name, kind):
            _make_way(directory, name)
            now = None
        if kind == "directory":
            if not directory.has(name):
                # Where only root can enter it is given to its owner when all is in it; elsewhere at once or never.
                closed = Attributes(os.geteuid(), os.getegid(), CLOSED)
                directory.make_directory(name, closed if directory.is_private else attributes_of(entry))
            return
        if kind == "link" and (now is None or now.get("target") != entry["target"]):
            directory.replace_link(name, entry["target"])
        elif kind == "file" and "sha256" in entry and (now or {}).get("sha256") != entry["sha256"]:
            _replace(directory, name, entry, contents.of(path, entry))
            return
        if directory.has(name):
            with directory.item(name) as item:
                _dress(directory, item, entry)


def _has_kind(directory: Directory, name: str, kind: str) -> bool:
    try:
        with directory.item(name) as item:
            return kind in {item.kind, "other"}  # sockets and the like are made by their programs, not by us
    except FileNotFoundError:
        return True


def _make_way(directory: Directory, name: str) -> None:
    """Take away what has the name of something of another kind; in a directory of others only what root left there."""
    with directory.item(name) as item:
        if not directory.is_private and item.status.st_uid != os.geteuid():
            raise Unsafe(item.path, "something else of somebody else by now, left alone")
    directory.remove(name)


def _replace(directory: Directory, name: str, entry: Entry, data: bytes | None) -> None:
    if data is None:
        raise OSError(f"changed, and its content was not kept (more than {LARGEST} bytes)")
    attributes = attributes_of(entry)
    if not directory.is_private:
        attributes = without_rights(attributes)
    directory.replace(name, data, attributes, entry["mtime"])


def _dress_directory(path: str, entry: Entry, root: str) -> None:
    with located(path, root or "/") as (parent, name), parent.directory(name) as directory:
        _dress(parent, directory, entry)


def _dress(parent: Directory, item: Item, entry: Entry) -> None:
    """Give owner, mode and extended attributes back; set-id bits and capabilities only to the file that had them."""
    if item.kind != entry["type"]:
        raise Unsafe(item.path, "something else than at the checkpoint")
    is_same = item.status.st_ino == entry["inode"]
    wanted = attributes_of(entry)
    if attributes_now(item) == wanted:
        return
    if not parent.is_private and not is_same and item.kind != "link":
        raise Unsafe(item.path, "another one than at the checkpoint, in a directory of somebody else: left as it is")
    if item.kind != "file" or (parent.is_private and is_same and item.status.st_uid == wanted.uid):
        item.dress(wanted)
        return
    given = _with_rights_it_has(without_rights(wanted), item, wanted)
    item.dress(given)
    if given != wanted:
        raise Unsafe(item.path, "set-id bits and capabilities are not given back: it may not be the file that had them")


def _with_rights_it_has(plain: Attributes, item: Item, wanted: Attributes) -> Attributes:
    """The wanted attributes with those rights of the owner's that it has now, and would keep."""
    if (item.status.st_uid, item.status.st_gid) != (wanted.uid, wanted.gid):
        return plain
    has = item.xattrs().get(CAPABILITY)
    xattrs = {**plain.xattrs, CAPABILITY: has} if has and has == wanted.xattrs.get(CAPABILITY) else plain.xattrs
    return plain._replace(mode=plain.mode | (wanted.mode & item.status.st_mode & SET_ID), xattrs=xattrs)


def attributes_of(entry: Entry) -> Attributes:
    """The attributes an entry holds."""
    xattrs = {name: base64.b64decode(value) for name, value in entry["xattrs"].items()}
    return Attributes(entry["uid"], entry["gid"], entry["mode"], xattrs)


def attributes_now(item: Item) -> Attributes:
    """The attributes something has."""
    return Attributes(item.status.st_uid, item.status.st_gid, stat.S_IMODE(item.status.st_mode), item.xattrs())


def without_rights(attributes: Attributes) -> Attributes:
    """Without what lets whoever runs the file act as its owner."""
    xattrs = {name: value for name, value in attributes.xattrs.items() if name != CAPABILITY}
    return attributes._replace(mode=attributes.mode & ~SET_ID, xattrs=xattrs)


def _remove(path: str, brought: AbstractSet[int], root: str) -> None:
    """Take a path away; a directory that is not empty belongs to somebody else as well, and stays."""
    try:
        with located(path, root or "/") as (directory, name):
            with directory.item(name) as item:
                if not directory.is_private and item.status.st_uid not in {os.geteuid(), *brought}:
                    raise Unsafe(item.path, "somebody else's, left alone")
            directory.remove(name)
    except FileNotFoundError:
        return


def inherit(wanted: Mapping[str, Entry], now: Mapping[str, Entry], gone: AbstractSet[int], root: str = "") -> list[str]:
    """Give root what accounts have left that the run itself had brought and that are gone with it: logs, as data.

    Nothing of anybody else's: ``gone`` are accounts that were not there before, and only root makes accounts.
    """
    problems: list[str] = []
    for path in sorted(path for path, entry in now.items() if path not in wanted and entry.get("uid") in gone):
        problems += _tried(path, lambda path: _give_to_root(path, gone, root))
    return problems


def _give_to_root(path: str, gone: AbstractSet[int], root: str) -> None:
    with located(path, root or "/") as (directory, name), directory.item(name) as item:
        if item.status.st_uid in gone:
            kept = stat.S_IMODE(item.status.st_mode) & ~SET_ID
            item.set_owner(os.geteuid(), os.getegid())
            if item.kind != "link":
                item.set_mode(kept)
