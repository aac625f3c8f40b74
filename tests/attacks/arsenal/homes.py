"""Attacks from a home directory: a restore gives back owners and modes there."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

from tests.attacks.arsenal.base import (
    CANARY_PROGRAM,
    HOME,
    PLAIN,
    SUBORDINATE,
    Attack,
    aside,
    own,
    remember,
    remembered,
    swap_after_looks,
    wait_for_checkpoint,
)

RESTORE = "guard restore, rollback"


class _InHome(Attack):
    """Something in the home whose mode changes during the run, and is swapped whenever somebody has looked at it."""

    aims = RESTORE

    def prepare(self) -> None:
        self.item.write_text("own\n")
        self.item.chmod(0o666)
        own(self.item)

    def run(self) -> None:
        self.put_aside(aside(self.item))
        wait_for_checkpoint(HOME)
        self.item.chmod(0o700 if self.item.is_dir() else 0o600)
        swap_after_looks(self.item)

    def put_aside(self, path: Path) -> None:
        """Make what takes its place."""
        raise NotImplementedError


class HomeFileForLink(_InHome):
    """A mode is given back by path, and the path has become a link to a file of root's."""

    def put_aside(self, path: Path) -> None:
        path.symlink_to(self.victims / "secret")


class HomeFileForHardLink(_InHome):
    """Owner and mode are given back to a file that has another name elsewhere (one he may write, so he may link it)."""

    def put_aside(self, path: Path) -> None:
        path.hardlink_to(self.victims / "shared")


class HomeFileForPipe(_InHome):
    """Whoever opens a pipe waits for the other end."""

    def put_aside(self, path: Path) -> None:
        os.mkfifo(path)


class HomeFileForDevice(_InHome):
    """A user makes no devices, but links to them: a device's mode is not his to change."""

    def prepare(self) -> None:
        super().prepare()
        remember(self.name, os.stat("/dev/full").st_mode)

    def put_aside(self, path: Path) -> None:
        path.symlink_to("/dev/full")

    def won(self) -> str | None:
        mode = os.stat("/dev/full").st_mode
        return None if mode == remembered(self.name) else f"/dev/full has the mode {mode:o}"


class HomeFolderForLink(_InHome):
    """A directory such as ~/.ssh gets its mode back, and has become a link to a directory of root's."""

    def prepare(self) -> None:
        self.item.mkdir()
        self.item.chmod(0o777)
        own(self.item)

    def put_aside(self, path: Path) -> None:
        path.symlink_to(self.victims / "directory")


class AccessListForLink(_InHome):
    """A list of who may read is given back through a link, and lets him read a file of root's."""

    def prepare(self) -> None:
        super().prepare()
        subprocess.run(["setfacl", "--modify", "u:plain:rw", str(self.item)], check=True)

    def run(self) -> None:
        self.put_aside(aside(self.item))
        wait_for_checkpoint(HOME)
        os.removexattr(self.item, "system.posix_acl_access")
        swap_after_looks(self.item)

    def put_aside(self, path: Path) -> None:
        path.symlink_to(self.victims / "secret")


class CapabilityForLink(_InHome):
    """Capabilities of his own user namespace are given back through a link, to a program of root's."""

    def prepare(self) -> None:
        super().prepare()
        data = struct.pack("<6I", 0x03000001, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0, PLAIN)
        os.setxattr(self.item, "security.capability", data)

    def run(self) -> None:
        self.put_aside(aside(self.item))
        wait_for_checkpoint(HOME)
        self.item.write_text("writing takes them away\n")
        swap_after_looks(self.item)

    def put_aside(self, path: Path) -> None:
        path.symlink_to(self.victims / "tool")


class SetIdProgramOfHisOwn(Attack):
    """A set-uid program of root's lies in his directory; he puts one of his own there, and it gets the mode back."""

    aims = RESTORE

    def prepare(self) -> None:
        shutil.copy("/bin/true", self.item)
        self.item.chmod(0o4755)

    def run(self) -> None:
        wait_for_checkpoint(HOME)
        self.item.rename(aside(self.item))
        self.item.write_text(CANARY_PROGRAM)
        self.item.chmod(0o755)
        time.sleep(3600)


class _OfSubordinate(Attack):
    """What belongs to a subordinate user, as containers without root leave it, comes during the run.

    The fixture makes it beyond the depth of the look at homes, and its owner moves it.
    """

    aims = "guard restore, rollback: what belongs to nobody"

    def prepare(self) -> None:
        drop = HOME / "drop"
        drop.mkdir(exist_ok=True)
        own(drop)
        self.make(drop / self.name)

    def make(self, path: Path) -> None:
        """Make it; by root."""
        raise NotImplementedError

    def run(self) -> None:
        wait_for_checkpoint(HOME)
        (HOME / "drop" / self.name).rename(self.item)
        time.sleep(3600)

    def won(self) -> str | None:
        if os.path.lexists(self.item) and self.item.lstat().st_uid == 0:
            return f"{self.item} has become root's, mode {self.item.lstat().st_mode:o}"
        return None


class SubordinateSetId(_OfSubordinate):
    """A file that belongs to no account is given to root, and keeps its set-uid bit."""

    def make(self, path: Path) -> None:
        shutil.copy("/bin/true", path)
        own(path, SUBORDINATE)
        path.chmod(0o6755)


class SubordinateLink(_OfSubordinate):
    """A link that belongs to no account is given to root, and its mode, 0777, goes to what it leads to."""

    def make(self, path: Path) -> None:
        path.symlink_to(self.victims / "secret")
        own(path, SUBORDINATE)


class SubordinateFolder(_OfSubordinate):
    """A directory that belongs to no account and is open to all becomes one of root's that is open to all."""

    def make(self, path: Path) -> None:
        path.mkdir()
        own(path, SUBORDINATE)
        path.chmod(0o3777)


class HomeIsALink(Attack):
    """An account's home is a link into his own, and where that leads is his to say."""

    aims = RESTORE

    def prepare(self) -> None:
        target = HOME / "of-roamer"
        target.mkdir()
        target.chmod(0o777)
        own(target)
        (target.parent.parent / "roamer").symlink_to(target)
        self.item = target

    def run(self) -> None:
        self.item = HOME / "of-roamer"
        aside(self.item).symlink_to(self.victims / "directory")
        wait_for_checkpoint(HOME)
        self.item.chmod(0o700)
        swap_after_looks(self.item)


class DotFiles(Attack):
    """The files that controls and roles look at in homes are links to files of root's from the start."""

    aims = "audit, apply, guard restore"

    def prepare(self) -> None:
        for name in (".bash_logout", ".forward", ".netrc", ".rhosts", ".bash_profile"):
            path = HOME / name
            path.unlink(missing_ok=True)
            path.symlink_to(self.victims / "secret")
            own(path)
        keys = HOME / ".ssh"
        if keys.is_dir() and not keys.is_symlink():
            shutil.move(keys, HOME / "drop-ssh")
            keys.symlink_to(self.victims / "directory")
            own(keys)
