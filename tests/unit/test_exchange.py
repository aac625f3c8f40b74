"""The conversation with a remote shell: passwords, refusals, and connections that end too soon."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from hardener.errors import BecomeFailed, Unreachable
from hardener.model import Answer, Become, Question
from hardener.transport.batch import Batch
from hardener.transport.exchange import CONVERSATION_LIMIT, converse, shell_command

BATCH = Batch(questions=[Question(command="id")], nonce="0123abcd")
BEGIN, END = b"0123abcd 0 begin\n", b"\n0123abcd 0 end 0\n"
ANSWERED = (BEGIN + b"uid=0" + END + b"\n0123abcd done\n", BEGIN + END)


class ScriptedPipe:
    """A remote shell that says the next thing once what was sent so far satisfies a condition."""

    def __init__(self, *script: tuple[Callable[[bytes], bool], tuple[bytes, bytes]]) -> None:
        self.sent = b""
        self.script = list(script)

    def send(self, data: bytes) -> None:
        self.sent += data

    def close_input(self) -> None:
        pass

    def receive(self, seconds: float) -> tuple[bytes, bytes] | None:
        assert seconds > 0
        if not self.script:
            return None
        condition, chunks = self.script[0]
        assert condition(self.sent), self.sent
        self.script.pop(0)
        return chunks


def anything(_: bytes) -> bool:
    return True


def test_without_become_the_program_is_sent_at_once() -> None:
    pipe = ScriptedPipe((lambda sent: b"q 0 30 id" in sent, ANSWERED))
    assert converse(pipe, BATCH, become=None, password=None)["id"].stdout == b"uid=0"


def test_the_password_is_sent_to_the_prompt_and_the_program_only_to_the_shell() -> None:
    pipe = ScriptedPipe(
        (lambda sent: sent == b"", (b"", b"lecture\n0123abcd password ")),
        (lambda sent: sent == b"hunter2\n", (b"", b"0123abcd ready\n")),
        (lambda sent: sent.startswith(b"hunter2\n") and b"q 0 30 id" in sent, ANSWERED),
    )
    assert converse(pipe, BATCH, become=Become(), password="hunter2")["id"].exit_status == 0


def test_a_sudo_that_asks_for_no_password_never_sees_it() -> None:
    pipe = ScriptedPipe((anything, (b"", b"0123abcd ready\n")), (anything, ANSWERED))
    converse(pipe, BATCH, become=Become(), password="hunter2")
    assert b"hunter2" not in pipe.sent


def test_a_wrong_password_is_sent_once_and_named() -> None:
    prompt = b"0123abcd password "
    pipe = ScriptedPipe((anything, (b"", prompt)), (anything, (b"", b"Sorry, try again.\n" + prompt)))
    with pytest.raises(BecomeFailed, match="did not accept the password"):
        converse(pipe, BATCH, become=Become(), password="hunter2")
    assert pipe.sent.count(b"hunter2") == 1


@pytest.mark.parametrize(
    "words", ["sudo: a password is required", "plain is not in the sudoers file.", "sh: 1: exec: sudo: not found"]
)
def test_a_refusal_of_sudo_is_told_in_its_own_words(words: str) -> None:
    said = words.encode() if "sudo" in words else b"sudo says: " + words.encode()
    with pytest.raises(BecomeFailed, match=words.rsplit(maxsplit=1)[-1]):
        converse(ScriptedPipe((anything, (b"", said + b"\n"))), BATCH, become=Become(), password=None)


def test_a_login_shell_that_runs_nothing_is_told_in_its_own_words() -> None:
    pipe = ScriptedPipe((anything, (b"This account is currently not available.\n", b"")))
    with pytest.raises(Unreachable, match="This account is currently not available"):
        converse(pipe, BATCH, become=None, password=None)


def test_a_connection_that_ends_in_mid_batch_leaves_its_question_unanswered() -> None:
    pipe = ScriptedPipe((anything, (BEGIN + b"uid", BEGIN)))
    answer = converse(pipe, BATCH, become=None, password=None)["id"]
    assert answer.exit_status is None
    assert answer.problem == "the connection was lost before the answer"


def test_no_password_ever_stands_in_the_command_line() -> None:
    command = shell_command(Become(user="root user"), BATCH, with_password=True)
    assert "sudo -H -u 'root user' -S" in command
    assert shell_command(Become(), BATCH, with_password=False) == "exec sudo -H -u root -n -- /bin/sh -s"


# --- targets that mean us no good ------------------------------------------------------------------------------------

CHUNK = 65536
LIMIT = 1024**2
"""Bytes that are enough to see whether something is read again and again."""
CPU_SECONDS = 20
"""Far more than any of these takes, and far less than one that is read again and again."""
MEMORY = 64 * 1024**2
"""Bytes that one conversation may need."""


class Streaming:
    """A remote shell that says one chunk after another, on one stream or the other, and counts what is read."""

    def __init__(self, chunks: Iterator[tuple[bytes, bytes]]) -> None:
        self.chunks, self.read = chunks, 0

    def send(self, data: bytes) -> None:
        pass

    def close_input(self) -> None:
        pass

    def receive(self, _seconds: float) -> tuple[bytes, bytes] | None:
        chunk = next(self.chunks, None)
        self.read += 0 if chunk is None else len(chunk[0]) + len(chunk[1])
        return chunk


def endless(unit: bytes) -> Iterator[bytes]:
    """The same again and again, in chunks as a connection has them."""
    piece = unit * (CHUNK // len(unit) + 1)
    while True:
        yield piece[:CHUNK]


def hear(pipe: Streaming) -> Answer:
    """The answer of a target to the one question of the batch."""
    return converse(pipe, BATCH, become=None, password=None)["id"]


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "1", "999999"])
def test_a_frame_of_a_number_that_was_not_asked_for_is_none(number: str) -> None:
    odd = f"0123abcd {number} begin\nroot\n0123abcd {number} end 0\n".encode()
    assert hear(Streaming(iter([(odd + ANSWERED[0], odd + ANSWERED[1])]))).stdout == b"uid=0"


@pytest.mark.parametrize("status", ["9" * 5000, "-1", "", "0 9 9"])
def test_a_status_that_is_none_costs_its_own_question(status: str) -> None:
    end = f"\n0123abcd 0 end {status}\n".encode()
    answer = hear(Streaming(iter([(BEGIN + b"uid=0" + end + b"\n0123abcd done\n", BEGIN + end)])))
    assert answer.exit_status is None


def test_a_frame_that_never_closes_costs_its_own_question() -> None:
    batch = Batch(questions=[Question(command="one"), Question(command="two")], nonce="0123abcd")
    two = ANSWERED[0].replace(b" 0 ", b" 1 ").replace(b"1 end 1", b"1 end 0")
    stream = BEGIN + b"uid" + b"\n" + two
    answers = converse(Streaming(iter([(stream, stream)])), batch, become=None, password=None)
    assert [answers[command].stdout for command in ("one", "two")] == [b"", b"uid=0"]


@pytest.mark.parametrize("first", [b"", BEGIN], ids=["outside of a frame", "in a frame"])
@pytest.mark.parametrize(
    "unit",
    [
        b"0123abcd 0 begin\n",
        b"0123abcd 0 end 0\n",
        b"0123abcd 1 begin\n",
        b"\n0123abcd 1 end 0\n",
        b"0123abcd",
        b"0123abc",
        b"0123abcd 0 ",
        b"\n0123abcd ",
        b"\n",
        b"x",
        b"\0",
        b"\xff\xfe",
    ],
)
def test_whatever_a_target_repeats_is_read_in_one_go_up_to_a_limit(
    unit: bytes, first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a measure of time: 860 kB of the first took minutes."""
    monkeypatch.setattr("hardener.transport.exchange.CONVERSATION_LIMIT", LIMIT)
    pipe = Streaming((first + piece, b"") for piece in endless(unit))
    began = time.process_time()
    try:
        problem = hear(pipe).problem or ""
    except Unreachable as error:
        problem = str(error)
    assert time.process_time() - began < CPU_SECONDS
    assert problem
    assert pipe.read <= LIMIT + CHUNK


@pytest.mark.parametrize("unit", [BEGIN, END, BEGIN + END, b"0123abcd", b"0123abc", b"\n", b"x"])
def test_no_step_of_reading_is_so_long_that_an_interruption_waits_for_it(unit: bytes) -> None:
    reader = BATCH.reader()
    longest = 0.0
    for chunk in islice(endless(unit), 20):
        began = time.thread_time()
        reader.feed(chunk)
        longest = max(longest, time.thread_time() - began)
    assert longest < 1


def test_chunks_of_one_byte_are_read_as_well_as_large_ones() -> None:
    output, errors = ANSWERED
    bytewise = [(output[index : index + 1], b"") for index in range(len(output))]
    bytewise += [(b"", errors[index : index + 1]) for index in range(len(errors))]
    assert hear(Streaming(iter(bytewise))).stdout == b"uid=0"


@pytest.mark.parametrize("streams", [(1, 0), (0, 1), (1, 1)], ids=["stdout", "stderr", "both"])
def test_no_conversation_needs_more_memory_than_its_limit(streams: tuple[int, int]) -> None:
    """Every question is answered with as much as is kept of an answer, and the target goes on and on."""
    batch = Batch(questions=[Question(command=str(index)) for index in range(100)], nonce="0123abcd")

    def chunks() -> Iterator[tuple[bytes, bytes]]:
        for index in range(100):
            begin, end = f"0123abcd {index} begin\n".encode(), f"\n0123abcd {index} end 0\n".encode()
            body = b"x" * CHUNK
            for data in [begin, *[body] * (batch.output_limit // CHUNK), end]:
                yield data * streams[0], data * streams[1]

    pipe = Streaming(chunks())
    tracemalloc.start()
    try:
        try:
            converse(pipe, batch, become=None, password=None)
        except Unreachable as error:
            assert "more than 24 MiB" in str(error)  # noqa: PT017  (whether it is raised depends on the stream)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert CONVERSATION_LIMIT - 2 * CHUNK < pipe.read <= CONVERSATION_LIMIT + 2 * CHUNK
    assert peak < MEMORY


def test_what_was_answered_before_a_target_said_too_much_counts() -> None:
    batch = Batch(questions=[Question(command="one"), Question(command="two")], nonce="0123abcd")
    begin = BEGIN.replace(b" 0 ", b" 1 ")
    rest = ((begin + piece, b"") for piece in endless(b"x"))
    pipe = Streaming(iter([(BEGIN + b"uid=0" + END, BEGIN + END), *[next(rest) for _ in range(500)]]))
    answers = converse(pipe, batch, become=None, password=None)
    assert answers["one"].stdout == b"uid=0"
    assert answers["two"] == Answer(exit_status=None, problem="the target sent more than 24 MiB")


def test_the_words_of_a_refusal_are_one_line_of_text_however_long_and_odd_they_are() -> None:
    said = b"sudo: \x1b[2J\xff" + b"no " * 5000
    with pytest.raises(BecomeFailed) as caught:
        converse(Streaming(iter([(b"", said)])), BATCH, become=Become(), password=None)
    assert len(str(caught.value)) < 2000
    assert str(caught.value).rstrip("…").isprintable()


def test_a_prompt_is_seen_however_it_is_cut_and_asking_for_ever_does_not_hold_us_up() -> None:
    prompt = b"0123abcd password "
    cut = [(b"", prompt[index : index + 1]) for index in range(len(prompt))]
    with pytest.raises(BecomeFailed, match="did not accept"):
        converse(Streaming(iter([*cut, (b"", b"Sorry\n"), *cut])), BATCH, become=Become(), password="hunter2")
    noise = Streaming((b"", piece) for piece in endless(b"0123abcd passwor"))
    with pytest.raises((BecomeFailed, Unreachable), match="more than 24 MiB"):
        converse(noise, BATCH, become=Become(), password="hunter2")
