"""The form in which the parts of a run are kept: JSON that is the same bytes for the same part."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hardener.model import Answer, ControlRecord, Facts, Finding, Outcome, Run, TargetResult

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
    """Everything of a result that changes every night or belongs to this run alone."""
    return result.model_dump_json(
        exclude={"target": True, "facts": True, "findings": True, "transcript": {"answers": True}}
    ).encode()


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
    return datetime.fromtimestamp(seconds, UTC)


def loaded(data: bytes) -> Any:
    """What some bytes say, as JSON values."""
    return json.loads(data)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
