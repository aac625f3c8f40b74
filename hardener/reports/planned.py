"""Plans told to someone: as text for people, as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from hardener.model import ControlRecord, Disruption, Outcome, TargetPlan
from hardener.reports.json import with_ordered_traits
from hardener.reports.listing import table, visible_line

Records = Mapping[str, ControlRecord]

_DISTURBS = {
    Disruption.NONE: "",
    Disruption.RESTART: "restarts or stops something",
    Disruption.REMOVAL: "removes a package",
    Disruption.REBOOT: "takes effect after a reboot",
    Disruption.LOCKOUT: "can cut you off",
}


def as_text(plans: Sequence[TargetPlan], records: Records) -> str:
    """One section for each target: what changes, what is left to a person, and why the rest stays alone."""
    return "\n".join(_section(plan, records) for plan in plans)


def _section(plan: TargetPlan, records: Records) -> str:
    platform = f" ({plan.facts.platform})" if plan.facts else ""
    lines = [visible_line(f"{plan.target}{platform}")]
    if plan.problem:
        lines.append(f"  nothing would be done: {visible_line(plan.problem)}")
    if plan.changes:
        rows = [(item.control, _DISTURBS[item.disruption], item.reason, item.expected) for item in plan.changes]
        lines += [f"  would change ({len(rows)}):", table(("control", "disruption", "now", "would be"), rows).rstrip()]
    if plan.for_a_person:
        left = [(item.control, item.reason, records[item.control].remedy) for item in plan.for_a_person]
        lines += [f"  for a person ({len(left)}):", table(("control", "now", "why no role does it"), left).rstrip()]
    if plan.nothing_to_do:
        lines.append(f"  nothing to do: {len(plan.nothing_to_do)} hold")
    reasons = Counter((item.outcome, item.reason) for item in plan.exclusions)
    lines += [
        f"  {'could not look' if outcome is Outcome.ERROR else outcome.value}: {count} ({visible_line(reason)})"
        for (outcome, reason), count in reasons.items()
    ]
    return "\n".join(lines) + "\n"


def as_json(plans: Sequence[TargetPlan], records: Records) -> str:
    """A versioned envelope; the same plans give the same bytes."""
    body = {
        "schema": "hardener-plan/1",
        "controls": {identifier: record.model_dump(mode="json") for identifier, record in records.items()},
        "targets": [with_ordered_traits(plan.model_dump(mode="json")) for plan in plans],
    }
    return json.dumps(body, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[TargetPlan], Records], str]] = {"table": as_text, "json": as_json}
