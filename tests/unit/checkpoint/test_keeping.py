"""One run at a time holds the lock, its status is known to whoever asks, and old checkpoints go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from hardener.checkpoint import files, keeping, state
from hardener.checkpoint.keeping import ARMED, RELEASED, Checkpoint
from hardener.checkpoint.system import Failed, State, write_atomically


def checkpoint(home: Path, run: str) -> Checkpoint:
    """A checkpoint whose directory exists."""
    made = Checkpoint(run, home)
    made.folder.mkdir(parents=True)
    return made


def test_one_run_at_a_time_holds_the_lock(tmp_path: Path) -> None:
    first, second = checkpoint(tmp_path, "R1"), checkpoint(tmp_path, "R2")
    assert keeping.lock(first)
    assert not keeping.lock(second)
    holder = keeping.holder(tmp_path)
    assert holder is not None
    assert holder.run == "R1"
    keeping.unlock(second)
    assert keeping.holder(tmp_path) is not None, "only whoever holds it can give it back"
    keeping.unlock(first)
    assert keeping.holder(tmp_path) is None


def test_the_newest_run_is_told_at_one_place(tmp_path: Path) -> None:
    checkpoint(tmp_path, "R1").set_status(run="R1", state=RELEASED)
    checkpoint(tmp_path, "R2").set_status(run="R2", state=ARMED, operator="ann")
    assert json.loads((tmp_path / "last.json").read_text()) == {"run": "R2", "state": ARMED, "operator": "ann"}
    assert Checkpoint("R1", tmp_path).status()["state"] == RELEASED


def test_old_checkpoints_go_but_never_the_one_under_guard(tmp_path: Path) -> None:
    runs = [f"R{number:02}" for number in range(keeping.MOST + 3)]
    made = {run: checkpoint(tmp_path, run) for run in runs}
    keeping.lock(made["R00"])
    keeping.prune(tmp_path)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["R00", *runs[3:]]
    os.utime(made["R05"].folder, (0, 0))
    keeping.prune(tmp_path)
    assert not made["R05"].folder.exists(), "too old"


def test_a_run_that_kept_nothing_cannot_be_sealed(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="R1: the checkpoint is not complete"):
        checkpoint(tmp_path, "R1").seal()


def test_once_released_only_what_changed_stays_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "changed").write_bytes(b"old")
    (etc / "stays").write_bytes(b"as it is")
    kinds = ("packages", "units", "sysctls", "mounts", "modules", "rulesets", "routes")

    def captured(contents: BinaryIO | None = None, known: State | None = None) -> State:
        seen = files.capture(contents, (known or {}).get("files"), root=str(tmp_path))
        return {**{kind: {} for kind in kinds}, "files": seen}

    monkeypatch.setattr(state, "capture", captured)
    made = checkpoint(tmp_path / "home", "R1")
    made.take({})
    (etc / "changed").write_bytes(b"new")
    made.seal()
    before = made.before()
    assert before is not None
    assert made.contents().of("/etc/changed", before["files"]["/etc/changed"]) == b"old"
    assert before["files"]["/etc/stays"]["at"] is None
    assert (made.folder / "contents").read_bytes() == b"old"


def test_a_file_is_put_into_place_whole_and_closed(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", b"text")
    assert (tmp_path / "file").read_bytes() == b"text"
    assert (tmp_path / "file").stat().st_mode & 0o7777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
