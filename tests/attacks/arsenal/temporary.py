"""Attacks on /tmp while it is moved into a file system of its own and back, and on what is put there."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from tests.attacks.arsenal.base import CANARY_PROGRAM, Attack, own, wait_for_guard

TMP = Path("/tmp")
CROWD = 1500


class _Staging(Attack):
    """Copying has to take long enough: many files of the attacker's lie in /tmp, whose names he knows."""

    aims = "apply: /tmp is moved"

    def prepare(self) -> None:
        self.make(TMP / self.name)

    def make(self, folder: Path) -> None:
        """A directory of his; by root."""
        folder.mkdir()
        own(folder)
        for number in range(CROWD):
            path = folder / f"{number:04}"
            path.write_text("x")
            own(path)

    def staging(self) -> Path:
        """Wait for a directory below /run that he can write to, and that was none of them before."""
        known = {path for path in os.listdir("/run") if os.access(f"/run/{path}", os.W_OK)} | {"lock"}
        wait_for_guard()
        while True:
            for name in set(os.listdir("/run")) - known:
                if os.path.isdir(f"/run/{name}") and os.access(f"/run/{name}", os.W_OK):
                    return Path("/run") / name


class StagingLink(_Staging):
    """Root copies /tmp through a directory that everybody may enter: a link planted there is written through."""

    def prepare(self) -> None:
        super().prepare()
        path = TMP / f"zz-{self.name}"
        path.write_text("of the attacker\n")
        own(path)

    def run(self) -> None:
        while True:
            folder = self.staging()
            with suppress(OSError):
                (folder / f"zz-{self.name}").symlink_to(self.victims / "secret")
            time.sleep(0.01)


class StagingFolderLink(_Staging):
    """The same with a directory: what is copied into it goes where the link leads."""

    def prepare(self) -> None:
        super().prepare()
        folder = TMP / f"zz-{self.name}"
        folder.mkdir()
        (folder / "conf").write_text("of the attacker\n")
        for path in (folder, folder / "conf"):
            own(path)

    def run(self) -> None:
        while True:
            folder = self.staging()
            with suppress(OSError):
                (folder / f"zz-{self.name}").symlink_to(self.victims / "directory")
            time.sleep(0.01)


class StagingEntered(_Staging):
    """A working directory inside the staging area keeps it from being unmounted, and fails the apply."""

    holds_up = True

    def run(self) -> None:
        os.chdir(self.staging())
        time.sleep(3600)


class Underneath(_Staging):
    """Whoever held the old /tmp open while a new one was mounted over it plants links where it is copied back to."""

    aims = "guard restore, rollback: /tmp is moved back"

    def prepare(self) -> None:
        for name in ("directory", "file"):
            path = TMP / f"{self.name}-{name}"
            if name == "file":
                path.write_text("of the attacker\n")
            else:
                path.mkdir()
                (path / "conf").write_text("of the attacker\n")
                own(path / "conf")
            own(path)

    def run(self) -> None:
        below = os.open(TMP, os.O_RDONLY | os.O_DIRECTORY)
        wait_for_guard()
        while os.fstat(below).st_dev == TMP.stat().st_dev:
            time.sleep(0.01)
        for name, victim in (("file", "secret"), ("directory", "directory")):
            os.rename(f"{self.name}-{name}", f"{self.name}-{name}~", src_dir_fd=below, dst_dir_fd=below)
            os.symlink(self.victims / victim, f"{self.name}-{name}", dir_fd=below)
        time.sleep(3600)


class WorkingDirectory(_Staging):
    """A program works inside /tmp all the time, and writes there."""

    aims = "apply, guard restore: /tmp is moved"

    def run(self) -> None:
        os.chdir(TMP / self.name)
        for number in range(1_000_000):
            Path(f"at-work-{number % 100}").write_text(str(number))
            time.sleep(0.05)


class Planted(Attack):
    """Names that Ansible, Python and we might use in directories open to all are taken: links, and programs of his."""

    aims = "apply, guard restore"

    NAMES = (".ansible", "ansible", "ansible-tmp", "hardener", "hardener-mounts", "hardener-below", "tmp", "checkpoint")
    MODULES = ("json", "os", "subprocess", "sitecustomize", "ansible", "hardener")

    def run(self) -> None:
        os.umask(0)
        for top in (TMP, Path("/var/tmp"), Path("/dev/shm"), Path("/run/lock")):
            for name in self.NAMES:
                with suppress(OSError):
                    (top / name).symlink_to(self.victims / "directory")
            for name in self.MODULES:
                with suppress(OSError):
                    (top / f"{name}.py").write_text(
                        f"import posix\nif posix.geteuid() == 0: open('/run/arsenal/canary', 'a').write({name!r})\n"
                    )
        for name in ("id", "ls", "systemctl", "sh"):
            path = TMP / name
            with suppress(OSError):
                path.write_text(CANARY_PROGRAM)
                path.chmod(0o755)
        time.sleep(3600)


class FolderOfTmpForLink(_Staging):
    """What lies in /tmp is swapped for links, to and fro, while root copies it; a copy that fails costs the apply."""

    holds_up = True

    def run(self) -> None:
        os.umask(0)
        item, other = TMP / self.name, TMP / f"{self.name}~"
        other.symlink_to(self.victims / "directory")
        wait_for_guard()
        while True:
            for one, two in ((item, f"{self.name}-kept"), (other, self.name)):
                with suppress(OSError):
                    one.rename(TMP / two)
            time.sleep(0.002)
            for one, two in ((TMP / self.name, f"{self.name}~"), (TMP / f"{self.name}-kept", self.name)):
                with suppress(OSError):
                    one.rename(TMP / two)
            time.sleep(0.002)
