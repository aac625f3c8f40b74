"""Evidence as a page shows it: every answer once, capped, and within a budget so that a page stays light."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from hardener.model import Answer, Finding, Outcome, Transcript
from hardener.reports.listing import visible

CAP = 4096
"""Bytes of one output that are shown."""
LONGEST_COMMAND = 1024
_FIRST = (Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN, Outcome.INFORMATIONAL)


@dataclass(frozen=True)
class Shown:
    """One question and what of its answer is shown."""

    anchor: str
    command: str
    status: str
    stdout: str = ""
    stderr: str = ""
    note: str = ""
    uses: int = 1
    """Findings that rest on it; beyond one it is shown once, in a section of its own, and linked."""

    @property
    def is_shared(self) -> bool:
        """Whether several findings link to it."""
        return self.uses > 1


@dataclass
class Budget:
    """How much more a page can carry for one target, in bytes of escaped text."""

    left: int

    def spend(self, text: str) -> bool:
        """Whether the text still fits; takes its room if it does."""
        size = len(escape(text).encode())
        if size > self.left:
            return False
        self.left -= size
        return True


@dataclass(frozen=True)
class Evidence:
    """The answers findings of one target rest on, by command."""

    by_command: Mapping[str, Shown] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    """The controls whose findings it is for."""

    def of(self, finding: Finding) -> Sequence[Shown]:
        """What this finding rests on; nothing where a page leaves that out."""
        if finding.control not in self.told:
            return ()
        return [self.by_command[command] for command in finding.questions if command in self.by_command]

    @property
    def shared(self) -> Sequence[Shown]:
        """What several findings rest on."""
        return [shown for shown in self.by_command.values() if shown.is_shared]


def evidence_of(findings: Sequence[Finding], transcript: Transcript, prefix: str, budget: int) -> Evidence:
    """The evidence of some findings; where the budget ends, the outputs that holding controls rest on go first."""
    findings = sorted(findings, key=lambda finding: finding.outcome not in _FIRST)
    uses = Counter(command for finding in findings for command in finding.questions)
    room = Budget(budget)
    answers = transcript.answers
    return Evidence(
        {
            command: _shown(command, answers.get(command), f"{prefix}-e{number}", count, room)
            for number, (command, count) in enumerate(uses.items(), start=1)
        },
        frozenset(finding.control for finding in findings),
    )


def _shown(command: str, answer: Answer | None, anchor: str, uses: int, room: Budget) -> Shown:
    told = readable(command.encode("utf-8", "backslashreplace"), LONGEST_COMMAND)
    if answer is None:
        return Shown(anchor, told, "no answer", uses=uses)
    status = "did not finish" if answer.exit_status is None else f"exit status {answer.exit_status}"
    if answer.problem:
        status += f", {visible(answer.problem[:200])}"
    stdout, stderr = readable(answer.stdout, CAP), readable(answer.stderr, CAP)
    if not room.spend(stdout + stderr):
        total = len(answer.stdout) + len(answer.stderr)
        return Shown(anchor, told, status, note=f"{total} bytes not shown, to keep this page light", uses=uses)
    return Shown(anchor, told, status, stdout, stderr, _cut_note(answer), uses)


def _cut_note(answer: Answer) -> str:
    cut: Iterable[tuple[str, bytes]] = (("output", answer.stdout), ("error output", answer.stderr))
    notes = [f"first {CAP} of {len(data)} bytes of its {name} shown" for name, data in cut if len(data) > CAP]
    return "; ".join(notes)


def readable(data: bytes, limit: int) -> str:
    """The beginning of some bytes as inert text, its lines kept."""
    return visible(data[:limit].decode("utf-8", "backslashreplace").expandtabs(8).rstrip("\n"))
