"""Ansible's inventory and variables: which targets there are, and which values they shall have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hardener.inventory.sources import Sources
from hardener.model import Target

__all__ = ["Sources", "read_targets", "role_defaults"]


def role_defaults(*roles: Path) -> Mapping[str, Any]:
    """All roles' default values by variable, as plain data; ``InventoryError`` where a file cannot be read."""
    # Imported here: Ansible costs half a second, which commands that only read the store need not pay.
    from hardener.inventory import reading  # noqa: PLC0415

    return reading.role_defaults(*roles)


def read_targets(sources: Sources) -> Sequence[Target]:
    """Every target the inventory and the limit name, with resolved values, in inventory order.

    Raises ``InventoryError`` with file and line for anything Ansible cannot read or render.
    """
    from hardener.inventory import reading  # noqa: PLC0415

    return reading.read_targets(sources)
