"""What the controller and a target's checkpoint program say to each other."""

from __future__ import annotations

import base64
import io
import json
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hardener.checkpoint import patience
from hardener.conductor import checkpoints
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
    data = base64.b64decode(checkpoints.program())
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
