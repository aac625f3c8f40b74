"""A shell that stays on the target: lines to and fro, answers that come late, and ends of all kinds."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hardener.errors import BecomeFailed, TimedOut, Unreachable
from hardener.model import Become, Connection, Question
from hardener.transport import Session
from hardener.transport.batch import Batch
from hardener.transport.exchange import shell_command
from hardener.transport.local import LocalTransport
from hardener.transport.session import LINE_LIMIT, hold_session

ECHO = 'while IFS= read -r line; do echo "got $line"; done'
HELD = 'while IFS= read -r line; do if [ -p "$line" ]; then read -r _ <"$line"; fi; echo "got $line"; done'
"""A line that names a FIFO is answered once something was written to that."""
NONCE = "0123abcd"


@contextmanager
def session(program: str) -> Iterator[Session]:
    with LocalTransport(Connection(kind="local", host="localhost")) as transport, transport.session(program) as opened:
        yield opened


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


@pytest.mark.parametrize("line", ["1", "", "  a \\ $x `y` 'z' ", "ü", "x" * (LINE_LIMIT - 100)])
def test_a_line_is_answered_by_the_program(line: str) -> None:
    with session(ECHO) as opened:
        assert opened.exchange(line, 10) == f"got {line}"


def test_all_lines_are_answered_by_one_shell_that_starts_nothing() -> None:
    with session('while read -r _; do echo "$$"; done') as opened:
        assert len({opened.exchange(str(number), 10) for number in range(20)}) == 1
    with session("PATH=/nowhere; while read -r line; do echo $line; done") as opened:
        assert opened.exchange("no program", 10) == "no program"


def test_questions_are_asked_beside_a_session() -> None:
    with LocalTransport(Connection(kind="local", host="localhost")) as transport, transport.session(ECHO) as opened:
        assert transport.ask([Question(command="echo asked")])["echo asked"].stdout == b"asked\n"
        assert opened.exchange("1", 10) == "got 1"


def test_an_answer_that_comes_late_is_not_that_of_a_later_line(gate: Path) -> None:
    with session(HELD) as opened:
        with pytest.raises(TimedOut, match=r"within 0\.2 s"):
            opened.exchange(str(gate), 0.2)
        gate.write_text("go on\n")
        assert opened.exchange("next", 10) == "got next"


def test_a_target_that_stands_still_is_not_written_to_for_ever(gate: Path) -> None:
    with session(HELD) as opened:
        for number in range(40):  # 40 lines of this length would not fit into the pipe
            with pytest.raises(TimedOut):
                opened.exchange(str(gate) if number == 0 else "x" * (LINE_LIMIT - 100), 0.01)
        gate.write_text("go on\n")
        assert opened.exchange("alive", 10) == "got alive"


def test_lines_that_nobody_asked_for_do_not_hold_the_deadline_up() -> None:
    pipe = Scripted(b"%b ready\n" % NONCE.encode(), *[b"noise\n" * 1000] * 100_000)
    with hold_session(pipe, Batch(questions=[], nonce=NONCE), ECHO, None, None) as opened, pytest.raises(TimedOut):
        opened.exchange("1", 0.3)


def test_what_a_login_shell_says_is_no_answer() -> None:
    said = b"%b ready\nWelcome!\n0123abce 5\nno line break0123abcd 7\n" % NONCE.encode()
    with hold_session(Scripted(said[:16], said[16:]), Batch(questions=[], nonce=NONCE), ECHO, None, None) as opened:
        assert opened.exchange("1", 10) == "7"


@pytest.mark.parametrize("answer", [b"x" * 6000, b"%b %b\n" % (NONCE.encode(), b"x" * 6000)])
def test_an_answer_without_an_end_ends_the_session(answer: bytes) -> None:
    pipe = Scripted(b"%b ready\n" % NONCE.encode(), answer)
    with hold_session(pipe, Batch(questions=[], nonce=NONCE), ECHO, None, None) as opened:
        for _ in range(2):
            with pytest.raises(Unreachable, match="more than 4096 bytes"):
                opened.exchange("1", 10)


@pytest.mark.parametrize("line", ["two\nlines", "x" * LINE_LIMIT])
def test_what_is_not_one_short_line_is_refused(line: str) -> None:
    with session(ECHO) as opened, pytest.raises(ValueError, match="not one line"):
        opened.exchange(line, 10)


def test_a_program_that_ends_is_told_in_its_last_words() -> None:
    with session("read -r _; echo 'no more' >&2") as opened:
        for _ in range(2):
            with pytest.raises(Unreachable, match="the session is over: no more"):
                opened.exchange("1", 10)


def test_a_program_that_was_killed_is_told() -> None:
    with session("while read -r _; do sh -c 'echo \"$PPID\"'; done") as opened:
        os.kill(int(opened.exchange("1", 10)), signal.SIGKILL)
        with pytest.raises(Unreachable, match="the session is over"):
            opened.exchange("2", 10)


def test_a_program_that_is_no_shell_program_is_told_in_the_shells_words() -> None:
    with pytest.raises(Unreachable, match=r"(?i)syntax error"), session("while; do"):
        pass


def test_leaving_ends_the_program(tmp_path: Path) -> None:
    with session(f"{ECHO}; echo ended >{tmp_path}/ended") as opened:
        opened.exchange("1", 10)
    assert (tmp_path / "ended").read_text() == "ended\n"


def test_a_session_that_was_left_is_over() -> None:
    with session(ECHO) as opened:
        opened.exchange("1", 10)
    with pytest.raises(Unreachable, match="it was closed"):
        opened.exchange("2", 10)


@pytest.mark.parametrize("shell", ["dash", "bash", "mksh", "busybox"])
def test_shells_do_not_take_lines_for_the_program(shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed here")
    (tmp_path / "sh").symlink_to(path)
    monkeypatch.setattr("hardener.transport.local.shell_command", lambda *_, **__: f"exec {tmp_path}/sh -s")
    with session(ECHO) as opened:
        assert [opened.exchange(str(number), 10) for number in range(3)] == ["got 0", "got 1", "got 2"]


def test_the_password_goes_to_the_prompt_and_the_program_to_the_shell() -> None:
    batch = Batch(questions=[], nonce=NONCE)
    pipe = Scripted(errors=[f"{NONCE} password ".encode(), f"{NONCE} ready\n".encode()])
    pipe.outputs = [b"%b ready\n" % NONCE.encode(), b"%b got 1\n" % NONCE.encode()]
    with hold_session(pipe, batch, ECHO, Become(), "hunter2") as opened:
        assert opened.exchange("1", 10) == "got 1"
    assert pipe.sent.startswith(b"hunter2\nsession() {")
    assert "hunter2" not in shell_command(Become(), batch, with_password=True)


def test_a_refusal_of_sudo_is_told_in_its_own_words() -> None:
    pipe = Scripted(errors=[b"sudo: a password is required\n"])
    with (
        pytest.raises(BecomeFailed, match="a password is required"),
        hold_session(pipe, Batch(questions=[], nonce=NONCE), ECHO, Become(), None),
    ):
        pass


class Scripted:
    """A remote shell that says one thing after the other: all errors, then all outputs, then it ends."""

    def __init__(self, *outputs: bytes, errors: list[bytes] | None = None) -> None:
        self.outputs, self.errors, self.sent = list(outputs), errors or [], b""

    def send(self, data: bytes) -> None:
        self.sent += data

    def close_input(self) -> None:
        pass

    def receive(self, seconds: float) -> tuple[bytes, bytes] | None:
        assert seconds >= 0
        if self.errors:
            return b"", self.errors.pop(0)
        return (self.outputs.pop(0), b"") if self.outputs else None
