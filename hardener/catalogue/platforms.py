"""The systems that the controls are about: on any other one they would judge, and change, what they do not know."""

from __future__ import annotations

from hardener.model import Facts, Platform

KNOWN = (Platform(family="debian", release="12"), Platform(family="debian", release="13"))


def foreign(facts: Facts | None) -> str | None:
    """Why nothing here is about a target; ``None`` where its system is known, or nobody has seen yet which it is."""
    if facts is None or facts.platform in KNOWN:
        return None
    return f"nothing here is about {facts.platform}: the controls are for {' and '.join(map(str, KNOWN))}"
