"""Turns what has just happened into a run, and into an exit code."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

import hardener
from hardener.errors import ExitCode
from hardener.model import Outcome, Run, RunKind, Scope, TargetResult, few
from hardener.selection import Selection


def new_run_id(started: datetime) -> str:
    """Sorts by time, and is unique without asking anybody: ``20261121T050100Z-9f3a``."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


@dataclass(frozen=True)
class Start:
    """A run that begins now: what it sets out to do, and over what. Its id is known before anything has happened."""

    kind: RunKind
    scope: Scope = field(default_factory=Scope)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def id(self) -> str:
        """The id of the run."""
        return new_run_id(self.at)


def make_run(
    start: Start, selection: Selection, results: Iterable[TargetResult], before: Iterable[TargetResult] = ()
) -> Run:
    """The immutable record of what has just happened."""
    results = tuple(results)
    return Run(
        id=start.id,
        kind=start.kind,
        started=start.at,
        finished=datetime.now(UTC),
        operator=getpass.getuser(),
        tool_version=hardener.__version__,
        profile=selection.profile.name,
        scope=start.scope,
        controls=selection.records,
        waivers=tuple(selection.waivers),
        limitations=tuple(_limitations(selection, results)),
        results=results,
        before=tuple(before),
    )


def _limitations(selection: Selection, results: Iterable[TargetResult]) -> Iterator[str]:
    seen = {result.target: result.facts for result in results if result.facts}
    declared = [f"{target} ({facts.platform})" for target, facts in seen.items() if facts.declared_as]
    if declared:
        yield f"judged as systems they were declared to be, and are not: {few(declared)}"
    yield from selection.uncovered({facts.judged_as for facts in seen.values()})


def exit_code(results: Iterable[TargetResult]) -> ExitCode:
    """The documented code for some results: a fault of ours weighs most, then what could not be looked at."""
    results = list(results)
    if any(result.is_our_fault for result in results):
        return ExitCode.INTERNAL
    if any(result.problem or result.count(Outcome.ERROR, Outcome.UNKNOWN) for result in results):
        return ExitCode.INCOMPLETE
    if any(result.failing for result in results):
        return ExitCode.FINDINGS
    return ExitCode.COMPLIANT
