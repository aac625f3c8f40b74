"""Ansible's inventory and variables: which targets there are, and which values they shall have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hardener.errors import InventoryError
from hardener.inventory.sources import Sources
from hardener.inventory.trusting import configuration_files, refuse_foreign_sources
from hardener.model import Target
from hardener.ownership import refuse_foreign

__all__ = ["Sources", "read_targets", "role_defaults"]


def role_defaults(*roles: Path) -> Mapping[str, Any]:
    """All roles' default values by variable, as plain data; ``InventoryError`` where a file cannot be read."""
    _refuse_foreign_configuration()
    # Imported here: Ansible costs half a second, which commands that only read the store need not pay.
    from hardener.inventory import reading  # noqa: PLC0415

    return reading.role_defaults(*roles)


def read_targets(sources: Sources) -> Sequence[Target]:
    """Every target the inventory and the limit name, with resolved values, in inventory order.

    Raises ``InventoryError`` with file and line for anything Ansible cannot read or render, and for what others could
    have written: an inventory, what lies beside it, and all that Ansible's configuration has it load.
    """
    refuse_foreign_sources(sources.inventories, sources.extra_vars)
    _refuse_foreign_configuration()
    from hardener.inventory import reading  # noqa: PLC0415

    return reading.read_targets(sources)


def _refuse_foreign_configuration() -> None:
    """Look at the files before Ansible obeys them while it is imported, and at what they name before it loads any."""
    refuse_foreign(*configuration_files(), error=InventoryError)
    from hardener.inventory import configured  # noqa: PLC0415

    refuse_foreign(*configured.configured_paths(), error=InventoryError)
