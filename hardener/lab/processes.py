"""Finds and ends the processes of one node, and never any other."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from hardener.errors import LabError
from hardener.lab.node import Node

_PROGRAMS = frozenset({"qemu-system-x86_64", "systemd-nspawn", "setsid"})
"""What the lab starts for a node; a pager that has the node's log open is not among them."""
_GRACE_SECONDS = 10.0


def node_processes(folder: Path) -> list[int]:
    """The ids of the processes the lab started for the node in ``folder``, oldest first."""
    ids = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in ids if pid != os.getpid() and belongs(_argv(pid), folder)]


def belongs(argv: Sequence[str], folder: Path) -> bool:
    """Whether a process with these arguments is one the lab started for the node in ``folder``."""
    match argv:
        case [program, script, *_] if Path(program).name == "sh":
            ours = Path(script).name == "supervise.sh"
        case [program, *_]:
            ours = Path(program).name in _PROGRAMS
        case _:
            ours = False
    return ours and any(f"{folder}/" in argument for argument in argv)


def is_running(node: Node) -> bool:
    """Whether any process of the node is alive."""
    return bool(node_processes(node.folder))


def end_processes(folder: Path) -> None:
    """Kill a node's processes, a container's init among them, and wait until they are gone.

    The supervisor goes first, because it would start the container again. Raises LabError if one survives.
    """
    deadline = time.monotonic() + _GRACE_SECONDS
    while (found := node_processes(folder)) and time.monotonic() < deadline:
        inits = [child for pid in found if _name(pid) == "systemd-nspawn" for child in _children(pid)]
        for pid in [*(pid for pid in found if _name(pid) != "systemd-nspawn"), *inits]:
            _kill(pid)
        if not inits:
            for pid in found:
                _kill(pid)
        time.sleep(0.05)
    if found:
        raise LabError(f"lab: process {found[0]} of the node in {folder} does not end")


def _name(pid: int) -> str:
    """The program a process runs, or nothing if it has gone."""
    argv = _argv(pid)
    return Path(argv[0]).name if argv else ""


def _argv(pid: int) -> list[str]:
    """The arguments of a process; empty if it has gone or is only waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []


def _children(pid: int) -> list[int]:
    """The direct children of a process."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _kill(pid: int) -> None:
    """End one process at once; one that is already gone is fine."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
