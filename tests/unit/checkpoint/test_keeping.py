"""One run at a time holds the lock, its status is known to whoever asks, and old checkpoints go."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from hardener.checkpoint import files, keeping, state
from hardener.checkpoint.keeping import ARMED, RELEASED, RESTORED, Checkpoint
from hardener.checkpoint.secure_files import Unsafe
from hardener.checkpoint.system import Failed, State


def checkpoint(home: Path, run: str) -> Checkpoint:
    """A checkpoint whose directory exists."""
    made = Checkpoint(run, home)
    Path(made.folder).mkdir(parents=True)
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
    assert not Path(made["R05"].folder).exists(), "too old"


def test_a_run_that_kept_nothing_cannot_be_sealed(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="R1: the checkpoint is not complete"):
        checkpoint(tmp_path, "R1").seal()


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    """A checkpoint of a system that consists of two files."""
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "changed").write_bytes(b"old")
    (etc / "stays").write_bytes(b"as it is")
    kinds = ("packages", "units", "sysctls", "mounts", "modules", "rulesets", "routes")

    def captured(contents: BinaryIO | None = None, known: State | None = None) -> State:
        seen = files.capture(contents, (known or {}).get("files"), root=str(tmp_path))
        return {**{kind: {} for kind in kinds}, "files": seen}

    monkeypatch.setattr(state, "capture", captured)
    return checkpoint(tmp_path / "home", "R1")


def test_once_released_only_what_changed_stays_kept(captures: Checkpoint, tmp_path: Path) -> None:
    captures.take({})
    (tmp_path / "etc/changed").write_bytes(b"new")
    captures.seal()
    before = captures.before()
    assert before is not None
    assert captures.contents().of("/etc/changed", before["files"]["/etc/changed"]) == b"old"
    assert before["files"]["/etc/stays"]["at"] is None


@pytest.mark.parametrize("run", ["", "..", "../../home/eve/ck", "R/1", "-R", "R\n", "a" * 65, "R 1"])
def test_the_id_of_a_run_is_never_a_way_to_another_directory(tmp_path: Path, run: str) -> None:
    with pytest.raises(Failed, match="is not the id of a run"):
        Checkpoint(run, tmp_path)


def test_what_the_run_left_is_kept_for_those_files_alone_that_it_changed(captures: Checkpoint, tmp_path: Path) -> None:
    captures.take({})
    (tmp_path / "etc/changed").write_bytes(b"new")
    captures.seal()
    before, after = captures.before(), captures.after()
    assert before is not None
    assert after is not None
    assert Path(captures.folder / "contents").read_bytes() == b"old"
    # The files of this test are not at their real paths, from which the text after a run is read.
    assert after["files"]["/etc/changed"]["at"] is None


def test_a_restored_checkpoint_keeps_nobodys_secrets(captures: Checkpoint) -> None:
    captures.take({})
    captures.set_status(state=RESTORED)
    captures.forget()
    captures.forget()
    assert {path.name for path in Path(captures.folder).iterdir()} == {"mark", "python", "state", "status.json"}


def test_whether_a_checkpoint_is_being_taken_is_known_from_who_takes_it(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, "R1")
    assert not keeping.is_taken_now(made)
    with keeping.taking(made):
        assert keeping.is_taken_now(made)
    assert not keeping.is_taken_now(made)


def test_two_that_want_to_be_alone_take_turns(tmp_path: Path) -> None:
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait(10)
        with keeping.alone(tmp_path):
            order.append("second")

    thread = threading.Thread(target=second)
    with keeping.alone(tmp_path):
        thread.start()
        inside.set()
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_file_that_is_something_else_by_now_does_not_keep_a_run_from_its_release(
    captures: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captures.take({})
    (tmp_path / "etc/changed").write_bytes(b"new")

    def swapped(path: str, **_how: object) -> bytes:
        raise Unsafe(path, "no regular file")

    monkeypatch.setattr(keeping, "read", swapped)
    captures.seal()
    after = captures.after()
    assert after is not None
    assert after["files"]["/etc/changed"]["at"] is None
