"""Attacks from a directory below /etc that a service's account owns: contents are kept and brought back there."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from tests.attacks.arsenal.base import (
    Attack,
    aside,
    own,
    secret,
    spin_during_looks,
    swap_after_looks,
    wait_for_checkpoint,
)

RESTORE = "guard restore, rollback"


class _InEtc(Attack):
    """A directory of the service's own, with a file ``sub/conf`` in it."""

    aims = RESTORE

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path("/etc") / self.name
        self.item = self.folder / "sub"

    def prepare(self) -> None:
        self.item.mkdir(parents=True)
        (self.item / "conf").write_text("before\n")
        for path in (self.folder, self.item, self.item / "conf"):
            own(path)

    def run(self) -> None:
        aside(self.item).symlink_to(self.victims / "directory")
        wait_for_checkpoint(self.folder)
        self.change()
        swap_after_looks(self.item)

    def change(self) -> None:
        """What a restore has to take back."""
        raise NotImplementedError


class ServiceFolderForLinkWrite(_InEtc):
    """A file is brought back below a directory that has become a link: over a file of root's of the same name."""

    def change(self) -> None:
        (self.item / "conf").write_text("after\n")


class ServiceFolderForLinkRemove(_InEtc):
    """A file that came during the run is removed below a directory that has become a link."""

    def change(self) -> None:
        (self.item / "item").write_text("came\n")


class ServiceFolderForLinkMake(_InEtc):
    """A directory that has gone is made again below one that has become a link."""

    def prepare(self) -> None:
        super().prepare()
        (self.item / "deep").mkdir()
        own(self.item / "deep")

    def change(self) -> None:
        (self.item / "deep").rmdir()


class ServiceFolderForLinkLink(_InEtc):
    """A link is brought back below a directory that has become a link itself."""

    def prepare(self) -> None:
        super().prepare()
        (self.item / "link").symlink_to("before")
        own(self.item / "link")

    def change(self) -> None:
        (self.item / "link").unlink()
        (self.item / "link").symlink_to("after")


class ServiceFolderForLinkMode(_InEtc):
    """A file gets its mode back below a directory that has become a link."""

    def prepare(self) -> None:
        super().prepare()
        (self.item / "conf").chmod(0o666)

    def change(self) -> None:
        (self.item / "conf").chmod(0o600)


class _FileInEtc(_InEtc):
    """A single file is swapped to and fro while somebody looks at its directory."""

    def __init__(self) -> None:
        super().__init__()
        self.item = self.folder / "conf"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True)
        self.item.write_text("before\n")
        for path in (self.folder, self.item):
            own(path)


class _Spinning(_FileInEtc):
    """Many files, so that some are caught between the look at them and the look into them."""

    aims = "checkpoint, release, guard restore"

    def files(self) -> list[Path]:
        """The files, sorted as they are looked at."""
        return [self.folder / f"conf{number:02}" for number in range(60)]

    def prepare(self) -> None:
        super().prepare()
        for number in range(2000):  # what is looked at before, so that there is time to begin
            path = self.folder / f"a{number:04}"
            path.touch()
            own(path)
        for path in self.files():
            path.write_text("before\n")
            own(path)

    def run(self) -> None:
        for path in self.files():
            self.put_aside(aside(path))
        spin_during_looks(self.files())

    def put_aside(self, path: Path) -> None:
        """Make what takes a file's place."""
        raise NotImplementedError


class ServiceFileForLinkRead(_Spinning):
    """A file is read by path after its type was looked at: root's secret is kept as a file of his."""

    aims = "checkpoint"

    def put_aside(self, path: Path) -> None:
        path.symlink_to(self.victims / "secret")

    def won(self) -> str | None:
        for path in Path("/var/lib/hardener/checkpoints").glob("*/contents"):
            if secret(self.name) in path.read_bytes():
                return "a secret of root's is kept as a file of his"
        return None


class ServiceFileForPipe(_Spinning):
    """A file has become a pipe by the time it is opened: whoever opens it waits for ever."""

    holds_up = True

    def put_aside(self, path: Path) -> None:
        os.mkfifo(path)


class ServiceFileForDevice(_Spinning):
    """A file has become a link to a device without an end by the time it is read."""

    holds_up = True

    def put_aside(self, path: Path) -> None:
        path.symlink_to("/dev/zero")


class EndlessFile(_FileInEtc):
    """A file of 8 TiB costs nothing to make, and hours to whoever reads it for its hash."""

    aims = "checkpoint"
    holds_up = True

    def prepare(self) -> None:
        super().prepare()
        os.truncate(self.item, 8 << 40)

    def run(self) -> None:
        """It has only to be there."""


class NamesOfOurs(_FileInEtc):
    """Names that our temporary files take are taken already: links to a file of root's."""

    def run(self) -> None:
        names = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        wait_for_checkpoint(self.folder)
        for number in range(2, 32768):
            os.symlink(self.victims / "secret", f".hardener-{number}", dir_fd=names)
        self.item.write_text("after\n")
        time.sleep(3600)


class FullFileSystem(_FileInEtc):
    """His directory is full: what cannot be brought back there must not keep the rest from coming back."""

    def prepare(self) -> None:
        self.folder.mkdir()
        words = ["--types", "tmpfs", "--options", "size=64k,nr_inodes=64,uid=1002,mode=755", "tmpfs"]
        subprocess.run(["mount", *words, str(self.folder)], check=True)
        self.item.write_text("before\n")
        own(self.item)

    def run(self) -> None:
        wait_for_checkpoint(self.folder)
        self.item.unlink()
        number = 0
        while True:
            try:
                (self.folder / f"full{number}").write_bytes(b"x" * 4096)
                number += 1
            except OSError:
                time.sleep(1)


class Crowd(_FileInEtc):
    """Ten thousand files, to make every look and every restore slow."""

    def prepare(self) -> None:
        super().prepare()
        for number in range(10_000):
            path = self.folder / f"{number:05}-{'long' * 40}"
            path.touch()
            own(path)

    def run(self) -> None:
        wait_for_checkpoint(self.folder)
        for number in range(0, 10_000, 10):
            (self.folder / f"{number:05}-{'long' * 40}").chmod(0o600)
        time.sleep(3600)


class Attributes(_FileInEtc):
    """As many and as large extended attributes as there can be, on many files."""

    def prepare(self) -> None:
        super().prepare()
        for number in range(200):
            path = self.folder / f"{number:03}"
            path.touch()
            own(path)
            for item in range(3):
                os.setxattr(path, f"user.{'long' * 20}{item}", b"x" * 1000)

    def run(self) -> None:
        wait_for_checkpoint(self.folder)
        for number in range(200):
            os.removexattr(self.folder / f"{number:03}", f"user.{'long' * 20}0")
        time.sleep(3600)
