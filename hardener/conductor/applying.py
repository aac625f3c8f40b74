"""An apply over many targets, batch by batch: checkpoint, guard, playbook, proof of access, audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

from hardener.approval import difference
from hardener.catalogue.control import Control
from hardener.changes import attributed
from hardener.conductor.beside import in_a_thread, waited_for
from hardener.conductor.checkpoints import Going, interpreter
from hardener.conductor.faults import Trouble, trouble
from hardener.conductor.flows import Conductor
from hardener.conductor.guards import Ended, Guards
from hardener.conductor.planning import plans_from
from hardener.conductor.refusing import refusal
from hardener.conductor.settings import ApplySettings
from hardener.model import CheckpointState, Outcome, Target, TargetResult, counted
from hardener.plan import held_back, packages_going, remediable, role_variables, without_roles
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun

NOT_YET = "not changed: cut short before it began there"
CUT_SHORT = "cut short while it was under way: its next audit says what became of it"


@dataclass(frozen=True)
class _Task:
    """What the playbook shall do on one target."""

    target: Target
    controls: Sequence[Control]
    variables: Mapping[str, Any]

    @property
    def going(self) -> Going:
        """The packages it has removed or replaced."""
        return packages_going(self.controls)


@dataclass
class Applying:
    """One apply under way. ``before`` and ``after`` hold what is known so far, whatever interrupts it."""

    conductor: Conductor
    settings: ApplySettings
    run: str
    before: dict[str, TargetResult] = field(default_factory=dict)
    after: dict[str, TargetResult] = field(default_factory=dict)
    _left_out: dict[str, str] = field(default_factory=dict)
    """By target, which role failed there and was left out of a second try, and why."""

    def batch(self, targets: Sequence[Target], *, rehearse: bool = True) -> None:
        """Audit, remedy what fails where it fails, and audit again.

        A target that needs nothing, cannot be asked or must not be changed runs no Ansible. Under an approved plan,
        neither does one of which the plan no longer holds; ``rehearse``: whether its items are compared as well.
        """
        self.after |= {result.target: result for result in self.conductor.audit(targets, self.before)}
        tasks: dict[str, _Task] = {}
        for target in targets:
            try:
                if task := self._task(target):
                    tasks[target.name] = task
                    self._fail(target.name, Trouble(NOT_YET))
            except Exception as error:  # noqa: BLE001  (whatever it is: the others go on)
                self._fail(target.name, trouble(error))
        if self.settings.approved is not None:
            self._hold_to_plan(targets, tasks, rehearse=rehearse)
        if tasks:
            self._change(tasks)

    def _task(self, target: Target) -> _Task | None:
        """What there is to do on a target that was audited; ``None`` where that is nothing, or it must not be done."""
        result, selection = self.after[target.name], self.conductor.selection
        controls = remediable(selection, target, result)
        if result.problem:
            return None
        held = held_back(selection, result)
        if reason := refusal(controls, held, result.facts, all_or_nothing=self.settings.all_or_nothing):
            self._fail(target.name, Trouble(reason))
            return None
        return self._task_of(target, controls) if controls else None

    def _task_of(self, target: Target, controls: Sequence[Control]) -> _Task:
        catalogue, facts = self.conductor.selection.catalogue, self.after[target.name].facts
        variables = role_variables(controls, catalogue, target.values, facts)
        return _Task(target, controls, {**variables, "ansible_python_interpreter": interpreter(self.run)})

    def _hold_to_plan(self, targets: Sequence[Target], tasks: dict[str, _Task], *, rehearse: bool) -> None:
        """Take away the tasks of targets on which something else would be done now than was approved."""
        approved = self.settings.approved
        if approved is None:
            return
        audited = [
            (target, self.before[target.name])
            for target in targets
            if target.name in tasks or self.after[target.name].problem is None
        ]
        for plan in plans_from(self.conductor, audited, self.settings, rehearse=rehearse):
            if plan.is_our_fault and plan.problem:
                self._fail(plan.target, Trouble(plan.problem, is_our_fault=True))
            elif different := difference(approved, plan, with_items=rehearse):
                self._fail(plan.target, Trouble(f"not changed, the approved plan no longer holds: {different}"))
            elif plan.problem and plan.target in tasks:  # as it was approved: that nothing would be done
                self._fail(plan.target, Trouble(f"not changed: {plan.problem}"))
            else:
                continue
            tasks.pop(plan.target, None)

    def _fail(self, name: str, cause: Trouble) -> None:
        self._note(name, **cause.fields)

    def _note(self, name: str, **fields: object) -> None:
        self.after[name] = self.after[name].model_copy(update=fields)

    def _change(self, tasks: Mapping[str, _Task]) -> None:
        """Run the playbook under guard, and look at what came of it over fresh connections."""
        conductor = self.conductor
        conductor.progress.begin("apply", len(tasks))
        for name in tasks:  # until the last audit says otherwise, whatever cuts this short
            self._fail(name, Trouble(CUT_SHORT))
        guards = Guards(
            connect=conductor.connect,
            progress=conductor.progress,
            run=self.run,
            operator=self.settings.operator,
            seconds=self.settings.guard_seconds,
            workers=conductor.workers,
        )
        try:
            going = {name: task.going for name, task in tasks.items()}
            for name, cause in guards.arm(going, [task.target for task in tasks.values()]).items():
                self._fail(name, cause)
            outcomes = self._play({name: tasks[name] for name in guards.armed}, guards)
            again = self._second_tries(tasks, outcomes, guards)
            first = self._settle(guards, {name: item for name, item in outcomes.items() if name not in again})
            ended = {**first, **self._settle(guards, self._play(again, guards))}
        finally:
            guards.close()
        for name, item in ended.items():
            conductor.progress.done(name, item.problem)
        self._look_again([tasks[name].target for name in ended])

    def _play(self, tasks: Mapping[str, _Task], guards: Guards) -> Mapping[str, PlaybookOutcome]:
        """Run the playbook on these targets, if there are any, and note what it did."""
        outcomes = self._run_playbook({name: task.variables for name, task in tasks.items()}, guards) if tasks else {}
        for name, outcome in outcomes.items():
            self._note_done(name, outcome, tasks[name])
        return outcomes

    def _second_tries(
        self, tasks: Mapping[str, _Task], outcomes: Mapping[str, PlaybookOutcome], guards: Guards
    ) -> Mapping[str, _Task]:
        """What is left to do where a role failed: all but that role and what needs it, from the state there was before.

        Half of what a role does is no state to leave a target in, and no reason to leave the rest undone.
        """
        failed = {name: outcome for name, outcome in outcomes.items() if outcome.failed_role}
        if self.settings.all_or_nothing or not failed:
            return {}
        left = {name: without_roles(tasks[name].controls, {outcome.failed_role}) for name, outcome in failed.items()}
        chosen = {name: controls for name, controls in left.items() if 0 < len(controls) < len(tasks[name].controls)}
        ready = guards.begin_again({name: failed[name].problem or "a role failed" for name in chosen})
        for name in ready:
            number = len(tasks[name].controls) - len(chosen[name])
            are = "was" if number == 1 else "were"
            words = f"role {failed[name].failed_role} failed, and {counted(number, 'control')} {are} left out"
            self._left_out[name] = f"{words}: {failed[name].problem}"
            self.conductor.progress.warn(name, f"{self._left_out[name]}; all else is done once more")
        return {name: self._task_of(tasks[name].target, chosen[name]) for name in ready}

    def _note_done(self, name: str, outcome: PlaybookOutcome, task: _Task) -> None:
        """What the playbook did to a target, each change with the controls it was made for."""
        self._note(name, tasks=outcome.tasks, changes=tuple(outcome.changes), left_as_is=tuple(outcome.left_as_is))
        try:
            self._note(name, changes=tuple(attributed(outcome.changes, task.controls)))
        except Exception as error:  # noqa: BLE001  (what was changed is known, if not what for)
            self._fail(name, trouble(error))

    def _run_playbook(
        self, variables: Mapping[str, Mapping[str, Any]], guards: Guards
    ) -> Mapping[str, PlaybookOutcome]:
        """The playbook, in a thread of its own, so that an interruption can end it and restore what it was at.

        A second interruption leaves that to the guards.
        """
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
        ended = in_a_thread(lambda: self.settings.playbook(run))
        try:
            return waited_for(ended, cancelled)()
        except BaseException as error:
            cause = trouble(error) if isinstance(error, Exception) else Trouble("interrupted")
            for name in guards.armed:
                self._note(name, is_our_fault=cause.is_our_fault)
            self._note_ended(guards.restore(dict.fromkeys(guards.armed, cause.words)))
            raise

    def _settle(self, guards: Guards, outcomes: Mapping[str, PlaybookOutcome]) -> Mapping[str, Ended]:
        """Keep the changes where the playbook came to its end and a fresh connection gets in; else take them back."""
        failed = {
            name: "; then ".join(filter(None, (self._left_out.get(name), item.problem)))
            for name, item in outcomes.items()
            if item.problem is not None
        }
        restored = {
            name: replace(item, problem=f"{failed[name]}; {item.problem}")
            for name, item in guards.restore(failed).items()
        }
        self._note_ended(restored)
        released = {
            name: replace(item, problem=item.problem or self._left_out.get(name))
            for name, item in guards.release(name for name in outcomes if name not in failed).items()
        }
        self._note_ended(released)
        return {**restored, **released}

    def _note_ended(self, ended: Mapping[str, Ended]) -> None:
        """What became of checkpoints: from now on a run that is cut short can be rolled back where changes stayed."""
        for name, item in ended.items():
            if item.state is CheckpointState.RESTORED:
                self._note(name, changes=())
            known = self.after[name]
            self._note(name, checkpoint=item.state, problem=item.problem or known.problem)
            self._note(name, is_our_fault=item.is_our_fault or known.is_our_fault)

    def _look_again(self, targets: Sequence[Target]) -> None:
        """Audit what was changed or taken back; who was looked at before an interruption keeps what was seen."""
        seen: dict[str, TargetResult] = {}
        try:
            # As long as the proof of access: what let us in then may be slow to do so now.
            self.conductor.insisting(self.settings.guard_seconds / 2).audit(targets, seen)
        finally:
            for name, result in seen.items():
                self.after[name] = _after(self.before[name], self.after[name], result)


def _after(before: TargetResult, changed: TargetResult, seen: TargetResult) -> TargetResult:
    """The audit after an apply, with what was done; what failed before and holds now is ``fixed``."""
    failed = {finding.control for finding in before.findings if finding.outcome is Outcome.FAIL}
    findings = tuple(
        finding.model_copy(update={"outcome": Outcome.FIXED})
        if finding.outcome is Outcome.PASS and finding.control in failed
        else finding
        for finding in seen.findings
    )
    problem = seen.problem if changed.problem == CUT_SHORT else changed.problem
    return seen.model_copy(
        update={
            "findings": findings,
            "changes": changed.changes,
            "tasks": changed.tasks,
            "left_as_is": changed.left_as_is,
            "problem": problem,
            "is_our_fault": changed.is_our_fault or seen.is_our_fault,
            "checkpoint": changed.checkpoint,
            "seconds": before.seconds + seen.seconds,
        }
    )
