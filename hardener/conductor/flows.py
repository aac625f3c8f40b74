"""The flows over many targets: audit, plan, apply. The only place with threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any

from hardener.audit import Examination, examine
from hardener.changes import attributed
from hardener.conductor.progress import Progress
from hardener.errors import TransportError, WouldLockOut
from hardener.model import (
    Facts,
    Finding,
    Outcome,
    Question,
    Target,
    TargetResult,
    Transcript,
)
from hardener.plan import Selection, lock_out_reasons, make_plan, remediable, role_variables
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun, run_playbook
from hardener.transport import Connect

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

    def audit(self, targets: Sequence[Target]) -> Sequence[TargetResult]:
        """Look at every target, each over one connection; a target that fails costs the others nothing."""
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
        examination: Examination | None = None
        try:
            with self.connect(target.connection) as transport:
                while transcript.round_trips < MOST_ROUND_TRIPS:
                    questions = self._questions(target, examination, transcript)
                    if not questions:
                        break
                    transcript = transcript.extended(transport.ask(questions))
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
            facts=examination.facts,
            findings=_with_unseen(self.selection, target, examination, problem),
            transcript=transcript,
            walk=examination.walk,
            problem=problem,
            seconds=time.monotonic() - started,
        )

    def _questions(self, target: Target, examination: Examination | None, transcript: Transcript) -> Sequence[Question]:
        """What to ask next: first all that is known to be needed, then what the probes still miss."""
        if examination is not None:
            return examination.missing
        known = list(self.seed.questions) or examine(self.selection, target, transcript.answers).missing
        return list(dict.fromkeys([*known, *self.also]))

    def refusal(self, target: Target, result: TargetResult) -> str | None:
        """Why nothing may be changed on a target, or ``None``."""
        plan = make_plan(self.selection, target, result.facts)
        controls = remediable(plan, result.findings)
        if not controls or result.facts is None:
            return None
        return _refusal(result.facts, lock_out_reasons(controls, result.facts, target.values))

    def apply(self, targets: Sequence[Target], settings: ApplySettings) -> tuple[Sequence[TargetResult], ...]:
        """Audit, remedy what fails where it fails, and audit again; returns the results before and after.

        A target that needs nothing, cannot be asked or must not be changed runs no Ansible.
        """
        before = self.audit(targets)
        variables = {}
        refused: dict[str, str] = {}
        for target, result in zip(targets, before, strict=True):
            controls = remediable(make_plan(self.selection, target, result.facts), result.findings)
            if result.problem or not controls:
                continue
            if reason := self.refusal(target, result):
                refused[target.name] = reason
            else:
                variables[target.name] = role_variables(controls, self.selection.catalogue, target.values, result.facts)
        after = {result.target: result for result in before}
        after |= {name: after[name].model_copy(update={"problem": reason}) for name, reason in refused.items()}
        if variables:
            after |= self._change(
                [target for target in targets if target.name in variables], variables, settings, after
            )
        return before, [after[target.name] for target in targets]

    def _change(
        self,
        targets: Sequence[Target],
        variables: Mapping[str, Mapping[str, Any]],
        settings: ApplySettings,
        before: Mapping[str, TargetResult],
    ) -> Mapping[str, TargetResult]:
        """Run the playbook, then prove it over fresh connections."""
        self.progress.begin("apply", len(targets))
        outcomes = settings.playbook(
            PlaybookRun(
                inventories=settings.inventories,
                extra_vars=settings.extra_vars,
                variables=variables,
                become_password=settings.become_password,
                progress=self.progress.step,
            )
        )
        for target in targets:
            self.progress.done(target.name, outcomes[target.name].problem)
        proven = self.audit(targets)
        return {
            result.target: _after(before[result.target], result, self._attributed(outcomes, variables, result.target))
            for result in proven
        }

    def _attributed(
        self, outcomes: Mapping[str, PlaybookOutcome], variables: Mapping[str, Mapping[str, Any]], name: str
    ) -> PlaybookOutcome:
        """What the playbook did to a target, each change with the controls it was made for."""
        controls = [self.selection.catalogue[identifier] for identifier in variables[name]["hardening_controls"]]
        return replace(outcomes[name], changes=[*attributed(outcomes[name].changes, controls)])


@dataclass(frozen=True, kw_only=True)
class ApplySettings:
    """How the playbook reaches the targets; the same inventories the audit used."""

    inventories: Sequence[str]
    extra_vars: Sequence[str] = ()
    become_password: str | None = None
    playbook: Callable[[PlaybookRun], Mapping[str, PlaybookOutcome]] = run_playbook


def _refusal(facts: Facts, reasons: Sequence[str]) -> str | None:
    if reasons:
        return str(WouldLockOut("refused, it would lock you out: " + "; ".join(reasons)))
    if not facts.is_root:
        return f"refused, {facts.operator} is not root there: set ansible_become"
    if not facts.has_python:
        return "refused, the target has no python3, which Ansible needs"
    return None


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


def _after(before: TargetResult, result: TargetResult, outcome: PlaybookOutcome) -> TargetResult:
    """The audit after an apply, with what was done; what failed before and holds now is ``fixed``."""
    failed = {finding.control for finding in before.findings if finding.outcome is Outcome.FAIL}
    findings = tuple(
        finding.model_copy(update={"outcome": Outcome.FIXED})
        if finding.outcome is Outcome.PASS and finding.control in failed
        else finding
        for finding in result.findings
    )
    return result.model_copy(
        update={
            "findings": findings,
            "changes": tuple(outcome.changes),
            "tasks": outcome.tasks,
            "problem": result.problem or outcome.problem,
            "seconds": before.seconds + result.seconds,
        }
    )
