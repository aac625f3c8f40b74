"""Attacks from a directory of logs that a service's account owns, and by names and depths that nobody expects."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.attacks.arsenal.base import HOME, Attack, aside, own, swap_after_looks, wait_for_checkpoint

ODD = [
    b"line\nbreak",
    b"bad\xff\xfebytes",
    b"-rf",
    b"$(id)",
    b"a b\tc",
    b"\x1b[2J",
    b"4755 root /usr/bin/evil\n/x",
    b"'\"",
]
DEPTH = 2000


class _InLogs(Attack):
    """A directory of logs of the service's own, with ``sub/conf`` in it."""

    aims = "apply, guard restore, rollback"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path("/var/log") / self.name
        self.item = self.folder / "log"

    def prepare(self) -> None:
        self.folder.mkdir()
        self.item.write_text("line\n")
        self.item.chmod(0o666)
        for path in (self.folder, self.item):
            own(path)


class LogFileForLink(_InLogs):
    """A log is closed by a role, gets its mode back from a restore, and has become a link to a file of root's."""

    def run(self) -> None:
        aside(self.item).symlink_to(self.victims / "secret")
        wait_for_checkpoint(self.folder)
        self.item.chmod(0o600)
        swap_after_looks(self.item)


class LogFolderForLink(_InLogs):
    """The same one level deeper: the directory of the log has become a link to one of root's."""

    def prepare(self) -> None:
        self.item = self.folder / "sub"
        self.item.mkdir(parents=True)
        (self.item / "conf").write_text("line\n")
        (self.item / "conf").chmod(0o666)
        for path in (self.folder, self.item, self.item / "conf"):
            own(path)

    def run(self) -> None:
        self.item = self.folder / "sub"
        aside(self.item).symlink_to(self.victims / "directory")
        wait_for_checkpoint(self.folder)
        (self.item / "conf").chmod(0o600)
        swap_after_looks(self.item)


class LogHardLink(_InLogs):
    """What looks like a log is another name of a file of root's that others need (and that he may write, so link)."""

    aims = "apply: logs are closed"

    def run(self) -> None:
        (self.folder / "shared.log").hardlink_to(self.victims / "shared")
        time.sleep(3600)


class OddNames(Attack):
    """Names with line breaks, bad bytes and escape sequences, in a home, among logs, in /etc and in /tmp."""

    aims = "audit, plan, apply, guard restore, rollback"

    def prepare(self) -> None:
        for top in (Path("/var/log"), Path("/etc"), HOME, Path("/tmp")):
            folder = top / self.name
            folder.mkdir()
            own(folder)
            for name in ODD:
                where = os.fsencode(folder) + b"/" + name.replace(b"/", b"_")
                descriptor = os.open(where, os.O_CREAT | os.O_WRONLY, 0o666)
                os.fchmod(descriptor, 0o666)
                os.fchown(descriptor, 1002, 1002)
                os.close(descriptor)

    def run(self) -> None:
        wait_for_checkpoint(Path("/etc") / self.name)
        for top in ("/var/log", "/etc"):
            for name in os.listdir(os.fsencode(f"{top}/{self.name}")):
                path = os.fsencode(f"{top}/{self.name}/") + name
                os.chmod(path, 0o600)
                with open(path, "w", encoding="ascii") as file:
                    file.write("after")
        time.sleep(3600)


class Depth(Attack):
    """Directories 2,000 levels deep: more than a recursion takes, with paths that no system call takes."""

    aims = "audit, checkpoint, plan, apply, guard restore"
    holds_up = True

    def run(self) -> None:
        for top in (Path("/var/log"), Path("/etc"), HOME):
            handle = os.open(top / self.name, os.O_RDONLY | os.O_DIRECTORY)
            for _ in range(DEPTH):
                os.mkdir("d" * 100, dir_fd=handle)
                deeper = os.open("d" * 100, os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
                os.close(handle)
                handle = deeper
            os.close(os.open("log", os.O_CREAT | os.O_WRONLY, 0o666, dir_fd=handle))
        time.sleep(3600)

    def prepare(self) -> None:
        for top in (Path("/var/log"), Path("/etc"), HOME):
            (top / self.name).mkdir()
            own(top / self.name)
