"""Evidence as a page shows it: every answer of a fleet once, capped, and within a budget so that a page stays light."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from hardener.model import Answer, TargetResult, counted
from hardener.reports.cases import Case, ControlView
from hardener.reports.listing import visible

CAP = 4096
"""Bytes of one output that are shown."""
LONGEST_COMMAND = 1024
_LATER = {"holds", "fixed", "notapplicable"}
"""Sections whose evidence goes first where the budget ends."""


@dataclass(frozen=True)
class Room:
    """How much evidence there is room for, in bytes of escaped text: of one control or shared command, and in all."""

    each: int
    total: int


@dataclass(frozen=True)
class Shown:
    """One answer, what of it is shown, and the places of the targets that gave it: none where all gave the same."""

    targets: Sequence[int]
    status: str
    stdout: str = ""
    stderr: str = ""
    note: str = ""


@dataclass(frozen=True)
class Told:
    """One question with its answers, the commonest first."""

    command: str
    anchor: str
    """Where it is told by itself; empty where it is told with the only control that rests on it."""
    controls: int
    """How many rest on it."""
    answers: Sequence[Shown] = ()
    left_out: str = ""
    """What the budget had no room for."""


@dataclass(frozen=True)
class Evidence:
    """What findings rest on."""

    of_case: Mapping[str, Sequence[Told]]
    """By the anchor of a case, what it alone rests on, in the order of its questions."""
    of_control: Mapping[str, Sequence[Told]]
    """By the anchor of a control, what it shares with others, without the answers."""
    shared: Sequence[Told]
    """Questions that several controls rest on."""


class _Budget:
    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, size: int) -> bool:
        if size > self.left:
            return False
        self.left -= size
        return True


def evidence_of(results: Sequence[TargetResult], controls: Sequence[ControlView], room: Room) -> Evidence:
    """The evidence of all findings; half of the room is for what several controls rest on."""
    cases = [case for control in controls for case in control.cases]
    uses = Counter(command for control in controls for command in _questions(control.cases))
    anchors = {
        command: f"q{number}" for number, command in enumerate((name for name in uses if uses[name] > 1), start=1)
    }
    half = Room(room.each, room.total // 2)
    answers = _Answers(results, half)
    shared = [
        answers.told(command, _everybody(cases, command), anchor, uses[command]) for command, anchor in anchors.items()
    ]
    answers = _Answers(results, half)
    of_case: dict[str, Sequence[Told]] = {}
    for case in sorted(cases, key=lambda case: case.section.slug in _LATER):
        of_case[case.anchor] = [
            answers.told(command, case.targets, "", 1) for command in case.finding.questions if command not in anchors
        ]
    brief = {told.anchor: replace(told, answers=()) for told in shared}
    of_control = {
        control.anchor: [brief[anchors[command]] for command in _questions(control.cases) if command in anchors]
        for control in controls
    }
    return Evidence(of_case, of_control, shared)


def _questions(cases: Iterable[Case]) -> Iterable[str]:
    return dict.fromkeys(command for case in cases for command in case.finding.questions)


def _everybody(cases: Iterable[Case], command: str) -> Sequence[int]:
    return sorted({place for case in cases if command in case.finding.questions for place in case.targets})


class _Answers:
    """Shows answers as long as there is room."""

    def __init__(self, results: Sequence[TargetResult], room: Room) -> None:
        self._given = [result.transcript.answers for result in results]
        self._each = room.each
        self._left: dict[str, _Budget] = {}
        self._total = _Budget(room.total)

    def told(self, command: str, targets: Iterable[int], anchor: str, controls: int) -> Told:
        found: dict[Answer | None, list[int]] = {}
        for place in targets:
            found.setdefault(self._given[place].get(command), []).append(place)
        shown, hidden = [], 0
        for answer, places in sorted(found.items(), key=lambda item: (-len(item[1]), item[1])):
            one = _shown(answer, places if len(found) > 1 else ())
            size = len(escape(one.stdout + one.stderr).encode())
            if self._left.setdefault(command, _Budget(self._each)).spend(size) and self._total.spend(size):
                shown.append(one)
            else:
                hidden += 1
        left_out = f"{counted(hidden, 'answer')} not shown, to keep this page light"
        return Told(_command(command), anchor, controls, shown, left_out if hidden else "")


def _command(command: str) -> str:
    return readable(command.encode("utf-8", "backslashreplace"), LONGEST_COMMAND)


def _shown(answer: Answer | None, places: Sequence[int]) -> Shown:
    if answer is None:
        return Shown(places, "no answer")
    status = "did not finish" if answer.exit_status is None else f"exit status {answer.exit_status}"
    if answer.problem:
        status += f", {visible(answer.problem[:200])}"
    return Shown(places, status, readable(answer.stdout, CAP), readable(answer.stderr, CAP), _cut_note(answer))


def _cut_note(answer: Answer) -> str:
    cut: Iterable[tuple[str, bytes]] = (("output", answer.stdout), ("error output", answer.stderr))
    notes = [f"first {CAP} of {len(data)} bytes of its {name} shown" for name, data in cut if len(data) > CAP]
    return "; ".join(notes)


def readable(data: bytes, limit: int) -> str:
    """The beginning of some bytes as inert text, its lines kept."""
    return visible(data[:limit].decode("utf-8", "backslashreplace").expandtabs(8).rstrip("\n"))
