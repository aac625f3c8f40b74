"""What is ours alone: where it lies, and that it is closed to others whatever the umask is."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hardener.errors import ConfigError
from hardener.ownership import refuse_foreign

CLOSED = 0o077
PUBLIC = 0o022
"""What of a public file stays closed to others: they may read it, never write it."""

LOCK = "lock"
MOST_TRIES = 10
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


@contextmanager
def working_directory() -> Iterator[Path]:
    """A directory of ours for as long as it is needed; what is in it may be secret, or be run.

    Whoever is killed leaves his behind: the next one to need such a directory removes it. That somebody still lives is
    told by a lock, which the kernel takes away with him; the number of his process is in the name, for people to see.
    Raises ``ConfigError`` where none can be made that is closed to others.
    """
    parent = state_directory() / "running"
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One at a time: who has made a directory and not yet locked it is not dead.
        with _locked(parent / LOCK):
            _remove_abandoned(parent)
            folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
            held = _opened(folder / LOCK)
            fcntl.flock(held, fcntl.LOCK_EX)
    except OSError as error:
        raise ConfigError(error.strerror or str(error), location=str(parent)) from None
    try:
        refuse_foreign(folder)
        yield folder
    finally:
        _remove(folder)
        os.close(held)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob("*-*"):
        held = _opened(folder / LOCK)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            _remove(folder)
        finally:
            os.close(held)


def _remove(folder: Path) -> None:
    """Remove a directory in which programs that were started by whoever is dead may still be at work.

    By another name first, so that they find it no more. What they put into it all the same is left for the next one.
    """
    gone = folder.with_name(f"{folder.name}-gone")
    folder.rename(gone)
    for _ in range(MOST_TRIES):
        try:
            shutil.rmtree(gone)
        except FileNotFoundError:  # they removed something themselves, or nothing is left
            continue
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        else:
            return


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    held = _opened(file)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _opened(file: Path) -> int:
    """A lock file; to be written, as NFS locks no other, and not inherited, so that it is free once we are gone."""
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _base(variable: str, default: str) -> Path:
    """An XDG base directory; relative values are ignored, as its specification demands."""
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home() / default
