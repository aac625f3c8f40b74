"""Turns what has just happened into a run, and into an exit code."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

import hardener
from hardener.errors import ExitCode
from hardener.model import Outcome, Run, RunKind, Scope, TargetResult
from hardener.plan import Selection

EVERYTHING = Scope()


def new_run_id(started: datetime) -> str:
    """Sorts by time, and is unique without asking anybody: ``20261121T050100Z-9f3a``."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def make_run(
    kind: RunKind,
    selection: Selection,
    started: datetime,
    results: Iterable[TargetResult],
    before: Iterable[TargetResult] = (),
    scope: Scope = EVERYTHING,
) -> Run:
    """The immutable record of what has just happened."""
    return Run(
        id=new_run_id(started),
        kind=kind,
        started=started,
        finished=datetime.now(UTC),
        operator=getpass.getuser(),
        tool_version=hardener.__version__,
        profile=selection.profile.name,
        scope=scope,
        controls={control.id: control.record() for control in selection.catalogue.values()},
        results=tuple(results),
        before=tuple(before),
    )


def exit_code(results: Iterable[TargetResult]) -> ExitCode:
    """The documented code for some results: what could not be looked at weighs more than what was found."""
    results = list(results)
    if any(result.problem or result.count(Outcome.ERROR, Outcome.UNKNOWN) for result in results):
        return ExitCode.INCOMPLETE
    if any(result.count(Outcome.FAIL) for result in results):
        return ExitCode.FINDINGS
    return ExitCode.COMPLIANT
