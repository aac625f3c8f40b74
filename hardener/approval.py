"""A plan that somebody has read: taken from its file, and held against one made now before anything is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from hardener.changes import moved
from hardener.documents import read_document, read_json
from hardener.errors import ConfigError
from hardener.model import PlannedChange, Plans, Target, TargetPlan
from hardener.selection import Selection

SCHEMA = "hardener-plan/1"
FEW = 3
"""As many differences of a target a refusal names."""


def read_plans(file: Path) -> Plans:
    """What ``hardener plan -f json`` wrote; ``ConfigError`` with file and line for anything else."""
    body = read_json(file, "not a plan")
    if not isinstance(body, dict) or body.pop("schema", None) != SCHEMA:
        raise ConfigError("not a plan: make one with hardener plan -f json", location=f"{file}:1")
    try:
        plans = Plans.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        line = read_document(file).location(*first["loc"])
        raise ConfigError(f"not a plan: {'.'.join(map(str, first['loc']))}: {first['msg']}", location=line) from None
    for name, times in Counter(plan.target for plan in plans.targets).most_common(1):
        if times > 1:
            raise ConfigError(f"not a plan: it has {name} {times} times", location=f"{file}:1")
    return plans


def refuse_other_question(approved: Plans, selection: Selection, targets: Sequence[Target], file: Path) -> None:
    """Refuse, before a target is contacted, to apply a plan that was made for something else.

    Fewer targets than the plan has are fine.
    """
    known = {plan.target for plan in approved.targets}
    unknown = [target.name for target in targets if target.name not in known]
    if approved.profile != selection.profile.name:
        reason = f"it was made for profile {approved.profile}, not {selection.profile.name}"
    elif approved.pattern != selection.pattern:
        reason = f"it was made for the controls {approved.pattern}, not {selection.pattern}"
    elif unknown:
        reason = f"it knows nothing of {', '.join(unknown[:FEW])}{' and others' if len(unknown) > FEW else ''}"
    else:
        return
    raise ConfigError(f"this plan does not fit: {reason}", location=str(file))


def refuse_moved(approved: Plans, now: Plans, file: Path) -> None:
    """Refuse a plan whose targets are no longer what they were; one line names the first differences of each."""
    found = {plan.target: difference(approved, plan) for plan in now.targets}
    reasons = [f"{name}: {different}" for name, different in found.items() if different]
    if reasons:
        raise ConfigError(f"this plan no longer holds, make another: {_first(reasons)}", location=str(file))


def difference(approved: Plans, now: TargetPlan, *, with_items: bool = True) -> str | None:
    """The first differences between what was approved for a target and its plan now; ``None`` where there is none.

    ``with_items``: whether the plan now was rehearsed, so that its items can be compared as well.
    """
    earlier = next((plan for plan in approved.targets if plan.target == now.target), None)
    if earlier is None:
        return "it is not in the plan"
    return _first(_differences(earlier, now, with_items=with_items)) or None


def _differences(earlier: TargetPlan, now: TargetPlan, *, with_items: bool) -> Sequence[str]:
    if now.problem or earlier.problem:
        return [] if now.problem == earlier.problem else [f"now {now.problem or 'it can be changed'}"]
    if now.facts and (earlier.facts is None or now.facts.machine_id != earlier.facts.machine_id):
        return ["it is another machine"]
    if now.values != earlier.values:
        return ["the inventory or the profile gives it other values"]
    before, after = ({change.control: change for change in plan.changes} for plan in (earlier, now))
    both = sorted(before.keys() & after.keys())
    return [
        *(f"{control} needs nothing any more" for control in sorted(before.keys() - after.keys())),
        *(f"{control} fails now" for control in sorted(after.keys() - before.keys())),
        *(f"{control} is remedied otherwise" for control in both if _way(before[control]) != _way(after[control])),
        *(moved(earlier.items, now.items) if with_items else ()),
    ]


def _way(change: PlannedChange) -> tuple[str, str, str]:
    """By what a control is remedied, and to what; what it shows now may be another word every time."""
    return change.role, change.disruption, change.expected


def _first(sentences: Sequence[str]) -> str:
    rest = len(sentences) - FEW
    return "; ".join(sentences[:FEW]) + (f"; and {rest} more" if rest > 0 else "")
