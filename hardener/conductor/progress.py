"""What a flow tells whoever watches it."""

from typing import Protocol


class Progress(Protocol):
    """Told as a flow goes on; the command line shows it."""

    def begin(self, title: str, targets: int) -> None:
        """A flow over so many targets begins."""

    def step(self, target: str, text: str) -> None:
        """A target has come further."""

    def warn(self, target: str, text: str) -> None:
        """Something about a target that whoever watches has to know, now or when he looks again."""

    def done(self, target: str, problem: str | None) -> None:
        """A target is finished."""
