"""An apply over many targets, batch by batch: checkpoint, guard, playbook, proof of access, audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

from hardener.changes import attributed
from hardener.conductor.checkpoints import Going, interpreter
from hardener.conductor.flows import Conductor
from hardener.conductor.guards import GUARD_SECONDS, Ended, Guards
from hardener.conductor.refusing import refusal
from hardener.content import roles_directory
from hardener.model import CheckpointState, Outcome, Target, TargetResult
from hardener.plan import packages_going, remediable, role_variables
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun, run_playbook

CUT_SHORT = "cut short while it was under way: its next audit says what became of it"


@dataclass(frozen=True, kw_only=True)
class ApplySettings:
    """How the playbook reaches the targets (the same inventories the audit used), and how careful to be."""

    inventories: Sequence[str]
    extra_vars: Sequence[str] = ()
    roles: Sequence[Path] = (roles_directory(),)
    """Directories of roles."""
    become_password: str | None = None
    operator: str = "unknown"
    guard_seconds: int = GUARD_SECONDS
    playbook: Callable[[PlaybookRun], Mapping[str, PlaybookOutcome]] = run_playbook


@dataclass
class Applying:
    """One apply under way. ``before`` and ``after`` hold what is known so far, whatever interrupts it."""

    conductor: Conductor
    settings: ApplySettings
    run: str
    before: dict[str, TargetResult] = field(default_factory=dict)
    after: dict[str, TargetResult] = field(default_factory=dict)

    def batch(self, targets: Sequence[Target]) -> None:
        """Audit, remedy what fails where it fails, and audit again.

        A target that needs nothing, cannot be asked or must not be changed runs no Ansible.
        """
        results = {result.target: result for result in self.conductor.audit(targets)}
        self.before |= results
        self.after |= results
        variables: dict[str, Mapping[str, object]] = {}
        going: dict[str, Going] = {}
        for target in targets:
            result = results[target.name]
            controls = remediable(self.conductor.selection, target, result)
            if result.problem or not controls:
                continue
            if reason := refusal(controls, target, result.facts):
                self._fail(target.name, reason)
                continue
            catalogue = self.conductor.selection.catalogue
            chosen = role_variables(controls, catalogue, target.values, result.facts)
            variables[target.name] = {**chosen, "ansible_python_interpreter": interpreter(self.run)}
            going[target.name] = packages_going(controls)
        if variables:
            self._change([target for target in targets if target.name in variables], variables, going)

    def _fail(self, name: str, problem: str) -> None:
        self.after[name] = self.after[name].model_copy(update={"problem": problem})

    def _change(
        self,
        targets: Sequence[Target],
        variables: Mapping[str, Mapping[str, Any]],
        going: Mapping[str, Going],
    ) -> None:
        """Run the playbook under guard, and look at what came of it over fresh connections."""
        conductor = self.conductor
        conductor.progress.begin("apply", len(targets))
        for target in targets:  # until the last audit says otherwise, whatever cuts this short
            self._fail(target.name, CUT_SHORT)
        guards = Guards(
            connect=conductor.connect,
            progress=conductor.progress,
            run=self.run,
            operator=self.settings.operator,
            seconds=self.settings.guard_seconds,
            workers=conductor.workers,
        )
        try:
            for name, problem in guards.arm(going, targets).items():
                self._fail(name, problem)
            chosen = {name: variables[name] for name in guards.armed}
            outcomes = self._run_playbook(chosen, guards) if chosen else {}
            ended = self._settle(guards, outcomes)
        finally:
            guards.close()
        for name, item in ended.items():
            conductor.progress.done(name, item.problem)
        for result in conductor.audit([target for target in targets if target.name in ended]):
            name = result.target
            self.after[name] = _after(
                self.before[name], result, self._attributed(outcomes[name], variables[name]), ended[name]
            )

    def _attributed(self, outcome: PlaybookOutcome, variables: Mapping[str, Any]) -> PlaybookOutcome:
        """What the playbook did to a target, each change with the controls it was made for."""
        controls = [self.conductor.selection.catalogue[identifier] for identifier in variables["hardening_controls"]]
        return replace(outcome, changes=[*attributed(outcome.changes, controls)])

    def _run_playbook(
        self, variables: Mapping[str, Mapping[str, Any]], guards: Guards
    ) -> Mapping[str, PlaybookOutcome]:
        """The playbook, in a thread of its own, so that an interruption can end it and restore what it was at."""
        cancelled = Event()
        run = PlaybookRun(
            inventories=self.settings.inventories,
            extra_vars=self.settings.extra_vars,
            variables=variables,
            roles=self.settings.roles,
            become_password=self.settings.become_password,
            progress=self.conductor.progress.step,
            is_cancelled=cancelled.is_set,
        )
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="playbook") as pool:
            future = pool.submit(self.settings.playbook, run)
            try:
                return future.result()
            except BaseException as error:
                cancelled.set()
                wait([future])
                words = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
                for name, item in guards.restore(dict.fromkeys(guards.armed, words)).items():
                    self.after[name] = self.after[name].model_copy(
                        update={"problem": item.problem, "checkpoint": item.state}
                    )
                raise

    @staticmethod
    def _settle(guards: Guards, outcomes: Mapping[str, PlaybookOutcome]) -> Mapping[str, Ended]:
        """Keep the changes where the playbook came to its end and a fresh connection gets in; else take them back."""
        failed = {name: item.problem for name, item in outcomes.items() if item.problem is not None}
        restored = {
            name: Ended(item.state, f"{failed[name]}; {item.problem}") for name, item in guards.restore(failed).items()
        }
        guards.quiet()
        return {**restored, **guards.release(name for name in outcomes if name not in failed)}


def _after(before: TargetResult, result: TargetResult, outcome: PlaybookOutcome, ended: Ended) -> TargetResult:
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
            "changes": () if ended.state is CheckpointState.RESTORED else tuple(outcome.changes),
            "tasks": outcome.tasks,
            "problem": ended.problem or result.problem,
            "checkpoint": ended.state,
            "seconds": before.seconds + result.seconds,
        }
    )
