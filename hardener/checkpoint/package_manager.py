"""The target's package manager, which nothing may be restored beneath: dpkg's own lock says whether it is at work."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hardener.checkpoint.own_processes import LOOK_SECONDS, descendants, kill
from hardener.checkpoint.secure_paths import item_at, kernel_text
from hardener.checkpoint.system import Failed

LOCK = "/var/lib/dpkg/lock-frontend"
"""What apt, dpkg and all that drive them hold while they are at work (dpkg >= 1.19.1)."""
PATIENCE_SECONDS = 180
"""How long a package manager may go on by itself before it is ended: half of an installation is worse than waiting."""
ENDING_SECONDS = 10
_FLOCK = "hhqqi4x"
"""struct flock of Linux on 64 bits: type, whence, start, length, pid."""


@contextmanager
def quiet(seconds: float = PATIENCE_SECONDS, *, ends_it: bool = True) -> Iterator[bool]:
    """Hold the package manager's lock: nobody installs or removes anything meanwhile. Nothing where there is no dpkg.

    Who holds it may go on for ``seconds``; then it is ended, with all it has started, or (without ``ends_it``)
    ``Failed`` names it. Gives whether it had to be ended, so that dpkg is left in the middle of something.
    """
    try:
        with item_at(LOCK) as item:
            descriptor = item.opened_for_locking()
    except (FileNotFoundError, NotADirectoryError):
        yield False
        return
    try:
        yield _taken(descriptor, seconds, ends_it=ends_it)
    finally:
        os.close(descriptor)


def _taken(descriptor: int, seconds: float, *, ends_it: bool) -> bool:
    """Take the lock; whether its holder had to be ended."""
    ends, is_ended = time.monotonic() + seconds, False
    while not _is_free(descriptor):
        holder = _holder(descriptor)
        if time.monotonic() > ends:
            if not ends_it:
                raise Failed(f"a package manager is at work there: {_name(holder)} (process {holder})")
            if time.monotonic() > ends + ENDING_SECONDS:
                raise Failed(f"the package manager cannot be ended: {_name(holder)} (process {holder})")
            is_ended = True
            for pid in descendants(holder) if holder else ():
                kill(pid)
        time.sleep(LOOK_SECONDS)
    return is_ended


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _holder(descriptor: int) -> int:
    """The process that holds the lock, 0 where it has just let go of it or is in another namespace."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, *_, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return 0 if kind == fcntl.F_UNLCK else int(pid)


def _name(pid: int) -> str:
    try:
        return kernel_text(f"/proc/{pid}/comm").strip()
    except OSError:
        return "unknown"
