"""What a plan would change, arranged for people: each control with its own items, then what several share."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hardener.model import Change, ChangeKind, Outcome, PlannedChange, Plans, TargetPlan
from hardener.reports.arranged import waiver_words
from hardener.reports.listing import visible

LONGEST_DIFF = 400
"""Lines of one item that are shown; the plan in JSON has all."""


@dataclass(frozen=True)
class Group:
    """Some items, and the controls that all of them are made for."""

    role: str
    controls: Sequence[PlannedChange]
    items: Sequence[Change]


def groups(plan: TargetPlan) -> Sequence[Group]:
    """By role; within it every control, even one without items of its own, before what several share."""
    by_id = {change.control: change for change in plan.changes}
    owners = [item.controls for item in plan.items]
    found = []
    for role in dict.fromkeys(change.role for change in plan.changes):
        own = [(change.control,) for change in plan.changes if change.role == role]
        shared = [ids for ids in dict.fromkeys(owners) if len(ids) > 1 and by_id[ids[0]].role == role]
        for ids in [*own, *shared]:
            items = [item for item in plan.items if item.controls == ids]
            found.append(Group(role, [by_id[name] for name in ids], items))
    return found


def exact(item: Change) -> Sequence[str]:
    """The lines that go, after ``-``, and those that come, after ``+``; of a file with the lines around them."""
    before, after = (visible(text).splitlines() for text in (item.before, item.after))
    if item.kind is not ChangeKind.FILE:
        return [*(f"-{line}" for line in before), *(f"+{line}" for line in after)]
    lines = list(difflib.unified_diff(before, after, n=2, lineterm=""))[2:]
    rest = len(lines) - LONGEST_DIFF
    return lines[:LONGEST_DIFF] + ([f"[{rest} more lines]"] if rest > 0 else [])


def condition(item: Change) -> str:
    """What a conditional item depends on, in words; empty for the others."""
    if not item.conditional:
        return ""
    is_to_come = item.kind is ChangeKind.ATTRIBUTES
    return "once this run has brought it" if is_to_come else "unless the package brings it so"


def touched(plan: TargetPlan) -> Mapping[str, Sequence[str]]:
    """Sentence about whom the plan would disturb now → the controls it is about."""
    sentences = dict.fromkeys(sentence for change in plan.changes for sentence in change.touches)
    return {
        sentence: [change.control for change in plan.changes if sentence in change.touches] for sentence in sentences
    }


def waived(plans: Plans, plan: TargetPlan) -> Mapping[str, Sequence[str]]:
    """Who answers for failures that stay, why and until when → the controls it is about."""
    ids = [waiver for waiver in plans.waivers if any(item.waiver == waiver.id for item in plan.waived)]
    return {waiver_words(waiver): [item.control for item in plan.waived if item.waiver == waiver.id] for waiver in ids}


def left_alone(plan: TargetPlan) -> Sequence[tuple[str, str, int]]:
    """Why controls stay alone: the outcome in words, the reason, and how many; the operator's own choices last."""
    counted = Counter((item.outcome, item.reason) for item in plan.exclusions)
    words = {
        Outcome.ERROR: "could not look",
        Outcome.NOTAPPLICABLE: "not applicable",
        Outcome.NOTSELECTED: "not selected",
    }
    rows = [(words.get(outcome, outcome.value), reason, number) for (outcome, reason), number in counted.items()]
    return sorted(rows, key=lambda row: row[0] == "not selected")
