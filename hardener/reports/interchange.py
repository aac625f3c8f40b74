"""What the formats of other tools share: inert words, instants as they write them, JSON that is written as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from hardener.model import Finding, Run, Waiver
from hardener.reports.arranged import on_one_line, value_words, waiver_words

TOOL = "hardener"
LONGEST = 1000
"""Letters of one text that are told; the run itself keeps everything."""
SHORT = 200
"""Letters of a text that many targets may have in common."""
_JSON: TypeAdapter[Any] = TypeAdapter(Any)
"""Several times faster than the standard library, for documents of 100 MB."""


def kept(convert: Callable[[str], str]) -> Callable[[str], str]:
    """The same, but what becomes of short texts is kept: the targets of a fleet say mostly the same."""
    short = lru_cache(maxsize=16384)(convert)
    return lambda text: short(text) if len(text) <= SHORT else convert(text)


@kept
def words(text: str) -> str:
    """A text on one line, inert and never empty."""
    return on_one_line(text, LONGEST) or "none"


def observed_words(finding: Finding) -> str:
    """What was observed, on one line, inert and never empty."""
    return value_words(finding.observed, LONGEST) or "none"


def waived_words(waiver: Waiver) -> str:
    """Who answers for a deviation, why, and until when, on one line and inert."""
    return words(waiver_words(waiver))


def waivers_by_id(run: Run) -> Mapping[str, Waiver]:
    """The waivers a run was given."""
    return {waiver.id: waiver for waiver in run.waivers}


def references_words(references: Mapping[str, tuple[str, ...]]) -> list[str]:
    """``nist-800-53 SI-16``, one for each requirement that a control answers."""
    return [f"{name} {number}" for name, numbers in references.items() for number in numbers]


def instant(when: datetime) -> str:
    """An instant as RFC 3339 has it, in UTC."""
    return f"{when.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def encoded(value: object) -> bytes:
    """A value as JSON without spaces, in UTF-8: its texts are inert already."""
    return _JSON.dump_json(value)


def streamed(head: Mapping[str, Any], name: str, items: Iterable[object]) -> Iterator[bytes]:
    """A JSON object that is not closed yet: what its head holds, then a list whose items are written as they come."""
    yield b"{\n" + encoded({**head, name: []})[1:-2]
    separator = b"\n"
    for item in items:
        yield separator + encoded(item)
        separator = b",\n"
    yield b"\n]"
