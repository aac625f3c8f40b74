"""The one way in which root touches files: by descriptors, from the root directory downwards.

A path that is looked at and then used by its name may lead elsewhere by then: whoever owns a directory on the way can
put a link, another file or a mount in its place. So every name is opened once, below a directory that is open already
and without following links; what was opened is looked at, and changed, through its descriptor alone.

A directory is *private* where nobody but root can change what its names mean: root owns it and every directory above
it, and no other may write there. In a sticky directory like /tmp others write, and yet root's own directories stay
where they are. Links are followed in private directories alone, where root has put them.

What runs on a target has this file from one of two places: within the checkpoint program, and as a module_utils of
Ansible's. It needs nothing but the standard library, Linux and /proc.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, BinaryIO

from .secure_items import CAPABILITY, LARGEST, PIN, READ, SET_ID, TRUSTED, Attributes, Item, Unsafe

__all__ = [
    "CAPABILITY",
    "LARGEST",
    "PIN",
    "SET_ID",
    "TEMPORARY",
    "TRUSTED",
    "Attributes",
    "Directory",
    "Item",
    "Unsafe",
]

TEMPORARY = ".hardener-"
"""How the names of our unfinished files begin."""


class Directory(Item):
    """An open directory.

    ``is_private``: whether names in it mean what root made them mean; ``keeps_directories``: whether at least those of
    root's own directories do.
    """

    def __init__(self, descriptor: int, path: str, *, is_private: bool) -> None:
        super().__init__(descriptor, path, is_private=is_private)
        if self.kind != "directory":
            raise Unsafe(path, "no directory")
        is_roots = is_private and self.status.st_uid in TRUSTED
        self.is_private = is_roots and _is_closed(self.status, self.xattrs() if _has_group_write(self.status) else {})
        self.keeps_directories = self.is_private or (is_roots and bool(self.status.st_mode & stat.S_ISVTX))

    def names(self, most: int | None = None) -> list[str]:
        """What is in it, in order; ``Unsafe`` where somebody else has put more than ``most`` into it."""
        handle = os.open(self._handle, READ | os.O_DIRECTORY)
        try:
            with os.scandir(handle) as items:
                names = [item.name for item in islice(items, None if most is None or self.is_private else most + 1)]
        finally:
            os.close(handle)
        if most is not None and len(names) > most and not self.is_private:
            raise Unsafe(self.path, f"more than {most} names in a directory of somebody else")
        return sorted(names)

    def item(self, name: str) -> Item:
        """What has a name now, a ``Directory`` if it is one; ``FileNotFoundError`` where nothing has."""
        descriptor = os.open(_one_name(name), PIN, dir_fd=self.descriptor)
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                return Directory(descriptor, self._joined(name), is_private=self.keeps_directories)
            return Item(descriptor, self._joined(name), is_private=self.is_private, found=(self.descriptor, name))
        except BaseException:
            os.close(descriptor)
            raise

    def directory(self, name: str) -> Directory:
        """The directory of a name; ``Unsafe`` where it is none, links to directories among them."""
        item = self.item(name)
        if not isinstance(item, Directory):
            item.close()
            raise Unsafe(item.path, "no directory")
        return item

    def _joined(self, name: str) -> str:
        return f"{self.path.rstrip('/')}/{name}"

    def has(self, name: str) -> bool:
        """Whether anything has a name, a link that leads nowhere included."""
        with suppress(FileNotFoundError), self.item(name):
            return True
        return False

    def make_directory(self, name: str, wanted: Attributes) -> None:
        """Make a directory; ``FileExistsError`` where the name is taken."""
        os.mkdir(_one_name(name), 0o700, dir_fd=self.descriptor)
        with self.directory(name) as made:
            # Made in sight of others it could be another one by now: only an empty one of our own is given away.
            is_new = made.status.st_uid == os.geteuid() and not made.names()
            if not self.keeps_directories and not is_new:
                raise Unsafe(self._joined(name), "another one by now")
            made.dress(wanted)

    def replace(
        self, name: str, data: Iterable[bytes] | bytes, wanted: Attributes, mtime_ns: int | None = None
    ) -> None:
        """Give a name a new file, whole and on the disk, or fail and leave what was there."""
        with self.writing(name, wanted, mtime_ns) as file:
            for chunk in [data] if isinstance(data, bytes) else data:
                file.write(chunk)

    @contextmanager
    def writing(self, name: str, wanted: Attributes, mtime_ns: int | None = None) -> Iterator[BinaryIO]:
        """The same for who writes it bit by bit: it has its name once the block has come to its end."""
        temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=self.descriptor)
        try:
            with open(descriptor, "w+b", closefd=False) as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            Item(descriptor, self._joined(name), is_private=True).dress(wanted)  # nobody else can have opened it yet
            if mtime_ns is not None:
                os.utime(descriptor, ns=(mtime_ns, mtime_ns))
            os.rename(temporary, _one_name(name), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=self.descriptor)
            raise
        finally:
            os.close(descriptor)

    def replace_link(self, name: str, target: str) -> None:
        """Give a name a link to somewhere."""
        temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
        os.symlink(target, temporary, dir_fd=self.descriptor)
        try:
            os.rename(temporary, _one_name(name), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            os.unlink(temporary, dir_fd=self.descriptor)
            raise

    def remove(self, name: str) -> None:
        """Take a file, link or empty directory away; a directory that is not empty raises ``OSError``."""
        try:
            os.unlink(_one_name(name), dir_fd=self.descriptor)
        except IsADirectoryError:
            os.rmdir(name, dir_fd=self.descriptor)


def _one_name(name: str) -> str:
    if not name or "/" in name or "\0" in name or name in {".", ".."}:
        raise Unsafe(name, "not the name of something in a directory")
    return name


def _has_group_write(status: os.stat_result) -> bool:
    return bool(status.st_mode & stat.S_IWGRP)


def _is_closed(status: os.stat_result, xattrs: Mapping[str, Any]) -> bool:
    """Whether only root can write in a directory; an ACL shows as what a group may."""
    is_for_root = not _has_group_write(status) or (status.st_gid == 0 and "system.posix_acl_access" not in xattrs)
    return not status.st_mode & stat.S_IWOTH and is_for_root
