"""What is to happen every night, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Nightly:
    """An audit and what drifted since, of one project. Paths are absolute."""

    command: Sequence[str]
    """The words that start hardener."""
    project: Path
    """The directory the commands run in."""
    state_home: Path
    """The XDG state directory: where the store is unless the project file says otherwise."""
    store: str
    """Where the store is, as a person may read it."""
    written: Sequence[Path] = ()
    """The directories the commands write to."""
    at: str = "*-*-* 02:00"
    """When, as a calendar event of systemd."""
    delay_seconds: int = 600
    """The longest random delay after that."""
    metrics: Path | None = None
    is_notifying: bool = False
    is_user: bool = False
    """For the user's own service manager instead of the system's."""
    sees_this_machine: bool = False
    """Whether this machine is one of the targets: a sandbox would show it otherwise than it is."""
