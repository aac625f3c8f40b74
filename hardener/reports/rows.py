"""Findings as rows of a spreadsheet: which columns there are, what stands in them, and what must never act there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from hardener.model import ControlRecord, Finding, Run, TargetResult, Waiver
from hardener.reports.arranged import on_one_line, value_words

COLUMNS: Mapping[str, str] = {
    "run": "id of the run",
    "started": "when it started, ISO 8601 in UTC",
    "target": "name in the inventory",
    "groups": "its groups, separated by a space",
    "platform": "OS family and release, empty where nobody could ask",
    "machine_id": "which machine answered to the name",
    "problem": "why the target could not be looked at, or not be changed",
    "control": "id of the control; empty in the one row of a target without findings",
    "title": "what it requires",
    "role": "the role that remedies it",
    "level": "1 or 2",
    "severity": "low, medium or high",
    "references": "what it answers to: `cis-debian12 1.2.3; nist-800-53 SI-16`",
    "outcome": "XCCDF's: pass, fail, error, unknown, notapplicable, notchecked, notselected, informational, fixed",
    "failing": "yes for a failure that counts: one that no waiver covers",
    "observed": "what was seen",
    "expected": "what is acceptable",
    "reason": "what is not as expected, or why nobody could look",
    "remedy": "of what fails: what the role does about it, or why no role does",
    "waiver": "id of the waiver that covers the failure",
    "waiver_reason": "why it may stay",
    "waiver_approved_by": "who answers for it",
    "waiver_expires": "until when, ISO 8601 in UTC",
}
"""Every column and what it holds, in order."""

LONGEST = 3000
"""Letters of one cell. Programs for spreadsheets hold 32,767, and a letter nobody can see is spelled with up to ten."""

Cell = str | int
_FORMULAS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_STARTS_A_FORMULA = re.compile(r"(^|; ?)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def as_it_is(item: Cell) -> Cell:
    """A cell for a file that says of each whether it is text."""
    return item


def begins_formula(text: str) -> bool:
    """Whether a program for spreadsheets that has to guess would take a cell's text for a formula."""
    return text[:1] in _FORMULAS


def without_formulas(item: Cell) -> Cell:
    """The same cell with an apostrophe before everything that would be taken for a formula.

    A semicolon begins a cell where the comma is a decimal point, and so does not separate.
    """
    if isinstance(item, int) or not (begins_formula(item) or ";" in item):
        return item
    return _STARTS_A_FORMULA.sub(r"\1'", item)


class Rows:
    """The rows of one run: what they say of a control or waiver is put into words, and made inert, once."""

    def __init__(self, run: Run, inert: Callable[[Cell], Cell]) -> None:
        def made(cells: Iterable[Cell]) -> tuple[Cell, ...]:
            return tuple(map(inert, cells))

        self._inert = inert
        self._run = made((cell(run.id), instant(run.started)))
        self._controls = {identifier: made(of_control(record)) for identifier, record in run.controls.items()}
        self._remedies = {identifier: inert(cell(record.remedy)) for identifier, record in run.controls.items()}
        self._waivers = {waiver.id: made(of_waiver(waiver)) for waiver in run.waivers}

    def of(self, result: TargetResult) -> Iterator[Sequence[Cell]]:
        """A row for each finding; one that is empty on the right where there are none, so that no target is lost."""
        target = (*self._run, *map(self._inert, of_target(result)))
        for finding in result.findings:
            remedy = self._remedies[finding.control] if finding.is_failing else ""
            waiver = self._waivers[finding.waiver] if finding.waiver else _NO_WAIVER
            seen = map(self._inert, _of_finding(finding))
            yield (*target, *self._controls[finding.control], *seen, remedy, *waiver)
        if not result.findings:
            yield (*target, *[""] * (len(COLUMNS) - len(target)))


_NO_WAIVER = ("", "", "", "")


def of_target(result: TargetResult) -> Iterator[Cell]:
    """The columns from ``target`` to ``problem``."""
    facts = result.facts
    yield cell(result.target)
    yield cell(" ".join(result.groups))
    yield cell(facts.system) if facts else ""
    yield cell(facts.machine_id) if facts else ""
    yield cell(result.problem or "")


def of_control(record: ControlRecord) -> tuple[Cell, ...]:
    """The columns from ``control`` to ``references``."""
    references = "; ".join(f"{name} {', '.join(numbers)}" for name, numbers in sorted(record.references.items()))
    words = (record.id, record.title, record.role)
    return (*map(cell, words), record.level, record.severity.value, cell(references))


def _of_finding(finding: Finding) -> Iterator[Cell]:
    yield finding.outcome.value
    yield "yes" if finding.is_failing else "no"
    yield value_words(finding.observed, LONGEST)
    yield cell(finding.expected)
    yield cell(finding.reason)


def of_waiver(waiver: Waiver) -> tuple[Cell, ...]:
    """The columns from ``waiver`` on."""
    words = (waiver.id, waiver.reason, waiver.approved_by)
    return (*map(cell, words), instant(waiver.expires))


def instant(when: datetime) -> str:
    """``2026-11-21T05:00:00Z``, which sorts, and which programs for spreadsheets know."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def cell(text: str) -> str:
    """Text as a cell holds it: on one line, and not too long."""
    return on_one_line(text, LONGEST)
