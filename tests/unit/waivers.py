"""Waivers made cheaply: what a test does not name follows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hardener.model import Waiver, WaiverKind

EFFECTIVE = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
EXPIRES = datetime(2027, 3, 1, tzinfo=UTC)


def waiver(identifier: str = "w", controls: str = "alpha-one", **changes: Any) -> Waiver:
    """An accepted risk, in effect at ``NOW``, everywhere."""
    fields: dict[str, Any] = {
        "id": identifier,
        "controls": controls,
        "scope": "all",
        "kind": WaiverKind.ACCEPTED_RISK,
        "reason": "The old clients need it.",
        "requested_by": "ann",
        "approved_by": "bob",
        "effective": EFFECTIVE,
        "expires": EXPIRES,
    }
    return Waiver(**{**fields, **changes})
