"""A checkpoint in its directory, the lock that one run at a time holds, and what became of the newest run."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

from hardener.checkpoint import files, own_processes, packages, state
from hardener.checkpoint.secure_files import LARGEST
from hardener.checkpoint.secure_paths import (
    directory_at,
    exists,
    link_target,
    lock_file,
    make_directory,
    make_link,
    read,
    remove,
    remove_tree,
    write,
    writing,
)
from hardener.checkpoint.system import HOME, Failed, State, read_json, write_json

MOST = 10
OLDEST_SECONDS = 90 * 24 * 3600
"""How many released or restored checkpoints stay, and for how long."""
RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}", re.ASCII)
"""What the id of a run looks like: it is the name of a directory, and never a way to another one."""

TAKING, ARMED, RESTORING, RELEASED, RESTORED = "taking", "armed", "restoring", "released", "restored"
SETTLED = {RELEASED, RESTORED}
"""States in which nothing has to be done any more."""


class Checkpoint:
    """The directory of one run's checkpoint: ``before.json``, ``after.json``, contents and packages."""

    def __init__(self, run: str, home: PurePath = HOME) -> None:
        if not RUN.fullmatch(run):
            raise Failed(f"{run!r:.80} is not the id of a run")
        self.run, self.home = run, home
        self.folder = home / "checkpoints" / run
        self.program = self.folder / "program.pyz"
        self.packages = self.folder / "packages"
        self._contents, self._contents_after = self.folder / "contents", self.folder / "contents.after"

    def take(self, going: Mapping[str, Sequence[str]], python: str = "python3") -> Mapping[str, str]:
        """Keep all state as it is, and the packages that are about to go; what could not be kept, with the reason.

        ``python``: what Ansible's modules are run with.
        """
        own_processes.mark(self.folder, python)
        with writing(str(self._contents)) as contents:
            before = state.capture(contents)
        packages.keep(going.get("removed", ()), going.get("replaced", ()), self.packages)
        write_json(self.folder / "before.json", before)
        return files.unseen(before["files"])

    def seal(self) -> None:
        """Note what the run has left, and forget the contents it did not change."""
        before = self.before()
        if before is None:
            raise Failed(f"{self.run}: the checkpoint is not complete")
        after = state.capture(known=before)
        changed = {name for kind, name in state.differing(before, after) if kind == "files"}
        with writing(str(self._contents_after)) as contents:
            for path in sorted(changed & set(after["files"])):
                _add(contents, after["files"][path], _current(path, after["files"][path]))
        write_json(self.folder / "after.json", after)
        self._shrink(before, changed)

    def _shrink(self, before: State, paths: set[str]) -> None:
        kept = self.contents()
        with writing(str(self._contents)) as contents:
            for path, entry in before["files"].items():
                _add(contents, entry, kept.of(path, entry) if path in paths else None)
        # The list is written last: a checkpoint whose list is older than its contents finds none of them whole.
        write_json(self.folder / "before.json", before)

    def forget(self) -> None:
        """Keep no more than what became of it: once everything is back, contents are nothing but others' secrets."""
        for path in (self._contents, self._contents_after, self.folder / "before.json"):
            remove(str(path))
        remove_tree(str(self.packages))

    def before(self) -> State | None:
        """All state before the run; ``None`` where it was not completely kept, and so nothing was touched."""
        return read_json(self.folder / "before.json")

    def after(self) -> State | None:
        """All state when the run was released; ``None`` where it was not."""
        return read_json(self.folder / "after.json")

    def contents(self, texts: Mapping[str, bytes] | None = None) -> files.Contents:
        """The kept contents of files as they were before the run."""
        return files.Contents(self._contents, texts)

    def contents_after(self) -> files.Contents:
        """The contents of the files the run changed, as it left them."""
        return files.Contents(self._contents_after)

    def status(self) -> dict[str, Any]:
        """``run``, ``operator``, ``since`` (seconds since 1970), ``state``, ``reason``; ``left`` once restored."""
        return read_json(self.folder / "status.json") or {}

    def set_status(self, **changes: Any) -> None:
        """Note what became of it, here and as the newest run of this target."""
        status = {**self.status(), **changes}
        write_json(self.folder / "status.json", status)
        write_json(self.home / "last.json", status)
        # For the shell that puts the guard's moment off: it reads a word, and no JSON.
        write(str(self.folder / "state"), f"{status.get('state', 'unknown')}\n".encode())


def _current(path: str, entry: files.Entry) -> bytes | None:
    """The content a file has now, if it is still what was captured: in directories of others it may be gone by now."""
    if entry["type"] != "file" or entry.get("size", LARGEST + 1) > LARGEST:
        return None
    try:
        return read(path, follow=False)
    except OSError:
        return None  # no line of it goes back by itself then, and a rollback says so


def _add(contents: Any, entry: files.Entry, data: bytes | None) -> None:
    entry["at"] = None if data is None else contents.tell()
    contents.write(data or b"")


def holder(home: PurePath = HOME) -> Checkpoint | None:
    """The checkpoint of the run that holds the lock."""
    target = link_target(str(home / "lock"))
    return None if target is None else Checkpoint(target, home)


def lock(checkpoint: Checkpoint) -> bool:
    """Take the lock; ``False`` where another run holds it. Making a symbolic link either succeeds whole or fails."""
    try:
        make_link(str(checkpoint.home / "lock"), checkpoint.run)
    except FileExistsError:
        return False
    return True


def unlock(checkpoint: Checkpoint) -> None:
    """Give the lock back, if it is this run's."""
    held = holder(checkpoint.home)
    if held is not None and held.run == checkpoint.run:
        remove(str(checkpoint.home / "lock"))


@contextmanager
def alone(home: PurePath = HOME) -> Iterator[None]:
    """One at a time: a release and a restore must never overlap."""
    make_directory(str(home))
    with _locked(home / "mutex", fcntl.LOCK_EX):
        yield


@contextmanager
def taking(checkpoint: Checkpoint) -> Iterator[None]:
    """While a checkpoint is taken: ``is_taken_now`` says so for as long as this process lives."""
    with _locked(checkpoint.folder / "taking", fcntl.LOCK_EX):
        yield


def is_taken_now(checkpoint: Checkpoint) -> bool:
    """Whether the process that takes a checkpoint is still at work; one that was killed has changed nothing."""
    if not exists(str(checkpoint.folder / "taking")):
        return False
    try:
        with _locked(checkpoint.folder / "taking", fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True


@contextmanager
def _locked(path: PurePath, how: int) -> Iterator[None]:
    descriptor = lock_file(str(path))
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def prune(home: PurePath = HOME) -> None:
    """Forget the oldest checkpoints; never the one under guard."""
    held = holder(home)
    with directory_at(str(home / "checkpoints")) as directory:
        ages = {}
        for name in directory.names():
            with directory.item(name) as item:
                ages[name] = time.time() - item.status.st_mtime
    for number, name in enumerate(sorted(ages, reverse=True)):
        if (number >= MOST or ages[name] > OLDEST_SECONDS) and (held is None or held.run != name):
            remove_tree(str(home / "checkpoints" / name))
