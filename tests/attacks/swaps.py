"""What an owner of a directory can do to somebody who works in it, and the things of others that must not suffer."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

IS_ROOT = os.geteuid() == 0
ATTACKER = pwd.getpwnam("nobody").pw_uid if IS_ROOT else os.geteuid()
"""An account. Without root the attacker and his victim are one account: modes and contents tell what was followed."""
ORPHAN = 2_064_123 if IS_ROOT else ATTACKER
"""A subordinate user id: no account has it, and its user can make files of it."""
SECRET = b"the hash of root's password\n"
ASIDE = "~aside"


@contextmanager
def as_owner() -> Iterator[None]:
    """Act with the rights of the attacker."""
    if not IS_ROOT:
        yield
        return
    os.setegid(ATTACKER)
    os.seteuid(ATTACKER)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@contextmanager
def ground() -> Iterator[Path]:
    """A folder for a tree and its victims, in memory where that can be: a sweep makes thousands of trees.

    Everybody may enter it, unlike the folders that pytest makes.
    """
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


# --- the attacks ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Swap:
    """Something of the attacker's makes way for something else, in one step that can be taken back.

    ``place``: below the tree; ``put``: makes what takes its place. ``by_root``: the kernel refuses it to users where
    it is set up as it should be (``fs.protected_hardlinks``), and a host may not be.
    """

    place: str
    put: Callable[[Path, Victims], None]
    by_root: bool = False

    def make(self, root: Path, victims: Victims) -> None:
        """Put aside what is there, and the other thing into its place; ``OSError`` where nothing is there."""
        path = root / self.place
        with as_owner():
            path.rename(aside(path))
            if not self.by_root:
                self.put(path, victims)
        if self.by_root:
            self.put(path, victims)

    def undo(self, root: Path) -> None:
        """Bring back what was there."""
        path = root / self.place
        with as_owner():
            if path.is_dir() and not path.is_symlink():
                path.rename(path.with_name(f"{path.name}~swapped"))
            else:
                path.unlink()
            aside(path).rename(path)


def aside(path: Path) -> Path:
    """Where a swap leaves what was there."""
    return path.with_name(path.name + ASIDE)


def a_link_to_a_file(path: Path, victims: Victims) -> None:
    path.symlink_to(victims.file)


def a_link_to_a_directory(path: Path, victims: Victims) -> None:
    path.symlink_to(victims.directory)


def a_hard_link(path: Path, victims: Victims) -> None:
    path.hardlink_to(victims.file)


def a_hard_link_to_what_all_may_read(path: Path, victims: Victims) -> None:
    path.hardlink_to(victims.public)


def a_pipe(path: Path, _victims: Victims) -> None:
    os.mkfifo(path)


def nothing(_path: Path, _victims: Victims) -> None:
    """What was there has only been taken away."""


def a_directory(path: Path, _victims: Victims) -> None:
    path.mkdir()


def a_program_of_his_own(path: Path, _victims: Victims) -> None:
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o4755)


def a_link_to_a_device(path: Path, victims: Victims) -> None:
    path.symlink_to(victims.device)


# --- the victims ------------------------------------------------------------------------------------------------------


@dataclass
class Victims:
    """Files of root's beside the tree that the attacker may not touch, and how one sees that they were touched.

    ``file`` is secret, ``public`` everybody has to read, ``device`` has no end, ``directory`` has files
    of the ``names`` that the tree has.
    """

    top: Path
    names: tuple[str, ...] = ()
    images: dict[str, tuple[object, ...]] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.top / "shadow"

    @property
    def public(self) -> Path:
        return self.top / "passwd"

    @property
    def device(self) -> Path:
        return self.top / "full"

    @property
    def directory(self) -> Path:
        return self.top / "directory"

    def make(self) -> None:
        """Make them anew, in place."""
        if self.images and self._images() == self.images:
            return
        with suppress(FileNotFoundError):
            shutil.rmtree(self.top)
        self.top.mkdir(mode=0o755)
        self.top.chmod(0o755)
        self.directory.mkdir()
        self.directory.chmod(0o755)
        for path in (self.file, *(self.directory / name for name in self.names)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(SECRET)
            path.chmod(0o600)
        try:
            os.mknod(self.device, 0o600 | stat.S_IFCHR, os.makedev(1, 7))  # never the machine's own: it would be harmed
        except PermissionError:  # who may make none is tried with what else makes a reader wait
            os.mkfifo(self.device, 0o600)
        self.public.write_bytes(b"accounts\n")
        self.public.chmod(0o644)
        self.images = self._images()

    def harmed(self) -> str | None:
        """What has changed of them, in words."""
        now = self._images()
        for name in sorted({*now, *self.images}):
            if now.get(name) != self.images.get(name):
                return f"a file of root's was {_told(self.images.get(name), now.get(name))}: {name}"
        return None

    def _images(self) -> dict[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        for path in (self.top, *self.top.rglob("*")):
            status = path.lstat()
            data = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            names = () if path.is_symlink() else sorted(os.listxattr(path))
            attributes = tuple((name, os.getxattr(path, name)) for name in names)
            found[str(path.relative_to(self.top))] = (status.st_mode, status.st_uid, status.st_gid, attributes, data)
        return found


def _told(before: tuple[object, ...] | None, now: tuple[object, ...] | None) -> str:
    if before is None or now is None:
        return "made" if before is None else "removed"
    names = ("given another mode", "given away", "given another group", "given other attributes", "overwritten")
    return ", ".join(name for name, one, other in zip(names, before, now, strict=True) if one != other)


def gained(top: Path) -> str | None:
    """What an attacker has gained in his own tree: root's set-id bits, or the secret in a file that he can read."""
    for folder, _, names in os.walk(top):
        for name in names:
            path = Path(folder, name)
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                continue
            if status.st_mode & 0o6000 and status.st_uid not in {ATTACKER, ORPHAN}:
                return f"a set-id program of another's appeared: {path.relative_to(top)}"
            if "security.capability" in os.listxattr(path):
                return f"a program with capabilities appeared: {path.relative_to(top)}"
            if status.st_nlink == 1 and SECRET in path.read_bytes() and status.st_uid != 0:
                return f"a secret can be read: {path.relative_to(top)}"
    return None
