"""A rollback: what an earlier run changed is taken back, as carefully as it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from hardener.conductor import checkpoints
from hardener.conductor.applying import CUT_SHORT
from hardener.conductor.faults import Trouble, side_by_side, trouble
from hardener.conductor.flows import Conductor
from hardener.conductor.guards import Ended, Guards
from hardener.conductor.settings import ApplySettings
from hardener.conductor.unseen import not_looked_at
from hardener.model import Change, ChangeKind, CheckpointState, Run, Target, TargetResult

_KINDS = {
    "files": ChangeKind.FILE,
    "units": ChangeKind.UNIT,
    "packages": ChangeKind.PACKAGE,
    "sysctls": ChangeKind.SYSCTL,
    "mounts": ChangeKind.MOUNT,
    "modules": ChangeKind.MODULE,
    "rulesets": ChangeKind.RULESET,
    "routes": ChangeKind.ACTION,
}
"""Kind of state on a target → kind of change."""
NOT_YET = "not taken back: cut short before it began there"
_LINE = {"kind", "subject", "key", "before", "after"}


@dataclass(frozen=True, kw_only=True)
class RollbackRequest:
    """Which run is taken back, and how much of it."""

    undone: Run
    controls: str = "*"
    """Shell-style, over control ids: only what was changed for these. ``*``: everything."""
    force: bool = False
    """Whether what somebody changed since goes back as well."""


@dataclass
class _Taken:
    """What the rollback of one target came to."""

    changes: Sequence[Change] = ()
    trouble: Trouble | None = None
    is_failed: bool = False


@dataclass
class Rollback:
    """A run is taken back on targets that keep its checkpoint, under a guard of its own.

    What is known so far stays known, whatever cuts it short.
    """

    conductor: Conductor
    settings: ApplySettings
    request: RollbackRequest
    run: str
    targets: Sequence[Target]
    _before: dict[str, TargetResult] = field(default_factory=dict)
    _after: dict[str, TargetResult] = field(default_factory=dict)

    def go(self) -> None:
        """Audit, take back under guard, and audit again."""
        self.conductor.audit(self.targets, self._before)
        self._after |= self._before
        chosen = [target for target in self.targets if self._is_meant(target)]
        for target in chosen:
            self._note(target.name, problem=NOT_YET)
        self.conductor.progress.begin("rollback", len(self.targets))
        self._take_back(chosen)

    def results(self) -> tuple[Sequence[TargetResult], Sequence[TargetResult]]:
        """Before and after, for every target."""
        selection, not_yet = self.conductor.selection, Trouble(NOT_YET)
        return [self._before[target.name] for target in self.targets if target.name in self._before], [
            self._after.get(target.name) or not_looked_at(selection, target, not_yet) for target in self.targets
        ]

    def _is_meant(self, target: Target) -> bool:
        """Whether there is something to take back on a target that could be asked; if not, its result says why."""
        try:
            is_nothing = self.request.controls != "*" and not chosen_changes(self.request, target.name)[0]
        except Exception as error:  # noqa: BLE001  (whatever it is: the others go on)
            self._note(target.name, **trouble(error).fields)
            return False
        if is_nothing and self._before[target.name].problem is None:
            words = f"{self.request.undone.id} changed nothing there for {self.request.controls} alone"
            self._note(target.name, problem=words)
        return self._after[target.name].problem is None

    def _note(self, name: str, **fields: object) -> None:
        self._after[name] = self._after[name].model_copy(update=fields)

    def _take_back(self, targets: Sequence[Target]) -> None:
        guards = Guards(
            connect=self.conductor.connect,
            progress=self.conductor.progress,
            run=self.run,
            operator=self.settings.operator,
            seconds=self.settings.guard_seconds,
            workers=self.conductor.workers,
        )
        try:
            for name, cause in guards.arm({target.name: {} for target in targets}, targets).items():
                self._note(name, **cause.fields)
            armed = [target for target in targets if target.name in guards.armed]
            for target in armed:  # until the last audit says otherwise, whatever cuts this short
                self._note(target.name, problem=CUT_SHORT)
            taken = self._each(armed)
            failed = {name: item.trouble.words for name, item in taken.items() if item.is_failed and item.trouble}
            self._note_ended(guards.restore(failed))
            self._note_ended(guards.release(name for name in taken if name not in failed))
        finally:
            guards.close()
        self._look_again(armed)

    def _each(self, targets: Sequence[Target]) -> Mapping[str, _Taken]:
        taken = {}
        for target, item in side_by_side(
            targets,
            self._one,
            lambda _target, error: _Taken(trouble=trouble(error), is_failed=True),
            workers=self.conductor.workers,
            name="rollback",
        ):
            taken[target.name] = item
            self._note(target.name, changes=tuple(item.changes))
            if item.trouble:
                self._note(target.name, **item.trouble.fields)
        return taken

    def _one(self, target: Target) -> _Taken:
        self.conductor.progress.step(target.name, "rollback")
        chosen, shared = chosen_changes(self.request, target.name)
        asked = None if self.request.controls == "*" else _asked_for(chosen)  # None: everything the target keeps of it
        with self.conductor.connect(target.connection) as transport:
            answer = checkpoints.rollback(transport, self.request.undone.id, asked, force=self.request.force)
        task = f"rollback of {self.request.undone.id}"
        changes = [
            Change(role="rollback", task=task, module="", kind=_kind(kind), subject=name)
            for kind, name in answer.undone
        ]
        changes += [
            Change(role="rollback", task=task, module="", subject=text, after="left as it is: its owner is gone")
            for text in answer.ownerless
        ]
        complaints = [f"changed since by somebody else, left alone: {name}" for _, name in answer.conflicts]
        complaints += [f"made for other controls too, left alone: {name}" for name in shared]
        complaints += [f"could not be brought back: {text}" for text in answer.left]
        return _Taken(changes, Trouble("; ".join(complaints)) if complaints else None)

    def _note_ended(self, ended: Mapping[str, Ended]) -> None:
        for name, item in ended.items():
            if item.state is CheckpointState.RESTORED:
                self._note(name, changes=())
            known = self._after[name]
            self._note(name, checkpoint=item.state, problem=item.problem or known.problem)
            self._note(name, is_our_fault=item.is_our_fault or known.is_our_fault)

    def _look_again(self, targets: Sequence[Target]) -> None:
        """Audit what was taken back; who was looked at before an interruption keeps what was seen."""
        seen: dict[str, TargetResult] = {}
        try:
            # As long as the proof of access: what let us in then may be slow to do so now.
            self.conductor.insisting(self.settings.guard_seconds / 2).audit(targets, seen)
        finally:
            for name, result in seen.items():
                self._after[name] = _finished(self._after[name], result)


def _kind(kind: str) -> ChangeKind:
    """The kind of change that a kind of state is; one that only a later program knows is whatever it is."""
    return _KINDS.get(kind, ChangeKind.ACTION)


def chosen_changes(request: RollbackRequest, target: str) -> tuple[Sequence[Change], Sequence[str]]:
    """What the run says it changed on a target for the chosen controls alone; and what some others need as well.

    What all controls of a role share, such as the file that includes the rest or a unit that reads it, is the role's.
    """
    made = next((result.changes for result in request.undone.results if result.target == target), ())
    if request.controls == "*":
        return made, ()
    of_role = {
        change.role: {name for other in made if other.role == change.role for name in other.controls} for change in made
    }
    chosen, shared = [], []
    for change in made:
        matching = [fnmatchcase(control, request.controls) for control in change.controls]
        if matching and all(matching):
            chosen.append(change)
        elif any(matching) and set(change.controls) != of_role[change.role]:
            shared.append(change.subject)
    return chosen, list(dict.fromkeys(shared))


def _asked_for(changes: Sequence[Change]) -> Sequence[Mapping[str, Any]]:
    """Changes as a target is told of them.

    Of a setting its lines; whole texts would be more than an argument can hold, and the target keeps them.
    """
    return [
        change.model_dump(mode="json", include=_LINE if change.kind is ChangeKind.SETTING else {"kind", "subject"})
        for change in changes
    ]


def _finished(taken: TargetResult, seen: TargetResult) -> TargetResult:
    """The audit after a rollback, with what was taken back."""
    return seen.model_copy(
        update={
            "changes": taken.changes,
            "checkpoint": taken.checkpoint,
            "problem": seen.problem if taken.problem == CUT_SHORT else taken.problem,
            "is_our_fault": taken.is_our_fault or seen.is_our_fault,
        }
    )
