"""The findings of a run by control: targets that show the same are one case, so that a fleet is told in a few lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hardener.model import ControlRecord, Finding, Run
from hardener.reports.arranged import Entry
from hardener.reports.sections import SECTIONS, Section, section_of

Key = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Case(Entry):
    """What several targets show alike of one control: the finding is the same on each of them."""

    section: Section
    targets: Sequence[int]
    """Their places among the results of the run."""
    anchor: str


@dataclass(frozen=True, eq=False)
class ControlView:
    """One control with everything that was seen of it, worst first."""

    anchor: str
    record: ControlRecord
    cases: Sequence[Case]

    def count(self, *slugs: str) -> int:
        """On how many targets it belongs to some sections."""
        return sum(len(case.targets) for case in self.cases if case.section.slug in slugs)

    @property
    def targets(self) -> int:
        """On how many targets somebody asked for it."""
        return sum(len(case.targets) for case in self.cases)

    @property
    def counts(self) -> Mapping[str, int]:
        """The sections it belongs to, by slug → on how many targets."""
        found = {section.slug: self.count(section.slug) for section in SECTIONS}
        return {slug: number for slug, number in found.items() if number}

    @property
    def expected(self) -> str:
        """What is acceptable, where that is the same on every target; values may differ between them."""
        found = {case.finding.expected for case in self.cases} - {""}
        return found.pop() if len(found) == 1 else ""

    @property
    def commonest(self) -> Case | None:
        """The case that most targets share, of equal ones the least bad; ``None`` where there is only one."""
        return max(reversed(self.cases), key=lambda case: len(case.targets)) if len(self.cases) > 1 else None


def controls_seen(run: Run) -> Sequence[ControlView]:
    """Every control of a run that was asked for on some target, by role."""
    grouped = _grouped(run)
    records = [record for record in run.controls.values() if record.id in grouped]
    roles = list(dict.fromkeys(record.role for record in records))
    records.sort(key=lambda record: roles.index(record.role))
    return [
        ControlView(f"c{number}", record, _cases(f"c{number}", record, grouped[record.id].values()))
        for number, record in enumerate(records, start=1)
    ]


def of_targets(controls: Iterable[ControlView], targets: int) -> Sequence[Sequence[Case]]:
    """The cases each of so many targets is one of, by role."""
    found: list[list[Case]] = [[] for _ in range(targets)]
    for control in controls:
        for case in control.cases:
            for place in case.targets:
                found[place].append(case)
    return found


_Group = tuple[Finding, Section, list[int]]


def _grouped(run: Run) -> Mapping[str, Mapping[Key, _Group]]:
    """By control, what was seen: the first such finding, its section, and the places of the targets that show it."""
    found: dict[str, dict[Key, _Group]] = {}
    keys: dict[int, Key] = {}  # a store gives findings that are the same as one object
    for place, result in enumerate(run.results):
        for finding in result.findings:
            section = section_of(finding)
            if section is None:
                continue
            if id(finding) not in keys:
                keys[id(finding)] = _key(finding)
            of_control = found.setdefault(finding.control, {})
            _, _, targets = of_control.setdefault(keys[id(finding)], (finding, section, []))
            targets.append(place)
    return found


def _key(finding: Finding) -> Key:
    observed = json.dumps(finding.observed, sort_keys=True)
    return finding.outcome, finding.waiver, finding.expected, finding.reason, finding.questions, observed


def _cases(anchor: str, record: ControlRecord, groups: Iterable[_Group]) -> Sequence[Case]:
    ordered = sorted(groups, key=lambda group: (SECTIONS.index(group[1]), -len(group[2]), group[2]))
    return [
        Case(record, finding, section, tuple(targets), f"{anchor}v{number}")
        for number, (finding, section, targets) in enumerate(ordered, start=1)
    ]
