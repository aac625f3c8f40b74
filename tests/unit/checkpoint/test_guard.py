"""The guard waits while it is put off, restores once, and ends what its run has left behind."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from hardener.checkpoint import file_restore, files, guard, package_manager, packages, patience, state
from hardener.checkpoint.keeping import ARMED, RELEASED, RESTORED, RESTORING, Checkpoint


@pytest.fixture
def armed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    """A checkpoint of a run that waits for its release, with nothing to bring back."""
    monkeypatch.setattr(guard, "disarm", lambda _checkpoint: None)
    monkeypatch.setattr(package_manager, "quiet", lambda: nullcontext(enter_result=False))
    monkeypatch.setattr(patience, "HEARTBEATS", str(tmp_path / "heartbeats"))
    monkeypatch.setattr(state, "restore", lambda *_arguments: ["audit rules: locked"])
    made = Checkpoint(f"R-{uuid.uuid4().hex}", tmp_path)
    Path(made.folder).mkdir(parents=True)
    made.set_status(run=made.run, state=ARMED)
    monkeypatch.setattr(made, "before", dict)
    return made


def test_a_moment_that_has_passed_ends_the_wait(armed: Checkpoint) -> None:
    patience.begin(armed.run, 0)
    assert guard.wait(armed, 3600) == 0


def test_a_release_ends_the_wait_however_long_it_would_be(armed: Checkpoint) -> None:
    patience.begin(armed.run, 3600)
    armed.set_status(state=RELEASED)
    guard.wait(armed, 3600)


def test_what_could_not_be_brought_back_is_kept_with_the_reason(armed: Checkpoint) -> None:
    assert guard.restore(armed, "nobody came") == ["audit rules: locked"]
    status = armed.status()
    assert (status["state"], status["reason"]) == (RESTORED, "nobody came")
    assert status["left"] == ["audit rules: locked"]


def test_what_was_released_is_not_restored(armed: Checkpoint) -> None:
    armed.set_status(state=RELEASED)
    assert guard.restore(armed, "too late") == []
    assert armed.status()["state"] == RELEASED


def test_a_restore_that_was_cut_short_goes_on(armed: Checkpoint) -> None:
    armed.set_status(state=RESTORING)
    guard.restore(armed, "again")
    assert armed.status()["state"] == RESTORED


@pytest.mark.parametrize("are_files_back", [True, False])
def test_a_boot_starts_nothing_anew_that_it_started_with_the_files_there_were(
    armed: Checkpoint, monkeypatch: pytest.MonkeyPatch, are_files_back: bool
) -> None:
    asked: list[object] = []

    def files_restored(*_arguments: object) -> None:
        if not are_files_back:
            raise OSError("no space left on device")

    def restored(*arguments: object) -> list[str]:
        asked.append(arguments[-1])
        return []

    monkeypatch.setattr(armed, "before", lambda: {"files": {}})
    monkeypatch.setattr(files, "capture", lambda **_options: {})
    monkeypatch.setattr(file_restore, "restore", files_restored)
    monkeypatch.setattr(guard, "output", lambda _words: "")
    monkeypatch.setattr(state, "restore", restored)
    with nullcontext() if are_files_back else pytest.raises(OSError, match="no space"):
        guard.restore_early(armed)
    guard.restore_late(armed)
    assert asked == [[] if are_files_back else None]
    assert armed.status()["reason"] == "the target was restarted before the run was released"


def test_a_restore_goes_on_until_nothing_differs_and_names_what_still_does(
    armed: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [["half"], ["half"], []]
    monkeypatch.setattr(state, "restore", lambda *_arguments: found.pop(0))
    assert guard.restore(armed, "nobody came") == []
    assert found == []


def test_what_was_ended_in_the_middle_of_an_installation_is_brought_to_an_end_first(
    armed: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    @contextmanager
    def busy() -> Iterator[bool]:
        order.append("quiet")
        yield True
        order.append("free again")

    monkeypatch.setattr(package_manager, "quiet", busy)
    monkeypatch.setattr(packages, "finish", lambda: order.append("configure"))

    def restored(*_arguments: object) -> list[str]:
        order.append("restore")
        return []

    monkeypatch.setattr(state, "restore", restored)
    guard.restore(armed, "nobody came")
    assert order == ["quiet", "configure", "restore", "free again"]


def test_the_boot_takes_up_a_restore_as_often_as_it_fails() -> None:
    for text in (guard._EARLY, guard._LATE):
        assert "StartLimitIntervalSec=0" in text
    assert "Restart=on-failure" in guard._LATE


def test_however_much_is_left_what_is_told_of_it_can_be_read(
    armed: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "restore", lambda *_arguments: [f"/etc/service/{number}" for number in range(50_000)])
    guard.restore(armed, "nobody came")
    left = armed.status()["left"]
    assert len(left) == 201
    assert left[-1] == "and 49800 more"
