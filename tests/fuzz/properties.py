"""What holds for each reader whatever a target answers; broken, it is an ``AssertionError`` or whatever was raised.

Both generators, hypothesis and a coverage-guided one, bring the answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hardener.audit import examine
from hardener.conductor import checkpoint_answers
from hardener.errors import ApplyError, TransportError
from hardener.model import Answer, Become, Question
from hardener.playbook.events import Outcome, record
from hardener.transport.batch import Batch
from hardener.transport.exchange import converse
from tests.unit.builders import facts_answers, healthy, selection, target

NONCE = "0123456789abcdef"
QUESTIONS = tuple(Question(command=name) for name in ("one", "two", "three"))
LIMIT = 64
"""Bytes of an answer: few, so that many are too long."""
FACTS = tuple(facts_answers())
"""The questions a target is asked about itself."""


def is_for_people(text: str) -> None:
    """Whether a text is one line that harms no terminal and can be written."""
    assert text.isprintable()
    assert text.encode("utf-8").decode("utf-8") == text


class _Said:
    """A pipe that says some bytes in some pieces."""

    def __init__(self, chunks: Iterator[tuple[bytes, bytes]]) -> None:
        self.chunks = chunks

    def send(self, data: bytes) -> None:
        """Nobody reads it."""

    def close_input(self) -> None:
        """Nobody notices."""

    def receive(self, _seconds: float) -> tuple[bytes, bytes] | None:
        """The next piece."""
        return next(self.chunks, None)


def heard(stdout: bytes, stderr: bytes, piece: int, *, with_password: bool) -> object:
    """The answers of a conversation, or in words why there are none."""
    batch = Batch(questions=QUESTIONS, nonce=NONCE, output_limit=LIMIT)
    length = max(len(stdout), len(stderr))
    chunks = ((stdout[at : at + piece], stderr[at : at + piece]) for at in range(0, length, piece))
    become, password = (Become(), "hunter2") if with_password else (None, None)
    try:
        return dict(converse(_Said(chunks), batch, become=become, password=password))
    except TransportError as error:
        is_for_people(str(error))
        return type(error)


def frames(stdout: bytes, stderr: bytes, piece: int, *, with_password: bool) -> None:
    """A conversation comes to its end, and is the same in whatever pieces it comes."""
    whole = heard(stdout, stderr, 1 << 20, with_password=with_password)
    if not with_password:  # what is said before the prompt may be read or not when the password is given
        _same_or_unread(heard(stdout, stderr, piece, with_password=False), whole)
    if isinstance(whole, Mapping):
        assert list(whole) == [question.command for question in QUESTIONS]
        for answer in whole.values():
            assert len(answer.stdout) <= LIMIT
            assert len(answer.stderr) <= LIMIT
            assert (answer.exit_status is None) == (answer.problem is not None)


def _same_or_unread(found: object, whole: object) -> None:
    """Whether what was read in pieces is what was read at once; who reads in pieces stops once he knows everything."""
    if not (isinstance(found, Mapping) and isinstance(whole, Mapping)):
        assert type(found) is type(whole)
        return
    for command, answer in found.items():
        assert answer.problem is not None or answer == whole[command]


def framed(index: int, body: bytes) -> bytes:
    """An answer as an honest target sends it."""
    return f"{NONCE} {index} begin\n".encode() + body + f"\n{NONCE} {index} end 0\n".encode()


def others(before: bytes, bodies: Sequence[bytes]) -> None:
    """Whatever stands before them, and whatever is in one of them, honest frames arrive as they are."""
    honest = b"".join(framed(index, body) for index, body in enumerate(bodies))
    stream = before.replace(NONCE.encode(), b"?") + b"\n" + honest + f"\n{NONCE} done\n".encode()
    answers = heard(stream, stream, 23, with_password=False)
    assert isinstance(answers, Mapping)
    for answer, body in zip(answers.values(), bodies, strict=True):
        if NONCE.encode() not in body and len(body) <= LIMIT:
            assert (answer.stdout, answer.stderr, answer.exit_status) == (body, body, 0)


def facts(answers: Mapping[str, Answer]) -> None:
    """A target is identified in words that can be kept, or there is one line of why it is not, or more to be asked."""
    examination = examine(selection(), target(), healthy() | dict(answers))
    if examination.problem is None and examination.facts is None:
        assert examination.missing
    assert examination.facts is None or examination.problem is None
    if examination.facts is not None:
        assert examination.facts.model_dump_json()
    elif examination.problem is not None:
        is_for_people(examination.problem)
    for finding in examination.findings:
        assert finding.model_dump_json()


def answered(data: bytes) -> None:
    """An answer of the checkpoint program is what it may be, in texts that can be kept, or that target's failure."""
    for read in (checkpoint_answers.taken, checkpoint_answers.status, checkpoint_answers.rolled_back):
        try:
            found = read(data)
        except ApplyError as error:
            is_for_people(str(error))
            continue
        if isinstance(found, checkpoint_answers.Status):
            assert found.state in {"", *checkpoint_answers.STATES}
            texts = [found.words, found.reason, *found.left]
        elif isinstance(found, checkpoint_answers.Taken):
            texts = [*found.unkept, *found.unkept.values(), found.locked_by.words if found.locked_by else ""]
        else:
            pairs = [text for pair in [*found.undone, *found.conflicts] for text in pair]
            texts = [*found.left, *found.ownerless, *pairs]
        for text in texts:
            is_for_people(text)
    is_for_people(str(checkpoint_answers.failure(data)))


def told(event: Mapping[str, object]) -> None:
    """An event of Ansible's changes nothing but what is known of its own target, and that can be kept."""
    outcomes = {"node": Outcome(), "other": Outcome()}
    record(event, outcomes, lambda _host, task: is_for_people(task))
    assert outcomes["other"] == Outcome()
    for change in outcomes["node"].changes:
        assert change.model_dump_json()
    is_for_people(outcomes["node"].problem or "")
