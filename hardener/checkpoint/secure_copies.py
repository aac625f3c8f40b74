"""Copies the files of others without being misled by them: from one open directory into another."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress

from .secure_files import CAPABILITY, SET_ID, TEMPORARY, Attributes, Directory, Item, Unsafe
from .secure_paths import remove_what_is_in

DEEPEST = 200
"""Levels of directories; what lies deeper was made to exhaust somebody, and is refused."""


def attributes_of(item: Item, *, with_rights: bool = False) -> Attributes:
    """Owner, mode and extended attributes as they are now.

    Without ``with_rights`` those of a file lack what would give a copy the rights of its owner.
    """
    status = item.status
    has_rights = with_rights or item.kind == "directory"
    keeps = 0o7777 if has_rights else 0o7777 & ~SET_ID
    xattrs = {} if item.kind == "link" else {k: v for k, v in item.xattrs().items() if has_rights or k != CAPABILITY}
    return Attributes(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode) & keeps, xattrs)


def copy_tree(source: Directory, target: Directory, depth: int = 0) -> None:
    """Copy what is in a directory into a private one, with owners and modes; what is there already stays as it is.

    Set-id bits and capabilities are not copied, nor are sockets, for they are nothing without their program, nor
    devices. What vanishes meanwhile is left out. ``target`` has to be private, so that nobody else reaches a copy
    before it is complete; of another file system only the mount point is copied.
    """
    if not target.is_private:
        raise Unsafe(target.path, "no copies into a directory of somebody else")
    if depth > DEEPEST:
        raise Unsafe(source.path, f"more than {DEEPEST} directories deep")
    for name in source.names():
        with suppress(FileNotFoundError), source.item(name) as item:
            if not target.has(name):
                _copy(item, source, target, name, depth)


def _copy(item: Item, source: Directory, target: Directory, name: str, depth: int) -> None:
    attributes = attributes_of(item)
    if item.kind == "file":
        # Its other names, if any, stay links to the file that was there: the copy is one of its own.
        readable = Item(os.dup(item.descriptor), item.path, is_private=True)
        with readable:
            target.replace(name, readable.chunks(), attributes, item.status.st_mtime_ns)
    elif item.kind == "link":
        target.replace_link(name, item.target())
        with target.item(name) as link:
            link.dress(attributes)
    elif isinstance(item, Directory):
        target.make_directory(name, Attributes(os.geteuid(), os.getegid(), 0o700))
        with target.directory(name) as made:
            if item.status.st_dev == source.status.st_dev:
                copy_tree(item, made, depth + 1)
            made.dress(attributes)
    elif stat.S_ISFIFO(item.status.st_mode):
        os.mkfifo(name, 0o600, dir_fd=target.descriptor)
        with target.item(name) as pipe:
            pipe.dress(attributes)


def copy_into_sticky(source: Directory, target: Directory) -> None:
    """The same into a sticky directory of root's, such as /tmp, in which others are at work meanwhile.

    The copies are complete before they have a name that others can reach.
    """
    name = f"{TEMPORARY}{secrets.token_hex(8)}"
    target.make_directory(name, Attributes(os.geteuid(), os.getegid(), 0o700))
    with target.directory(name) as staging:
        copy_tree(source, staging)
        for copied in staging.names():
            if not target.has(copied):
                os.rename(copied, copied, src_dir_fd=staging.descriptor, dst_dir_fd=target.descriptor)
        remove_what_is_in(staging)
    target.remove(name)
