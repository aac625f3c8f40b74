"""What an operator decides about changing targets, beyond which ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardener.conductor.guards import GUARD_SECONDS
from hardener.content import roles_directory
from hardener.model import Plans
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun, run_playbook


@dataclass(frozen=True, kw_only=True)
class ApplySettings:
    """How the playbook reaches the targets (the same inventories the audit used), and how careful to be."""

    inventories: Sequence[str]
    extra_vars: Sequence[str] = ()
    roles: Sequence[Path] = (roles_directory(),)
    """Directories of roles."""
    become_password: str | None = None
    operator: str = "unknown"
    guard_seconds: int = GUARD_SECONDS
    all_or_nothing: bool = False
    """Whether a target on which something has to be left out is not changed at all."""
    approved: Plans | None = None
    """The plan that an apply is held to: a target of which it no longer holds is not touched."""
    is_compared: bool = False
    """Whether that plan has just been compared as a whole, so that an only batch need not be rehearsed for it again."""
    playbook: Callable[[PlaybookRun], Mapping[str, PlaybookOutcome]] = run_playbook
