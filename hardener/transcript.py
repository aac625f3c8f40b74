"""Lets any testinfra probe answer from a transcript, and tells which questions are still missing.

The only module that knows testinfra.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from hardener.model import Answer, Question


class Unanswered(BaseException):
    """A probe asked what the transcript does not hold yet.

    Not an ``Exception``: a probe that swallows errors must not swallow the need to ask.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question.command)
        self.question = question


class NoAnswer(Exception):
    """A question was put and the target gave no complete answer; the text says why."""


@lru_cache(maxsize=4096)
def _question(command: str, seconds: int | None) -> Question:
    """The one question of these words: probes put the same ones again and again, to every target."""
    return Question(command=command, seconds=seconds)


class TranscriptBackend(BaseBackend):
    """A testinfra backend that never runs anything; ``asked`` collects the commands a probe rests on, in order."""

    NAME = "transcript"

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__("transcript")
        self.answers = answers
        self.asked: dict[Question, None] = {}

    def run(self, command: str, *args: str, seconds: int | None = None, **_kwargs: Any) -> CommandResult:
        """The recorded result; ``Unanswered`` where there is none, ``NoAnswer`` where it is incomplete."""
        question = _question(self.get_command(command, *args), seconds)
        self.asked[question] = None
        answer = self.answers.get(question.command)
        if answer is None:
            raise Unanswered(question)
        if answer.problem is not None or answer.exit_status is None:
            raise NoAnswer(answer.problem or "no exit status")
        return self.result(answer.exit_status, question.command.encode(), answer.stdout, answer.stderr)

    def decode(self, data: bytes) -> str:
        """Text of an answer; what is not UTF-8 becomes visible escapes."""
        return data.decode("utf-8", errors="backslashreplace")


def host_of(answers: Mapping[str, Answer]) -> tuple[Host, TranscriptBackend]:
    """A testinfra host that answers from a transcript, and its backend."""
    backend = TranscriptBackend(answers)
    return Host(backend), backend
