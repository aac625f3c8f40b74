"""A run for what collects logs: one finding a line, each of which says all it needs; evidence is left to ``json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from hardener.model import ControlRecord, Finding, Outcome, Run, RunKind, Severity, TargetResult, Waiver

SCHEMA = "hardener-finding/1"
_OF_RUN = {"id", "kind", "started", "profile", "tool_version"}
_OF_CONTROL = {"id", "title", "role", "level", "severity", "references", "remedy"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LineRun(_Part):
    """The run a line is from."""

    id: str
    kind: RunKind
    started: datetime
    profile: str
    tool_version: str


class LineTarget(_Part):
    """The target it is about."""

    name: str
    groups: tuple[str, ...]
    platform: str | None
    machine_id: str | None
    problem: str | None


class LineControl(_Part):
    """The control it is about."""

    id: str
    title: str
    role: str
    level: int
    severity: Severity
    references: Mapping[str, tuple[str, ...]]
    remedy: str


class LineFinding(_Part):
    """What was seen."""

    outcome: Outcome
    is_failing: bool
    """Whether it is a failure that no waiver covers."""
    observed: JsonValue
    expected: str
    reason: str


class Line(BaseModel):
    """One finding; of a target without findings there is one line that has neither control nor finding."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="A finding of hardener")

    form: Literal["hardener-finding/1"] = Field(alias="schema")
    run: LineRun
    target: LineTarget
    control: LineControl | None
    finding: LineFinding | None
    waiver: Waiver | None
    """The one that covers the failure."""


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The lines of one target after the other; the same run gives the same bytes. No target, no line."""
    head = f'{{"schema": "{SCHEMA}", "run": {_text(run.model_dump(mode="json", include=_OF_RUN))}'
    # What many lines share becomes text once: a large run has millions of them.
    controls = {identifier: _control(record) for identifier, record in run.controls.items()}
    waivers: Mapping[str | None, str] = {waiver.id: _text(waiver.model_dump(mode="json")) for waiver in run.waivers}
    for result in results:
        target = f'{head}, "target": {_text(_target(result))}'
        lines = [
            f'{target}, "control": {controls[finding.control]}, "finding": {_text(_finding(finding))}, '
            f'"waiver": {waivers.get(finding.waiver, "null")}}}\n'
            for finding in result.findings
        ]
        yield "".join(lines or [f'{target}, "control": null, "finding": null, "waiver": null}}\n']).encode()


def _target(result: TargetResult) -> Mapping[str, Any]:
    facts = result.facts
    return {
        "name": result.target,
        "groups": result.groups,
        "platform": facts.system if facts else None,
        "machine_id": facts.machine_id if facts else None,
        "problem": result.problem,
    }


def _control(record: ControlRecord) -> str:
    return _text(record.model_dump(mode="json", include=_OF_CONTROL))


def _finding(finding: Finding) -> Mapping[str, Any]:
    return {
        "outcome": finding.outcome.value,
        "is_failing": finding.is_failing,
        "observed": finding.observed,
        "expected": finding.expected,
        "reason": finding.reason,
    }


def schema() -> str:
    """The JSON Schema (draft 2020-12) of a line."""
    generated = Line.model_json_schema(mode="serialization", by_alias=True)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **generated}, indent=2) + "\n"


def _text(value: object) -> str:
    # ASCII, since a terminal acts on some of the other letters.
    return json.dumps(value, ensure_ascii=True)
