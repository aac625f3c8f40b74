"""What a run is about, and what of it is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from hardener.model.names import RunId
from hardener.model.word import Word


class Scope(Word):
    """What the operator asked to be looked at, to be changed, or to be taken back."""

    inventories: tuple[str, ...] = ()
    """As they were named; none means this machine."""
    limit: str | None = None
    controls: str = "*"
    """A shell-style pattern over ids."""
    excerpt: str | None = None
    """A shell-style pattern over names: what is told of the run is only about these of its targets."""
    project: str | None = None
    """The directory of the project it was made in; ``None`` outside of any, and in runs of earlier versions."""
    undone: RunId | None = None
    """The run that a rollback takes back."""

    @property
    def naming(self) -> Sequence[str]:
        """The options that name its targets to a command that changes them; this machine is named as well there."""
        if not self.inventories:
            return ["-i", "localhost,", "-e", "ansible_connection=local"]
        return [word for name in self.inventories for word in ("-i", name)]

    def is_of(self, project: str | None) -> bool:
        """Whether a run belongs to the project in a directory, or with ``None`` to none.

        It was made there; or, outside of any, of inventories that all lie there.
        """
        if self.project is not None or project is None or not self.inventories:
            return self.project == project
        return all(PurePath(name).is_relative_to(project) for name in self.inventories)
