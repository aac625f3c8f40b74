"""Why a target must not be changed at all, decided before it is touched."""

from __future__ import annotations

from collections.abc import Sequence

from hardener.catalogue.control import Control
from hardener.model import Facts, Finding


def refusal(
    controls: Sequence[Control], held_back: Sequence[Finding], facts: Facts | None, *, all_or_nothing: bool
) -> str | None:
    """Why these controls may not be remedied on a target, or ``None``.

    ``held_back``: what has to be left out there, which ``all_or_nothing`` allows on no target.
    """
    if held_back and all_or_nothing:
        reasons = (f"{item.control}: {item.held_back.words}" for item in held_back if item.held_back)
        return f"refused, not everything can be done: {'; '.join(reasons)}"
    if facts is None or not controls:
        return None
    if not facts.is_root:
        return f"refused, {facts.operator} is not root there: set ansible_become"
    if not facts.has_python:
        return "refused, the target has no python3, which Ansible needs"
    return None
