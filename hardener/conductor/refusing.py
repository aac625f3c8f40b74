"""Why a target must not be changed, decided before it is touched."""

from __future__ import annotations

from collections.abc import Sequence

from hardener.catalogue.control import Control
from hardener.errors import WouldLockOut
from hardener.model import Facts, Target
from hardener.plan import lock_out_reasons


def refusal(controls: Sequence[Control], target: Target, facts: Facts | None) -> str | None:
    """Why these controls may not be remedied on a target, or ``None``."""
    if not controls or facts is None:
        return None
    if reasons := lock_out_reasons(controls, facts, target.values):
        return str(WouldLockOut("refused, it would lock you out: " + "; ".join(reasons)))
    if not facts.is_root:
        return f"refused, {facts.operator} is not root there: set ansible_become"
    if not facts.has_python:
        return "refused, the target has no python3, which Ansible needs"
    return None
