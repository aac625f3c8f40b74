"""What is ours alone: where it lies, and that it is closed to others whatever the umask is."""

from __future__ import annotations

import os
from pathlib import Path

CLOSED = 0o077
PUBLIC = 0o022
"""What of a public file stays closed to others: they may read it, never write it."""

_given: list[int] = []


def close_to_others() -> None:
    """Close everything that this process makes from now on; what others shall read is opened file by file."""
    _given.append(os.umask(CLOSED))


def umask_outside() -> int:
    """The umask for programs that make what is not ours: on a target that is this machine, or in a node of the lab.

    The one we were started with, so that they make it as if somebody had logged in and called them, but never writable
    by everybody. -1 leaves it as it is, for ``subprocess``.
    """
    return _given[-1] | PUBLIC if _given else -1


def state_directory() -> Path:
    """Below the user's state home: what has to outlive a command."""
    return _base("XDG_STATE_HOME", ".local/state") / "hardener"


def cache_directory() -> Path:
    """Below the user's cache home: what can be made again."""
    return _base("XDG_CACHE_HOME", ".cache") / "hardener"


def _base(variable: str, default: str) -> Path:
    """An XDG base directory; relative values are ignored, as its specification demands."""
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home() / default
