"""Plans told to someone: as text or one page for people, as JSON for programs and for ``apply --plan``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from hardener.model import Change, Disruption, Plans, TargetPlan, few
from hardener.reports.arranged import by_hold, disruption_words, on_one_line
from hardener.reports.items import Group, condition, exact, groups, left_alone, touched, waived
from hardener.reports.listing import table, visible_line
from hardener.reports.pages import environment, style

WIDEST = 160
"""Most letters of an item or a reason on its line."""


def as_text(plans: Plans, *, with_diffs: bool = False) -> str:
    """One section for each target: what changes, a line an item, what is left to a person, and why the rest stays."""
    return "\n".join("\n".join(_section(plans, plan, with_diffs=with_diffs)) + "\n" for plan in plans.targets)


def _section(plans: Plans, plan: TargetPlan, *, with_diffs: bool) -> Iterator[str]:
    yield visible_line(f"{plan.target}{f' ({plan.facts.system})' if plan.facts else ''}")
    if plan.problem:
        yield f"  nothing would be done: {visible_line(plan.problem)}"
    if plan.changes:
        yield f"  would change {len(plan.items)} items for {len(plan.changes)} controls:"
    for group in groups(plan):
        yield f"    {_heading(group)}"
        for item in group.items:
            yield from _item(item, with_diffs=with_diffs)
    for sentence, controls in touched(plan).items():
        yield f"  touches now: {on_one_line(sentence, WIDEST)} ({few(controls)})"
    yield from _left_over(plans, plan)
    for sentence, controls in waived(plans, plan).items():
        yield f"  waived ({len(controls)}): {on_one_line(sentence, 2 * WIDEST)} ({few(controls)})"
    if plan.nothing_to_do:
        yield f"  nothing to do: {len(plan.nothing_to_do)} hold"
    for outcome, reason, number in left_alone(plan):
        yield f"  {outcome}: {number} ({visible_line(reason)})"


def _left_over(plans: Plans, plan: TargetPlan) -> Iterator[str]:
    """What cannot be changed safely, what is held back, each with its cause, and what only a person can decide."""
    if plan.left_as_is:
        yield f"  would be left as it is ({len(plan.left_as_is)}):"
    for sentence in plan.left_as_is:
        yield f"    {on_one_line(sentence, 2 * WIDEST)}"
    if plan.held_back:
        yield f"  held back ({len(plan.held_back)}):"
    for words, controls in by_hold(plan.held_back).items():
        yield f"    {on_one_line(words, 2 * WIDEST)} ({few(controls)})"
    if plan.for_a_person:
        left = [(item.control, item.reason, plans.controls[item.control].remedy) for item in plan.for_a_person]
        yield f"  for a person ({len(left)}):"
        yield table(("control", "now", "why no role does it"), left).rstrip()


def _heading(group: Group) -> str:
    if len(group.controls) > 1:
        return f"{group.role}, for {len(group.controls)} controls: {few([item.control for item in group.controls])}"
    (control,) = group.controls
    disturbs = "" if control.disruption is Disruption.NONE else f"; {disruption_words(control.disruption.value)}"
    now, wanted = (on_one_line(text, WIDEST) for text in (control.reason, control.expected))
    return f"{control.control}: {now}, shall be {wanted}{disturbs}"


def _item(item: Change, *, with_diffs: bool) -> Iterator[str]:
    depends = f" ({condition(item)})" if item.conditional else ""
    yield f"      {on_one_line(item.words, WIDEST)}{depends}"
    if with_diffs:
        yield from (f"        {line}" for line in exact(item))


def as_html(plans: Plans) -> str:
    """One page that loads nothing from elsewhere; the same plans give the same bytes."""
    return (
        environment(
            groups=groups,
            exact=lambda item: "\n".join(exact(item)),
            condition=condition,
            touched=touched,
            left_alone=left_alone,
            by_hold=by_hold,
            waived=lambda plan: waived(plans, plan),
        )
        .get_template("plan.html.j2")
        .render(plans=plans, style=style())
    )


def as_json(plans: Plans) -> str:
    """A versioned envelope; the same plans give the same bytes."""
    body = {"schema": "hardener-plan/1", **plans.model_dump(mode="json")}
    return json.dumps(body, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


FORMATS: Mapping[str, Callable[[Plans], str]] = {"table": as_text, "json": as_json, "html": as_html}
