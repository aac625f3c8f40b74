"""Why a target must not be changed, decided before it is touched."""

from __future__ import annotations

from hardener.errors import WouldLockOut
from hardener.model import Target, TargetResult
from hardener.plan import Selection, lock_out_reasons, make_plan, remediable


def refusal(selection: Selection, target: Target, result: TargetResult) -> str | None:
    """Why nothing may be changed on a target, or ``None``."""
    facts = result.facts
    controls = remediable(make_plan(selection, target, facts), result.findings)
    if not controls or facts is None:
        return None
    if reasons := lock_out_reasons(controls, facts, target.values):
        return str(WouldLockOut("refused, it would lock you out: " + "; ".join(reasons)))
    if not facts.is_root:
        return f"refused, {facts.operator} is not root there: set ansible_become"
    if not facts.has_python:
        return "refused, the target has no python3, which Ansible needs"
    return None
