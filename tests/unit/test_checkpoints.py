"""What the controller and a target's checkpoint program say to each other."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hardener.checkpoint import patience
from hardener.conductor import checkpoint_answers, checkpoints
from hardener.errors import CheckpointFailed, TargetLocked, Unreachable
from hardener.model import Answer, Question
from hardener.transport.recorded import RecordedTransport
from tests.unit.builders import answer

LONGEST_ARGUMENT = 128 * 1024
"""Bytes that Linux takes for one argument of a program (MAX_ARG_STRLEN)."""


class Target(RecordedTransport):
    """A target that gives one answer to whatever it is asked, and remembers the question."""

    def __init__(self, given: Answer) -> None:
        super().__init__({})
        self.given, self.asked = given, list[Question]()

    def ask(self, questions):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        self.asked += questions
        return {question.command: self.given for question in questions}


def test_the_program_is_one_file_that_any_python_runs(tmp_path: Path) -> None:
    assert len(checkpoints.program()) < LONGEST_ARGUMENT / 2, "it is part of one argument, and grows"
    stored = ["/bin/sh", "-c", "base64 -d | gzip -d"]  # as a target does it
    data = subprocess.run(stored, input=checkpoints.program().encode(), capture_output=True, check=True).stdout
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
    assert {"__main__.py", "hardener/__init__.py", "hardener/checkpoint/commands.py"} <= set(names)
    assert not [
        name for name in names if not name.startswith(("__main__", "hardener/checkpoint/", "hardener/__init__"))
    ]
    file = tmp_path / "program.pyz"
    file.write_bytes(data)
    words = [sys.executable, "-S", "-I", str(file), "status", "never-was"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {}


def test_the_same_sources_make_the_same_program() -> None:
    first = checkpoints.program()
    checkpoints.program.cache_clear()
    assert checkpoints.program() == first


def test_a_checkpoint_is_asked_for_in_one_question_that_brings_its_program() -> None:
    target = Target(answer('{"state": "armed"}\n'))
    checkpoints.take(target, "R1", operator="ann o'neill", seconds=60, going={"removed": ["telnet"]})
    (question,) = target.asked
    assert checkpoints.program() in question.command
    words = shlex.split(question.command.rpartition("&& ")[2])
    assert words[3:] == ["take", "R1", "ann o'neill", "60", '{"removed": ["telnet"]}', "python3"]
    assert question.seconds == checkpoints.LONGEST_SECONDS


def test_whoever_is_at_work_there_is_named() -> None:
    held = answer(json.dumps({"locked_by": {"run": "R0", "operator": "bob"}}))
    with pytest.raises(TargetLocked, match="another run is under way there: R0 of bob"):
        checkpoints.take(Target(held), "R1", operator="ann", seconds=60, going={})


def test_an_answer_that_is_none_is_told_apart_from_a_refusal() -> None:
    with pytest.raises(Unreachable, match="timed out"):
        checkpoints.release(Target(Answer(exit_status=None, problem="timed out after 60 s")), "R1")
    with pytest.raises(CheckpointFailed, match="No space left on device"):
        checkpoints.release(Target(Answer(exit_status=1, stderr=b"hardener: No space left on device\n")), "R1")
    with pytest.raises(CheckpointFailed, match="cannot be read"):
        checkpoints.release(Target(answer("Welcome!\n")), "R1")


def test_a_heartbeat_starts_no_program_and_answers_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "FOLDER", str(tmp_path))
    monkeypatch.setattr(patience, "HEARTBEATS", str(tmp_path))
    (tmp_path / "folder").mkdir()
    program = checkpoints.heartbeats("folder").replace(f"{tmp_path}/folder\n", f"{tmp_path}/word\n")
    (tmp_path / "folder/state").write_text("armed\n")
    program = program.replace(f">{tmp_path}/folder", f">{tmp_path}/word")
    done = subprocess.run(
        ["/bin/sh", "-c", program], input="30\n40\n", capture_output=True, text=True, check=True, env={"PATH": ""}
    )
    assert done.stdout == "armed\narmed\n"
    assert done.stderr == ""
    at, seconds = (tmp_path / "word").read_text().split()
    assert float(at) > 0
    assert seconds == "40"


@pytest.mark.parametrize(("state", "said"), [("restored\n", "restored"), (None, "lost")])
def test_a_word_that_comes_too_late_puts_nothing_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str | None, said: str
) -> None:
    monkeypatch.setattr(checkpoints, "FOLDER", str(tmp_path))
    monkeypatch.setattr(patience, "HEARTBEATS", str(tmp_path / "none"))
    (tmp_path / "R1").mkdir()
    if state is not None:
        (tmp_path / "R1/state").write_text(state)
    words = ["/bin/sh", "-c", checkpoints.heartbeats("R1")]
    done = subprocess.run(words, input="30\n", capture_output=True, text=True, check=True)
    assert done.stdout == f"{said}\n"
    assert not (tmp_path / "none").exists()


ASKING: dict[str, Callable[[Target], object]] = {
    "take": lambda target: checkpoints.take(target, "R1", operator="ann", seconds=60, going={}),
    "release": lambda target: checkpoints.release(target, "R1"),
    "restore": lambda target: checkpoints.restore(target, "R1", "why"),
    "status": lambda target: checkpoints.status(target, "R1"),
    "rollback": lambda target: checkpoints.rollback(target, "R1", None, force=False),
}


@pytest.mark.parametrize(
    "told",
    [
        "",
        "[]",
        "null",
        "1",
        '"released"',
        "[" * 100_000,
        '{"a":' * 100_000,
        "9" * 5000,
        '{"state": NaN}',
        b"\xff\xfe",
        b"{\0}",
        "{} {}",
        '{"left": "' + "x" * checkpoint_answers.LIMIT + '"}',
    ],
    ids=lambda told: f"{told[:20]!r}",
)
@pytest.mark.parametrize("word", ASKING)
def test_an_answer_of_another_shape_is_a_failure_of_that_target(word: str, told: str | bytes) -> None:
    given = Answer(exit_status=0, stdout=told if isinstance(told, bytes) else told.encode())
    with pytest.raises(CheckpointFailed, match="cannot be read") as caught:
        ASKING[word](Target(given))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "status",
    [
        {"state": "won"},
        {"state": ["released"]},
        {"state": None},
        {"state": "restored", "left": "everything"},
        {"state": "restored", "left": [["files", "/etc/x"]]},
        {"state": "restored", "reason": {}},
        {"run": 1},
        {"operator": 1.5},
    ],
)
def test_a_status_with_odd_fields_is_a_failure_of_that_target(status: dict[str, object]) -> None:
    for word in ("release", "restore", "status"):
        with pytest.raises(CheckpointFailed, match="cannot be read"):
            ASKING[word](Target(answer(json.dumps(status))))
    with pytest.raises(CheckpointFailed, match="cannot be read"):
        ASKING["take"](Target(answer(json.dumps({"locked_by": status}))))


@pytest.mark.parametrize(
    "change",
    [
        {"undone": None},
        {"undone": {"files": "/etc/x"}},
        {"undone": ["files"]},
        {"undone": [["files"]]},
        {"undone": [["files", "/etc/x", "y"]]},
        {"undone": [["files", 1]]},
        {"conflicts": [[[], []]]},
        {"left": [1]},
        {"left": "x"},
    ],
)
def test_a_rollback_with_odd_fields_is_a_failure_of_that_target(change: dict[str, object]) -> None:
    told = {"undone": [], "conflicts": [], "left": [], **change}
    with pytest.raises(CheckpointFailed, match="cannot be read"):
        ASKING["rollback"](Target(answer(json.dumps(told))))
    del told[next(iter(change))]
    with pytest.raises(CheckpointFailed, match="it lacks"):
        ASKING["rollback"](Target(answer(json.dumps(told))))


def test_names_of_any_bytes_are_told_in_lines_that_can_be_kept() -> None:
    told = {"undone": [["files", "/etc/\udcff\n\x1b[2J"]], "conflicts": [], "left": ["/home/\ud800: é"], "new": 1}
    rolled_back = checkpoints.rollback(Target(answer(json.dumps(told))), "R1", None, force=False)
    assert rolled_back.undone == [("files", "/etc/\\udcff\\n\\x1b[2J")]
    assert rolled_back.left == ["/home/\\ud800: é"]


def test_a_status_is_read_as_the_program_writes_it() -> None:
    told = {
        "run": "R1",
        "operator": "ann",
        "since": 1.5,
        "state": "restored",
        "reason": "why",
        "until": 2.5,
        "left": [],
    }
    status = checkpoints.status(Target(answer(json.dumps(told))), "R1")
    assert (status.words, status.state, status.reason, status.left) == ("R1 of ann", "restored", "why", [])
    assert checkpoints.status(Target(answer("{}")), "R1").state == ""


def test_a_failure_is_told_in_one_short_line() -> None:
    given = Answer(exit_status=1, stderr=b"x" * 4_000_000 + b"\nhardener: \x1b[2J\xff no\n")
    with pytest.raises(CheckpointFailed, match=r"^\\x1b\[2J\\xff no$"):
        checkpoints.release(Target(given), "R1")


def test_reading_the_longest_answer_needs_less_memory_than_a_conversation_may() -> None:
    unit = b"{},"
    told = b'{"left":[' + unit * ((checkpoint_answers.LIMIT - 20) // len(unit)) + b"{}]}"
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointFailed, match="not a text"):
            checkpoint_answers.status(told)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024**2
