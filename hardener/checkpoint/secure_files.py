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

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from typing import Self  # targets may have an older Python

TRUSTED = frozenset({0, os.geteuid()})
"""Who may change what names mean: root, and whoever runs this."""
SET_ID = stat.S_ISUID | stat.S_ISGID
CAPABILITY = "security.capability"
TEMPORARY = ".hardener-"
"""How the names of our unfinished files begin."""
CHUNK = 1 << 20

PIN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Unsafe(OSError):
    """What was found could have been put there by somebody else to mislead us."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(errno.EPERM, why, path)


class Attributes(NamedTuple):
    """Owner, mode (permissions and set-id bits) and extended attributes of a file or directory."""

    uid: int
    gid: int
    mode: int
    xattrs: Mapping[str, bytes] = {}


class Item:
    """A file, directory, link or whatever else, held by a descriptor: its name may mean something else meanwhile.

    ``path`` is what people know it by, for messages alone. ``is_private``: whether the directory it was found in is.
    """

    def __init__(self, descriptor: int, path: str, *, is_private: bool) -> None:
        self.descriptor, self.path, self.is_private = descriptor, path, is_private
        self.status = os.fstat(descriptor)

    @property
    def kind(self) -> str:
        """``file``, ``directory``, ``link`` or ``other``."""
        mode = self.status.st_mode
        kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}
        return kinds.get(stat.S_IFMT(mode), "other")

    @property
    def _handle(self) -> str:
        """The kernel's own name of what is open; it leads nowhere else."""
        return f"/proc/self/fd/{self.descriptor}"

    def refuse_other_names(self) -> None:
        """Raise ``Unsafe`` for a file that has further names, outside of private directories: one may be anybody's."""
        if not self.is_private and self.kind == "file" and os.fstat(self.descriptor).st_nlink > 1:
            raise Unsafe(self.path, "a hard link in a directory of somebody else")

    def opened(self) -> BinaryIO:
        """A regular file, to be read; ``Unsafe`` for anything else, which reading could hold up or change."""
        if self.kind != "file":
            raise Unsafe(self.path, "no regular file")
        self.refuse_other_names()
        return open(os.open(self._handle, _READ), "rb")

    def opened_for_locking(self) -> int:
        """A descriptor of a regular file that can be locked; the caller closes it."""
        if self.kind != "file":
            raise Unsafe(self.path, "no regular file")
        self.refuse_other_names()
        return os.open(self._handle, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)

    def chunks(self) -> Iterator[bytes]:
        """The content of a regular file, as much of it as there was when it was opened: it may grow for ever."""
        left = self.status.st_size
        with self.opened() as file:
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def read(self) -> bytes:
        """The whole content."""
        return b"".join(self.chunks())

    def target(self) -> str:
        """Where a link leads."""
        return os.readlink("", dir_fd=self.descriptor)

    def xattrs(self) -> dict[str, bytes]:
        """Extended attributes, ACLs and capabilities among them; none on a file system without them.

        The labels of SELinux are the policy's business and not a file's own.
        """
        try:
            names = [name for name in os.listxattr(self._handle) if not name.startswith("security.selinux")]
            return {name: os.getxattr(self._handle, name) for name in sorted(names)}
        except OSError as error:
            if error.errno in {errno.ENOTSUP, errno.ENODATA, errno.EPERM}:
                return {}
            raise

    def set_owner(self, uid: int, gid: int) -> None:
        """Give it to somebody; of a regular file the kernel then takes the set-id bits and capabilities away."""
        self.refuse_other_names()
        os.chown(self._handle, uid, gid)

    def set_mode(self, mode: int) -> None:
        """Set permissions and set-id bits."""
        self.refuse_other_names()
        os.chmod(self._handle, mode)

    def dress(self, wanted: Attributes) -> None:
        """Owner, then mode, then extended attributes: a change of owner clears what comes after it."""
        now = os.fstat(self.descriptor)
        if (now.st_uid, now.st_gid) != (wanted.uid, wanted.gid):
            self.set_owner(wanted.uid, wanted.gid)
        if self.kind == "link":
            return
        if stat.S_IMODE(os.fstat(self.descriptor).st_mode) != wanted.mode:
            self.set_mode(wanted.mode)
        has = self.xattrs()
        for name in set(has) - set(wanted.xattrs):
            with suppress(OSError):  # one that the kernel itself keeps there
                os.removexattr(self._handle, name)
        for name, value in wanted.xattrs.items():
            if has.get(name) != value:
                os.setxattr(self._handle, name, value)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
        handle = os.open(self._handle, _READ | os.O_DIRECTORY)
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
            return Item(descriptor, self._joined(name), is_private=self.is_private)
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
        if not self.keeps_directories:
            # Made in sight of others it could be another one by the time it is opened.
            raise Unsafe(self._joined(name), "not made in a directory of somebody else")
        os.mkdir(_one_name(name), 0o700, dir_fd=self.descriptor)
        with self.directory(name) as made:
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
    if not name or "/" in name or name in {".", ".."}:
        raise Unsafe(name, "not the name of something in a directory")
    return name


def _has_group_write(status: os.stat_result) -> bool:
    return bool(status.st_mode & stat.S_IWGRP)


def _is_closed(status: os.stat_result, xattrs: Mapping[str, Any]) -> bool:
    """Whether only root can write in a directory; an ACL shows as what a group may."""
    is_for_root = not _has_group_write(status) or (status.st_gid == 0 and "system.posix_acl_access" not in xattrs)
    return not status.st_mode & stat.S_IWOTH and is_for_root
