"""A host whose answers are a dict, for tests of what controls observe."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """What testinfra's ``host.run`` returns."""

    rc: int
    stdout: str = ""
    stderr: str = ""


class RecordedHost:
    """Answers commands from a mapping of complete command → ``(rc, stdout, stderr)``; any other command is an error."""

    def __init__(self, answers: Mapping[str, tuple[int, str, str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def run(self, command: str, *args: str, seconds: int | None = None) -> Result:
        """The recorded answer of the command with its arguments quoted, as testinfra quotes them."""
        del seconds  # a recording takes no time
        complete = command % tuple(map(shlex.quote, args)) if args else command
        self.asked.append(complete)
        return Result(*self.answers[complete])
