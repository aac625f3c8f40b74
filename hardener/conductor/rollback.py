"""A rollback: what an earlier run changed is taken back, as carefully as it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from hardener.conductor import checkpoints
from hardener.conductor.applying import ApplySettings
from hardener.conductor.flows import Conductor
from hardener.conductor.guards import Ended, Guards
from hardener.errors import HardenerError
from hardener.model import Change, ChangeKind, Run, Target, TargetResult

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
    problem: str | None = None
    is_failed: bool = False


def roll_back(
    conductor: Conductor, targets: Sequence[Target], request: RollbackRequest, settings: ApplySettings, run: str
) -> tuple[Sequence[TargetResult], ...]:
    """Take a run back on targets that keep its checkpoint, under a guard of its own; the audits before and after."""
    before = {result.target: result for result in conductor.audit(targets)}
    conductor.progress.begin("rollback", len(targets))
    nothing = {
        target.name: f"{request.undone.id} changed nothing there for {request.controls} alone"
        for target in targets
        if _chosen(request, target.name)[0] == []
    }
    reachable = [target for target in targets if before[target.name].problem is None and target.name not in nothing]
    guards = Guards(
        connect=conductor.connect,
        progress=conductor.progress,
        run=run,
        operator=settings.operator,
        seconds=settings.guard_seconds,
        workers=conductor.workers,
    )
    try:
        refused = guards.arm({target.name: {} for target in reachable}, reachable)
        armed = [target for target in reachable if target.name in guards.armed]
        taken = _each(conductor, armed, request)
        failed = {name: item.problem or "" for name, item in taken.items() if item.is_failed}
        ended = dict(guards.restore(failed))
        guards.quiet()
        ended |= guards.release(name for name in taken if name not in failed)
    finally:
        guards.close()
    after = {
        name: result.model_copy(update={"problem": result.problem or nothing.get(name) or refused.get(name)})
        for name, result in before.items()
    }
    for result in conductor.audit(armed):
        after[result.target] = _finished(result, taken[result.target], ended[result.target])
    return [before[target.name] for target in targets], [after[target.name] for target in targets]


def _each(conductor: Conductor, targets: Sequence[Target], request: RollbackRequest) -> Mapping[str, _Taken]:
    if not targets:
        return {}
    with ThreadPoolExecutor(max_workers=min(conductor.workers, len(targets)), thread_name_prefix="rollback") as pool:
        results = pool.map(lambda target: _one(conductor, target, request), targets)
        return dict(zip([target.name for target in targets], results, strict=True))


def _one(conductor: Conductor, target: Target, request: RollbackRequest) -> _Taken:
    conductor.progress.step(target.name, "rollback")
    try:
        with conductor.connect(target.connection) as transport:
            chosen, shared = _chosen(request, target.name)
            answer = checkpoints.rollback(transport, request.undone.id, chosen, force=request.force)
    except HardenerError as error:
        return _Taken(problem=str(error), is_failed=True)
    changes = [
        Change(role="rollback", task=f"rollback of {request.undone.id}", module="", kind=_kind(kind), subject=name)
        for kind, name in answer.undone
    ]
    complaints = [f"changed since by somebody else, left alone: {name}" for _, name in answer.conflicts]
    complaints += [f"made for other controls too, left alone: {name}" for name in shared]
    complaints += [f"could not be brought back: {text}" for text in answer.left]
    return _Taken(changes, "; ".join(complaints) or None)


def _kind(kind: str) -> ChangeKind:
    """The kind of change that a kind of state is; one that only a later program knows is whatever it is."""
    return _KINDS.get(kind, ChangeKind.ACTION)


def _chosen(request: RollbackRequest, target: str) -> tuple[Sequence[Mapping[str, Any]] | None, Sequence[str]]:
    """The recorded changes made for the chosen controls alone, ``None`` for all; and what some others need as well.

    What all controls of a role share, such as the file that includes the rest or a unit that reads it, is the role's.
    """
    if request.controls == "*":
        return None, ()
    made = next((result.changes for result in request.undone.results if result.target == target), ())
    of_role = {
        change.role: {name for other in made if other.role == change.role for name in other.controls} for change in made
    }
    chosen, shared = [], []
    for change in made:
        matching = [fnmatchcase(control, request.controls) for control in change.controls]
        if matching and all(matching):
            # Of a setting its lines; whole texts would be more than an argument can hold, and the target keeps them.
            fields = _LINE if change.kind is ChangeKind.SETTING else {"kind", "subject"}
            chosen.append(change.model_dump(mode="json", include=fields))
        elif any(matching) and set(change.controls) != of_role[change.role]:
            shared.append(change.subject)
    return chosen, list(dict.fromkeys(shared))


def _finished(result: TargetResult, taken: _Taken, ended: Ended) -> TargetResult:
    return result.model_copy(
        update={
            "changes": tuple(taken.changes),
            "checkpoint": ended.state,
            "problem": ended.problem or taken.problem or result.problem,
        }
    )
