"""Attacks by processes that pretend to be others."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.attacks.arsenal.base import Attack, wait_for_guard

NAME_OF_PROCESS = 15
PORT = 2222


class MarkedProcesses(Attack):
    """Processes that carry the mark of a run count as its own: a restore ends them, and waits until none is left."""

    aims = "guard restore"
    holds_up = True

    def run(self) -> None:
        run = wait_for_guard()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            for _ in range(4):
                subprocess.Popen(["sleep", "0.2"], env={"HARDENER_RUN": run, "PATH": "/usr/bin:/bin"})
            time.sleep(0.05)


class MarkedInstaller(Attack):
    """A marked process that is called dpkg is let finish, for minutes."""

    aims = "guard restore"
    holds_up = True

    def run(self) -> None:
        run = wait_for_guard()
        program = Path("/home/plain/dpkg")
        shutil.copy("/bin/sleep", program)
        subprocess.run([str(program), "3600"], env={"HARDENER_RUN": run}, check=False)
        time.sleep(3600)


class NamedInstaller(Attack):
    """A process without a mark, called apt-get: somebody else's package manager is nobody's to wait for for ever."""

    aims = "guard restore"

    def run(self) -> None:
        program = Path("/home/plain/apt-get")
        shutil.copy("/bin/sleep", program)
        os.execv(program, ["apt-get", "3600"])


class NamedSshd(Attack):
    """Whatever listens and is called sshd has its port opened to the world by the firewall."""

    aims = "apply: the firewall"

    def run(self) -> None:
        ctypes.CDLL(None).prctl(NAME_OF_PROCESS, b"sshd", 0, 0, 0)
        listener = socket.create_server(("0.0.0.0", PORT))
        while True:
            listener.accept()[0].close()

    def won(self) -> str | None:
        words = ["nft", "list", "table", "inet", "hardener"]
        table = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        return f"port {PORT} is open in the firewall" if str(PORT) in table else None


class Crontab(Attack):
    """His own crontab changes all the time, by the set-gid program: what is in that directory is root's to name."""

    aims = "checkpoint, guard restore, rollback"

    def run(self) -> None:
        for number in range(100_000):
            subprocess.run(["crontab", "-"], input=f"# {number}\n", text=True, check=False, capture_output=True)
            time.sleep(0.5)


class Signals(Attack):
    """He signals every process there is, all the time: only his own may care."""

    aims = "apply, release, guard restore"

    def run(self) -> None:
        while True:
            for name in os.listdir("/proc"):
                with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
                    if name.isdigit() and Path(f"/proc/{name}").stat().st_uid == 0:
                        os.kill(int(name), signal.SIGKILL)
                        raise SystemExit(f"could end process {name} of root's")
            time.sleep(0.5)
