"""The form in which the parts of a run are kept: JSON that is the same bytes for the same part."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from hardener.model import Answer, ControlRecord, Facts, Finding, Outcome, Run, TargetResult, Word
from hardener.store.contents import Damaged

Noun = TypeVar("Noun", bound=Word)

NOBODY_LOOKED = {Outcome.NOTSELECTED, Outcome.NOTCHECKED}
"""What says nothing about the host: it is kept with the result, and ends no interval."""

Outline = Sequence[str | Mapping[str, Any]]
"""What a result is about, in its order: names that have an interval, and whole findings where nobody looked."""


def of_run(run: Run) -> bytes:
    """Everything of a run but its controls and results."""
    return run.model_dump_json(exclude={"controls", "results", "before"}).encode()


def of_controls(records: Iterable[ControlRecord]) -> bytes:
    """The records of a run's controls, in its order."""
    return _json([record.model_dump(mode="json") for record in records])


def of_result(result: TargetResult) -> bytes:
    """Everything of a result that changes every night or belongs to this run alone; few leave anything as it is."""
    elsewhere: dict[str, Any] = {"target": True, "facts": True, "findings": True, "transcript": {"answers": True}}
    return result.model_dump_json(exclude=elsewhere | ({} if result.left_as_is else {"left_as_is": True})).encode()


def of_facts(facts: Facts) -> bytes:
    """What a target says of itself."""
    return _json(facts.model_dump(mode="json"))


def of_finding(finding: Finding) -> bytes:
    """A finding without the control it is about; without a waiver, the same bytes as before there were any."""
    return finding.model_dump_json(exclude={"control"} if finding.waiver else {"control", "waiver"}).encode()


def of_answer(answer: Answer) -> bytes:
    """An answer without its command."""
    return answer.model_dump_json().encode()


def outline_of_findings(findings: Iterable[Finding]) -> bytes:
    """The outline of a result's findings."""
    return _json([_unseen(item) if item.outcome in NOBODY_LOOKED else item.control for item in findings])


def _unseen(finding: Finding) -> Mapping[str, Any]:
    return finding.model_dump(mode="json", exclude={"waiver"})


def outline_of_commands(commands: Iterable[str]) -> bytes:
    """The outline of a result's transcript."""
    return _json(list(commands))


def instant(seconds: int) -> datetime:
    """A moment as a column keeps it, in seconds since 1970."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OSError, OverflowError, TypeError, ValueError):
        raise Damaged(f"{seconds!r} is no moment") from None


def loaded(data: bytes, what: str) -> Any:
    """What some bytes say, as JSON values; ``Damaged`` where no program of ours has written them."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{what} cannot be read: {str(error) or 'nested too deeply'}") from None


def body(data: bytes, what: str) -> dict[str, Any]:
    """The same of what is kept of a run or a result, which has names."""
    value = loaded(data, what)
    if not isinstance(value, dict):
        raise Damaged(f"{what} is none that was kept so")
    return value


def made(form: type[Noun], what: str, kept: Any, **others: Any) -> Noun:
    """A noun from what was kept of it; ``Damaged`` where that is none."""
    try:
        return form(**kept, **others)
    except ValidationError as error:
        first = error.errors()[0]
        raise Damaged(f"{what}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except TypeError:
        raise Damaged(f"{what} is none that was kept so") from None


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
