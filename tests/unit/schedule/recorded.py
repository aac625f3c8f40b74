"""A service manager that answers from a recording, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hardener.errors import ScheduleError
from hardener.schedule import Systemd

TIMER_SHOWN = """\
NextElapseUSecRealtime=Sun 2026-11-22 02:06:09 UTC
LastTriggerUSec=Sat 2026-11-21 02:03:12 UTC
ActiveState=active
"""
SERVICE_SHOWN = """\
ExecMainExitTimestamp=Sat 2026-11-21 02:10:55 UTC
ExecMainStatus=1
Result=exit-code
ActiveState=failed
"""
"""As systemd 252 of Debian 12 says it."""


@dataclass
class Recorded:
    """A ``Run``: the first answer whose words are all in a command; what is not recorded says nothing."""

    answers: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, command: Sequence[str]) -> str:
        line = " ".join(command)
        self.asked.append(line)
        for words, complaint in self.refused.items():
            if words in line:
                raise ScheduleError(complaint)
        return next((answer for words, answer in self.answers.items() if words in line), "")

    def changes(self) -> list[str]:
        """What it was asked to do, not to tell."""
        return [line for line in self.asked if " show " not in line]


def manager(folder: Path, recorded: Recorded, *, is_user: bool = False) -> Systemd:
    return Systemd(folder=folder, is_user=is_user, run=recorded)
