"""A checkpoint in its directory, the lock that one run at a time holds, and what became of the newest run."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hardener.checkpoint import files, packages, state
from hardener.checkpoint.system import HOME, Failed, State, read_json, write_json

MOST = 10
OLDEST_SECONDS = 90 * 24 * 3600
"""How many released or restored checkpoints stay, and for how long."""

ARMED, RESTORING, RELEASED, RESTORED = "armed", "restoring", "released", "restored"


class Checkpoint:
    """The directory of one run's checkpoint: ``before.json``, ``after.json``, contents and packages."""

    def __init__(self, run: str, home: Path = HOME) -> None:
        self.run, self.home = run, home
        self.folder = home / "checkpoints" / run
        self.program = self.folder / "program.pyz"
        self.packages = self.folder / "packages"
        self._contents = self.folder / "contents"

    def take(self, going: Mapping[str, Sequence[str]]) -> None:
        """Keep all state as it is, and the packages that are about to go."""
        with open(str(self._contents), "wb") as contents:
            os.fchmod(contents.fileno(), 0o600)
            before = state.capture(contents)
            contents.flush()
            os.fsync(contents.fileno())
        packages.keep(going.get("removed", ()), going.get("replaced", ()), self.packages)
        write_json(self.folder / "before.json", before)

    def seal(self) -> None:
        """Note what the run has left, and forget the contents it did not change."""
        before = self.before()
        if before is None:
            raise Failed(f"{self.run}: the checkpoint is not complete")
        after = state.capture(known=before)
        changed = state.differing(before, after)
        write_json(self.folder / "after.json", after)
        self._shrink(before, {name for kind, name in changed if kind == "files"})

    def _shrink(self, before: State, paths: Any) -> None:
        smaller = self.folder / "contents.new"
        kept = self.contents()
        with open(str(smaller), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            for path, entry in before["files"].items():
                data = kept.of(path, entry) if path in paths else None
                entry["at"] = None if data is None else file.tell()
                file.write(data or b"")
        # The list that fits both is written last: a checkpoint whose list is older than its contents finds none.
        os.replace(str(smaller), str(self._contents))
        write_json(self.folder / "before.json", before)

    def before(self) -> State | None:
        """All state before the run; ``None`` where it was not completely kept, and so nothing was touched."""
        return read_json(self.folder / "before.json")

    def after(self) -> State | None:
        """All state when the run was released; ``None`` where it was not."""
        return read_json(self.folder / "after.json")

    def contents(self, texts: dict[str, bytes] | None = None) -> files.Contents:
        """The kept contents of files."""
        return files.Contents(self._contents, texts)

    def status(self) -> dict[str, Any]:
        """``run``, ``operator``, ``since`` (seconds since 1970), ``state``, ``reason``; ``left`` once restored."""
        return read_json(self.folder / "status.json") or {}

    def set_status(self, **changes: Any) -> None:
        """Note what became of it, here and as the newest run of this target."""
        status = {**self.status(), **changes}
        write_json(self.folder / "status.json", status)
        write_json(self.home / "last.json", status)


def holder(home: Path = HOME) -> Checkpoint | None:
    """The checkpoint of the run that holds the lock."""
    try:
        return Checkpoint(os.readlink(str(home / "lock")), home)
    except FileNotFoundError:
        return None


def lock(checkpoint: Checkpoint) -> bool:
    """Take the lock; ``False`` where another run holds it. Making a symbolic link either succeeds whole or fails."""
    try:
        os.symlink(checkpoint.run, str(checkpoint.home / "lock"))
    except FileExistsError:
        return False
    return True


def unlock(checkpoint: Checkpoint) -> None:
    """Give the lock back, if it is this run's."""
    held = holder(checkpoint.home)
    if held is not None and held.run == checkpoint.run:
        os.unlink(str(checkpoint.home / "lock"))


@contextmanager
def alone(home: Path = HOME) -> Iterator[None]:
    """One at a time: a release and a restore must never overlap."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(str(home / "mutex"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def prune(home: Path = HOME) -> None:
    """Forget the oldest checkpoints; never the one under guard."""
    held = holder(home)
    folders = sorted((path for path in (home / "checkpoints").iterdir() if path.is_dir()), reverse=True)
    for number, folder in enumerate(folders):
        is_old = number >= MOST or time.time() - folder.stat().st_mtime > OLDEST_SECONDS
        if is_old and (held is None or held.run != folder.name):
            shutil.rmtree(str(folder))
