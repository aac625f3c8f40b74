"""What a run is about, and what of it is told."""

from __future__ import annotations

from hardener.model.word import Word


class Scope(Word):
    """What the operator asked to be looked at."""

    inventories: tuple[str, ...] = ()
    """As they were named; none means this machine."""
    limit: str | None = None
    controls: str = "*"
    """A shell-style pattern over ids."""
    excerpt: str | None = None
    """A shell-style pattern over names: what is told of the run is only about these of its targets."""
