"""What was seen: questions, answers, and all of them together."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import Field, PlainSerializer, PlainValidator

from hardener.model.word import Word


def _bytes_to_json(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _bytes_from_json(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"], validate=True)
    raise ValueError("expected text or {base64: …}")


Output: TypeAlias = Annotated[
    bytes, PlainSerializer(_bytes_to_json, when_used="json"), PlainValidator(_bytes_from_json)
]
"""Bytes a command wrote; text in JSON where it is UTF-8, ``{"base64": …}`` where it is not."""


class Question(Word):
    """One command, quoted and complete, as the target's ``/bin/sh`` receives it."""

    command: str
    seconds: int | None = None
    """Longest time it may take on the target, where that is not the usual one."""

    def __hash__(self) -> int:
        return hash(self.command)

    @property
    def id(self) -> str:
        """A short digest by which findings name the question."""
        return hashlib.sha256(self.command.encode()).hexdigest()[:16]


class Answer(Word):
    """What one command returned on one target."""

    exit_status: int | None
    """``None`` where the command did not finish: see ``problem``."""
    stdout: Output = b""
    stderr: Output = b""
    problem: str | None = None
    """Why this is no complete answer: ``timed out after 20 s``, ``output exceeded …``, ``connection lost``."""
    seconds: float | None = Field(default=None, exclude=True)
    """How long the command ran, where the target could tell; no evidence, and not kept: it is another every time."""

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, however long they took."""
        return isinstance(other, Answer) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)

    @property
    def _said(self) -> tuple[int | None, bytes, bytes, str | None]:
        return self.exit_status, self.stdout, self.stderr, self.problem


class Transcript(Word):
    """All answers of one target in one run, by command."""

    answers: Mapping[str, Answer] = Field(default_factory=dict)
    round_trips: int = 0

    def extended(self, answers: Mapping[str, Answer]) -> Transcript:
        """This transcript after one more round trip."""
        return Transcript(answers={**self.answers, **answers}, round_trips=self.round_trips + 1)
