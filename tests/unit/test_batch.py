"""The program of a batch and the frames of its answers, the program run by this machine's own /bin/sh."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardener.model import Answer, Question
from hardener.transport.batch import Batch
from tests.unit.builders import answers_of


def run(batch: Batch) -> dict[str, Answer]:
    finished = subprocess.run(
        ["/bin/sh", "-s"], input=batch.program().encode(), capture_output=True, check=True, timeout=60
    )
    assert finished.stdout.endswith(f"\n{batch.nonce} done\n".encode())
    return dict(answers_of(batch, finished.stdout, finished.stderr))


def ask(*commands: str, **changes: Any) -> list[Answer]:
    batch = dataclasses.replace(Batch.of([Question(command=item) for item in commands]), **changes)
    answers = run(batch)
    return [answers[command] for command in commands]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("echo text", (0, b"text\n", b"")),
        ("printf 'no newline at the end'", (0, b"no newline at the end", b"")),
        ("true", (0, b"", b"")),
        ("printf '\\n\\n'", (0, b"\n\n", b"")),
        ("echo out; echo err >&2; exit 3", (3, b"out\n", b"err\n")),
        ("printf '\\000\\377\\012'", (0, b"\x00\xff\n", b"")),
        ("cat", (0, b"", b"")),
        ("nothing-is-called-so", (127, b"", None)),
        ("echo 'a quote '\"'\"' and a % sign'", (0, b"a quote ' and a % sign\n", b"")),
        ("echo $LC_ALL", (0, b"C\n", b"")),
    ],
)
def test_every_kind_of_answer_arrives_as_it_was(command: str, expected: tuple[int, bytes, bytes | None]) -> None:
    (answer,) = ask(command)
    status, stdout, stderr = expected
    assert (answer.exit_status, answer.stdout, answer.problem) == (status, stdout, None)
    assert stderr is None or answer.stderr == stderr


def test_a_command_that_does_not_end_is_ended_and_the_next_one_still_answers() -> None:
    slow, quick = ask("sleep 60", "echo quick", seconds=1)
    assert slow.exit_status is None
    assert slow.problem == "timed out after 1 s"
    assert quick.stdout == b"quick\n"


def test_an_answer_says_how_long_it_took_and_keeps_that_to_itself(tmp_path: Path) -> None:
    clock = tmp_path / "uptime"
    clock.write_text("10.50 0\n")
    batch = Batch.of([Question(command=f"echo 12.75 0 > {clock}"), Question(command="true")])
    program = batch.program().replace("/proc/uptime", str(clock))
    finished = subprocess.run(["/bin/sh", "-s"], input=program.encode(), capture_output=True, check=True, timeout=60)
    slow, quick = answers_of(batch, finished.stdout, finished.stderr).values()
    assert (slow.seconds, quick.seconds) == (2.25, 0)
    assert "seconds" not in slow.model_dump(mode="json")
    assert slow == slow.model_copy(update={"seconds": None})
    assert slow != slow.model_copy(update={"stdout": b"other"})


def test_the_clock_of_this_machine_can_be_read() -> None:
    (answer,) = ask("true")
    assert answer.seconds is not None


@pytest.mark.parametrize("clock", ["1.2.3 4.5", ". .", "1.5", f"{'9' * 400}.0 1.0", "1.0 nan"])
def test_a_clock_that_says_no_number_costs_one_answer_and_not_the_audit(clock: str) -> None:
    batch = Batch.of([Question(command="true")])
    begin, end = f"{batch.nonce} 0 begin\n\n", f"{batch.nonce} 0 end 0"
    answers = answers_of(batch, f"{begin}{end} {clock}\n".encode(), f"{begin}{end}\n".encode())
    assert answers["true"] == Answer(exit_status=None, problem="unfinished")


def test_a_target_whose_clock_cannot_be_read_answers_all_the_same() -> None:
    batch = Batch.of([Question(command="echo out")])
    program = batch.program().replace("/proc/uptime", "/nowhere")
    finished = subprocess.run(["/bin/sh", "-s"], input=program.encode(), capture_output=True, check=True, timeout=60)
    answer = answers_of(batch, finished.stdout, finished.stderr)["echo out"]
    assert (answer.exit_status, answer.stdout, answer.stderr, answer.seconds) == (0, b"out\n", b"", None)


def test_output_beyond_the_limit_is_cut_and_is_no_answer() -> None:
    endless, noisy, small = ask("yes", "yes >&2", "echo small", output_limit=1000)
    assert endless.problem == noisy.problem == "the output exceeds 1000 bytes"
    assert len(endless.stdout) == len(noisy.stderr) == 1000
    assert small.stdout == b"small\n"


def test_nothing_runs_before_the_whole_program_has_arrived() -> None:
    program = Batch.of([Question(command="echo ran")]).program()
    for length in range(0, len(program) - len("all\n"), 7):
        cut = subprocess.run(
            ["/bin/sh", "-s"], input=program[:length].encode(), capture_output=True, check=False, timeout=60
        )
        assert b"ran" not in cut.stdout


def test_a_stream_cut_in_the_middle_leaves_the_rest_unanswered() -> None:
    batch = Batch.of([Question(command="echo one"), Question(command="echo two")])
    finished = subprocess.run(["/bin/sh", "-s"], input=batch.program().encode(), capture_output=True, check=True)
    cut = finished.stdout[: finished.stdout.index(b"two")]
    answers = answers_of(batch, cut, finished.stderr, unfinished="the connection was lost")
    assert answers["echo one"].stdout == b"one\n"
    assert answers["echo two"] == Answer(exit_status=None, problem="the connection was lost")


def test_two_batches_never_share_a_nonce() -> None:
    assert Batch.of([]).nonce != Batch.of([]).nonce


def framed(batch: Batch, outputs: list[bytes], noise: bytes) -> bytes:
    stream = noise
    for index, output in enumerate(outputs):
        stream += f"{batch.nonce} {index} begin\n".encode() + output + f"\n{batch.nonce} {index} end 0\n".encode()
    return stream


@given(outputs=st.lists(st.binary(max_size=200), min_size=1, max_size=5), noise=st.binary(max_size=100))
@settings(max_examples=200)
def test_frames_return_any_bytes_whatever_the_login_shell_printed_before(outputs: list[bytes], noise: bytes) -> None:
    batch = Batch.of([Question(command=str(index)) for index in range(len(outputs))])
    stream = framed(batch, outputs, noise + b"\n")
    answers = answers_of(batch, stream, stream)
    assert [answers[str(index)].stdout for index in range(len(outputs))] == outputs


@given(look_alike=st.integers(min_value=0, max_value=3))
def test_a_frame_with_another_nonce_is_only_text(look_alike: int) -> None:
    batch, other = Batch.of([Question(command="q")]), Batch.of([Question(command="q")])
    inner = framed(other, [b"x"] * (look_alike + 1), b"")
    stream = framed(batch, [inner], b"")
    assert answers_of(batch, stream, stream)["q"].stdout == inner
