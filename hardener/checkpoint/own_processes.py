"""The processes a run executes on a target: known by a secret of that run, among root's processes alone.

Ansible's modules are started by a small program in the checkpoint's directory, which only root can enter. It puts the
run's secret into their environment, where children inherit it; a secret on a command line would be everybody's.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import PurePath

from hardener.checkpoint.lossless import lines_of
from hardener.checkpoint.secure_paths import kernel_names, kernel_text, read, write

MARK = "HARDENER_MARK"
"""In the environment of everything a run executes on the target."""
LOOK_SECONDS = 0.2

_PYTHON = """\
#!/bin/sh
# Starts what a run executes on this target, so that the run's guard can end it before it restores.
IFS= read -r {mark} <{secret} && export {mark} && exec {python} "$@"
"""


def mark(folder: PurePath, python: str) -> None:
    """Make the secret of a run, and the program by which its processes get it: ``FOLDER/python``."""
    write(str(folder / "mark"), f"{os.urandom(16).hex()}\n".encode())
    text = _PYTHON.format(mark=MARK, secret=folder / "mark", python=python)
    write(str(folder / "python"), text.encode(), mode=0o700)


def end(folder: PurePath, seconds: float) -> bool:
    """End what a run still executes, and wait until it has ended, at most so long; whether there was anything."""
    found = False
    ends = time.monotonic() + seconds
    while pids := list(of_run(folder)):
        found = True
        for pid in pids:
            kill(pid)
        if time.monotonic() > ends:
            break
        time.sleep(LOOK_SECONDS)
    return found


def of_run(folder: PurePath) -> Iterator[int]:
    """The processes of root's that have the run's secret; none where the run made none."""
    secret = (read(str(folder / "mark")) or b"").strip()
    if not secret:
        return
    wanted = f"{MARK}={secret.decode('ascii')}"
    for name in kernel_names("/proc"):
        if name.isdigit() and int(name) != os.getpid() and _is_roots(name) and wanted in _environment(name):
            yield int(name)


def descendants(pid: int) -> list[int]:
    """A process and all that it has started, youngest first."""
    children: dict[int, list[int]] = {}
    for name in kernel_names("/proc"):
        if name.isdigit() and (words := _status(name)):
            children.setdefault(int(words.get("PPid", "0")), []).append(int(name))
    found = [pid]
    for one in found:  # grows while it is gone through
        found += children.get(one, [])
    return found[::-1]


def kill(pid: int) -> None:
    """End a process, whatever it does; one that has ended already is fine."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _is_roots(name: str) -> bool:
    """Whether a living process is root's through and through: a set-id program has its user's environment."""
    words = _status(name)
    return words.get("Uid", "").split() == ["0"] * 4 and not words.get("State", "Z").startswith(("Z", "X"))


def _status(name: str) -> dict[str, str]:
    try:
        lines = lines_of(kernel_text(f"/proc/{name}/status"))
    except OSError:  # it has ended meanwhile
        return {}
    return dict(line.removesuffix("\n").split(":\t", 1) for line in lines if ":\t" in line)


def _environment(name: str) -> list[str]:
    try:
        return kernel_text(f"/proc/{name}/environ").split("\0")
    except OSError:
        return []
