"""A file that root has opened: it is looked at and changed through its descriptor, whatever its name means by then.

The first part of ``secure_files``, which says why.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from typing import Self  # targets may have an older Python

TRUSTED = frozenset({0, os.geteuid()})
"""Who may change what names mean: root, and whoever runs this."""
SET_ID = stat.S_ISUID | stat.S_ISGID
CAPABILITY = "security.capability"
CHUNK = 1 << 20
LARGEST = 4 * 1024 * 1024
"""Bytes; the content of a larger file is neither kept nor changed."""

PIN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


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
    ``found``: that directory's descriptor, which has to be open for as long as the item is used, and the name there.
    """

    def __init__(self, descriptor: int, path: str, *, is_private: bool, found: tuple[int, str] | None = None) -> None:
        self.descriptor, self.path, self.is_private, self._found = descriptor, path, is_private, found
        try:
            self.status = os.fstat(descriptor)
        except OSError as error:  # on a file system that does not answer, or not to root
            os.close(descriptor)
            raise OSError(error.errno, error.strerror, path) from None

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
        """Raise ``Unsafe`` for a file that may be anybody's, outside of private directories.

        It is its owner's to give and to change only if the name it was found by is the only one it has: looked at in
        one step, for a hard link that has gone again would leave no trace in a count.
        """
        if self.is_private or self.kind != "file":
            return
        if self._found is None:
            raise Unsafe(self.path, "not found by its name")
        directory, name = self._found
        try:
            now = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            raise Unsafe(self.path, "taken away meanwhile") from None
        if (now.st_dev, now.st_ino) != (self.status.st_dev, self.status.st_ino):
            raise Unsafe(self.path, "another one by now")
        if now.st_nlink != 1:
            raise Unsafe(self.path, "a hard link in a directory of somebody else")

    def opened(self) -> BinaryIO:
        """A regular file, to be read; ``Unsafe`` for anything else, which reading could hold up or change."""
        if self.kind != "file":
            raise Unsafe(self.path, "no regular file")
        self.refuse_other_names()
        return open(os.open(self._handle, READ), "rb")

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
