"""The flows over many targets that change nothing: audit and plan."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import BoundedSemaphore

from hardener.audit import Examination, examine, file_walk
from hardener.conductor.faults import Trouble, side_by_side, trouble
from hardener.conductor.insisting import insistent
from hardener.conductor.progress import Progress
from hardener.conductor.unseen import not_looked_at, with_unseen
from hardener.errors import TransportError
from hardener.model import Access, Question, Target, TargetResult, Transcript, Values
from hardener.plan import own_values
from hardener.selection import Selection
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


@dataclass
class _Look:
    """What is known of one target while it is being asked."""

    access: Access | None = None
    transcript: Transcript = field(default_factory=Transcript)
    examination: Examination | None = None
    problem: str | None = None
    """Why it could not be asked, or not to the end."""


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

    def audit(self, targets: Sequence[Target], seen: dict[str, TargetResult] | None = None) -> Sequence[TargetResult]:
        """Look at every target, each over one connection; a target that fails costs the others nothing.

        ``seen`` is filled, by target, as they are finished: what is known whatever cuts this short.
        """
        if not targets:
            return []
        self.progress.begin("audit", len(targets))
        results = {} if seen is None else seen
        found = side_by_side(targets, self._audit_one, self._broken, workers=self.workers, name="audit")
        for target, result in found:
            results[target.name] = result
            self.progress.done(target.name, result.problem)
        return [results[target.name] for target in targets]

    def insisting(self, seconds: float) -> Conductor:
        """The same, for targets that have just let us in: one that is busy is knocked at for so long."""
        return replace(self, connect=insistent(self.connect, seconds))

    def _broken(self, target: Target, error: Exception) -> TargetResult:
        return not_looked_at(self.selection, target, trouble(error))

    def _audit_one(self, target: Target) -> TargetResult:
        started = time.monotonic()
        look = _Look()
        try:
            self._converse(target, look)
            result = self._judged(target, look)
        except Exception as error:  # noqa: BLE001  (whatever it is: it must not cost what was answered, or other targets)
            result = not_looked_at(self.selection, target, trouble(error), look.access, look.transcript)
        return result.model_copy(update={"seconds": round(time.monotonic() - started, 3)})

    def _converse(self, target: Target, look: _Look) -> None:
        """Ask until no probe misses anything, or the target answers no more."""
        try:
            with self.connect(target.connection) as transport:
                look.access = _access(target, transport)
                while look.transcript.round_trips < MOST_ROUND_TRIPS:
                    questions = self._questions(target, look.examination, look.transcript)
                    if not questions:
                        break
                    with _turn(target):
                        answers = transport.ask(questions)
                    look.transcript = look.transcript.extended(answers)
                    look.examination = examine(self.selection, target, look.transcript.answers)
                    self.progress.step(target.name, f"round trip {look.transcript.round_trips}")
        except TransportError as error:
            look.problem = str(error)

    def _judged(self, target: Target, look: _Look) -> TargetResult:
        answers, access = look.transcript.answers, look.access
        examination = look.examination or examine(self.selection, target, answers)
        problem = look.problem or examination.problem
        if problem is None:
            self.seed.add(examination)
        reason = problem or f"asked for more after {MOST_ROUND_TRIPS} round trips"
        return TargetResult(
            target=target.name,
            groups=target.groups,
            access=access,
            facts=examination.facts,
            values=own_values(examination.plan.controls, target.values, self.defaults),
            findings=with_unseen(self.selection, target, examination, reason),
            transcript=look.transcript,
            walk=file_walk(answers, access.at) if access else None,
            problem=problem,
        )

    def _questions(self, target: Target, examination: Examination | None, transcript: Transcript) -> Sequence[Question]:
        """What to ask next: first all that is known to be needed, then what the probes still miss."""
        if examination is not None:
            return examination.missing
        known = list(self.seed.questions) or examine(self.selection, target, transcript.answers).missing
        return list(dict.fromkeys([*known, *self.also]))


@dataclass
class Audit:
    """One audit under way; what is known so far stays known whatever cuts it short."""

    conductor: Conductor
    targets: Sequence[Target]
    _seen: dict[str, TargetResult] = field(default_factory=dict)

    def go(self) -> None:
        """Look at every target."""
        self.conductor.audit(self.targets, self._seen)

    def results(self) -> tuple[Sequence[TargetResult], Sequence[TargetResult]]:
        """Nothing before, and what every target shows; one that was not looked at says so."""
        cut_short = Trouble("not looked at: the audit was cut short")
        return (), [
            self._seen.get(target.name) or not_looked_at(self.conductor.selection, target, cut_short)
            for target in self.targets
        ]


_turns = BoundedSemaphore(os.cpu_count() or 1)


def _turn(target: Target) -> AbstractContextManager[object]:
    """Targets that are this machine share its processors: more of them at once would only wait for each other."""
    return _turns if target.connection.kind == "local" else nullcontext()


def _access(target: Target, transport: Transport) -> Access:
    return Access(at=datetime.now(UTC), host_key=transport.host_key, become=target.connection.become)
