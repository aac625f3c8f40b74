"""What an inventory is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where targets and values come from, lowest precedence first."""

    roles: Sequence[Path]
    """Directories of roles; every role's ``defaults/main.yml`` is read."""
    profile_values: Mapping[str, Any] = field(default_factory=dict)
    inventories: Sequence[str] = ()
    """What ``-i`` names; none means this machine, which is only looked at then."""
    limit: str | None = None
    extra_vars: Sequence[str] = ()
    """What ``-e`` names: ``key=value``, JSON, or ``@file``."""
    scopes: Mapping[str, str] = field(default_factory=dict)
    """The scopes of waivers, Ansible host patterns → where each is written."""
