"""Answers from a recording, in place of a host: the fake that ships with the interface, for whoever tests with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from hardener.errors import TimedOut
from hardener.model import Answer, Question
from hardener.transport.session import Session

NOT_RECORDED = "the recording has no answer to this question"


class RecordedTransport:
    """A transport whose target is a mapping of commands to answers."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers

    @property
    def host_key(self) -> None:
        """A recording is nobody's host."""

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """The recorded answers; a question nobody recorded has a ``problem``, so it can never read as a pass."""
        missing = Answer(exit_status=None, problem=NOT_RECORDED)
        return {question.command: self._answers.get(question.command, missing) for question in questions}

    @contextmanager
    def session(self, program: str) -> Iterator[Session]:  # noqa: ARG002  (nothing runs it)
        """A program that answers a line as it was recorded for a question, and is silent where nobody recorded any."""
        yield RecordedSession(self._answers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""


class RecordedSession:
    """A session whose target is a mapping of lines to answers."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers

    def exchange(self, line: str, seconds: float) -> str:
        """The first line of what was recorded; ``TimedOut`` at once where nothing was."""
        if line not in self._answers:
            raise TimedOut(f"no answer within {seconds:g} s")
        return self._answers[line].stdout.decode().partition("\n")[0]
