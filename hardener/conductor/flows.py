"""The flows over many targets that change nothing: audit and plan."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import BoundedSemaphore

from hardener.audit import Examination, examine, file_walk
from hardener.conductor.progress import Progress
from hardener.errors import TransportError
from hardener.model import (
    Access,
    Finding,
    Outcome,
    Question,
    Target,
    TargetResult,
    Transcript,
    Values,
)
from hardener.plan import Selection, own_values
from hardener.transport import Connect, Transport

MOST_ROUND_TRIPS = 8
"""No probe asks more questions in a row; a probe that does is one that never comes to an end."""


@dataclass
class Seed:
    """Questions earlier targets of this run needed: later ones are asked them all at once.

    Kept in memory only: whoever can edit a store must not choose commands that run as root.
    """

    questions: dict[Question, None] = field(default_factory=dict)

    def add(self, examination: Examination) -> None:
        """Learn from a finished target."""
        self.questions |= dict.fromkeys(examination.asked)


@dataclass(frozen=True, kw_only=True)
class Conductor:
    """Everything the flows need; built once by the command line."""

    selection: Selection
    connect: Connect
    progress: Progress
    workers: int = 32
    seed: Seed = field(default_factory=Seed)
    also: Sequence[Question] = ()
    """What is asked besides, in the first round trip."""
    defaults: Values = field(default_factory=dict)
    """What the roles hold acceptable; a result remembers what is so otherwise."""

    def audit(self, targets: Sequence[Target]) -> Sequence[TargetResult]:
        """Look at every target, each over one connection; a target that fails costs the others nothing."""
        if not targets:
            return []
        self.progress.begin("audit", len(targets))
        results: dict[str, TargetResult] = {}
        pool = ThreadPoolExecutor(max_workers=min(self.workers, len(targets)), thread_name_prefix="audit")
        try:
            pending = {pool.submit(self._audit_one, target): target for target in targets}
            for future in as_completed(pending):
                result = future.result()
                results[result.target] = result
                self.progress.done(result.target, result.problem)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return [results[target.name] for target in targets]

    def _audit_one(self, target: Target) -> TargetResult:
        started = time.monotonic()
        transcript, problem = Transcript(), None
        access: Access | None = None
        examination: Examination | None = None
        try:
            with self.connect(target.connection) as transport:
                access = _access(target, transport)
                while transcript.round_trips < MOST_ROUND_TRIPS:
                    questions = self._questions(target, examination, transcript)
                    if not questions:
                        break
                    with _turn(target):
                        answers = transport.ask(questions)
                    transcript = transcript.extended(answers)
                    examination = examine(self.selection, target, transcript.answers)
                    self.progress.step(target.name, f"round trip {transcript.round_trips}")
        except TransportError as error:
            problem = str(error)
        if examination is None:
            examination = examine(self.selection, target, transcript.answers)
        problem = problem or examination.problem
        if problem is None:
            self.seed.add(examination)
        return TargetResult(
            target=target.name,
            groups=target.groups,
            access=access,
            facts=examination.facts,
            values=own_values(examination.plan.controls, target.values, self.defaults),
            findings=_with_unseen(self.selection, target, examination, problem),
            transcript=transcript,
            walk=file_walk(transcript.answers, access.at) if access else None,
            problem=problem,
            seconds=round(time.monotonic() - started, 3),
        )

    def _questions(self, target: Target, examination: Examination | None, transcript: Transcript) -> Sequence[Question]:
        """What to ask next: first all that is known to be needed, then what the probes still miss."""
        if examination is not None:
            return examination.missing
        known = list(self.seed.questions) or examine(self.selection, target, transcript.answers).missing
        return list(dict.fromkeys([*known, *self.also]))


_turns = BoundedSemaphore(os.cpu_count() or 1)


def _turn(target: Target) -> AbstractContextManager[object]:
    """Targets that are this machine share its processors: more of them at once would only wait for each other."""
    return _turns if target.connection.kind == "local" else nullcontext()


def _access(target: Target, transport: Transport) -> Access:
    return Access(at=datetime.now(UTC), host_key=transport.host_key, become=target.connection.become)


def _with_unseen(
    selection: Selection, target: Target, examination: Examination, problem: str | None
) -> Sequence[Finding]:
    """The findings, with ``error`` for every control that could not be looked at: never silence."""
    seen = {finding.control: finding for finding in examination.findings}
    reason = problem or f"asked for more after {MOST_ROUND_TRIPS} round trips"
    values = target.values
    for control in examination.plan.controls:
        if control.id not in seen:
            expectation = control.expectation(values)
            seen[control.id] = Finding(
                control=control.id,
                outcome=Outcome.ERROR,
                expected=expectation.words if expectation else "",
                reason=reason,
            )
    return [seen[identifier] for identifier in selection.catalogue if identifier in seen]
