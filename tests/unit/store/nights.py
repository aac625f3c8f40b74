"""Runs made cheaply: a night is what each target shows, and everything else follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hardener.model import (
    Answer,
    ControlRecord,
    Disruption,
    Facts,
    Finding,
    Outcome,
    Platform,
    Run,
    RunKind,
    Scope,
    Severity,
    TargetResult,
    Transcript,
)

FIRST_NIGHT = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)


def record(identifier: str, **changes: Any) -> ControlRecord:
    fields: dict[str, Any] = {
        "id": identifier,
        "title": f"The title of {identifier}",
        "why": "A reason.",
        "role": identifier.partition("-")[0],
        "level": 1,
        "severity": Severity.MEDIUM,
        "disruption": Disruption.NONE,
        "references": {},
        "remedy": "What the role does.",
        "is_remediable": True,
        "is_manual": False,
    }
    return ControlRecord(**{**fields, **changes})


def facts(machine_id: str) -> Facts:
    return Facts(
        platform=Platform(family="debian", release="12"),
        kernel="6.1",
        machine_id=machine_id,
        operator="admin",
        is_root=True,
        has_python=True,
    )


def finding(control: str, seen: int | Outcome) -> Finding:
    """At most 10 is acceptable; an outcome instead of a number stands for itself."""
    question = f"number {control}"
    if isinstance(seen, Outcome):
        return Finding(control=control, outcome=seen, reason=f"it is {seen}", questions=(question,))
    outcome = Outcome.PASS if seen <= 10 else Outcome.FAIL
    reason = "" if outcome is Outcome.PASS else f"is {seen}"
    return Finding(
        control=control, outcome=outcome, observed=seen, expected="at most 10", reason=reason, questions=(question,)
    )


def result(target: str, machine_id: str = "m", /, **seen: int | Outcome) -> TargetResult:
    """What a target shows, by control with ``_`` for ``-``."""
    findings = [finding(control.replace("_", "-"), number) for control, number in seen.items()]
    answers = {
        f"number {item.control}": Answer(exit_status=0, stdout=f"{item.observed}\n".encode()) for item in findings
    }
    return TargetResult(
        target=target,
        facts=facts(machine_id),
        findings=findings,
        transcript=Transcript(answers=answers, round_trips=1),
        seconds=0.5,
    )


def dead(target: str, *controls: str) -> TargetResult:
    """A target nobody could reach."""
    findings = [Finding(control=control, outcome=Outcome.ERROR, reason="no route") for control in controls]
    return TargetResult(target=target, findings=findings, problem="no route")


def night(number: int, *results: TargetResult, **changes: Any) -> Run:
    """The run of one night; nights are numbered from 1."""
    started = FIRST_NIGHT + timedelta(days=number - 1)
    controls: Mapping[str, ControlRecord] = {
        item.control: record(item.control) for result in results for item in result.findings
    }
    fields: dict[str, Any] = {
        "id": f"night-{number:03}",
        "kind": RunKind.AUDIT,
        "started": started,
        "finished": started + timedelta(seconds=9.5),
        "operator": "somebody",
        "tool_version": "0",
        "profile": "cis-level1",
        "scope": Scope(inventories=("hosts.yml",)),
        "controls": controls,
        "results": results,
    }
    return Run(**{**fields, **changes})
