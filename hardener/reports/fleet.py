"""A run as a whole: its score by level, severity, role and group, what is worst, and what nobody could look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hardener.model import ControlRecord, Outcome, Run, Score, Waiver
from hardener.reports.arranged import worst_first
from hardener.reports.cases import Case, ControlView

MOST_RANKED = 10
"""Rows of a list of the worst."""
EVERYWHERE = {"all", "ungrouped"}
"""Groups Ansible makes itself, which tell nothing apart."""


@dataclass(frozen=True)
class Part:
    """The findings of a level, a role, a group …, counted by the slug of their section."""

    label: str
    counts: Mapping[str, int]

    def of(self, *slugs: str) -> int:
        """How many belong to some sections."""
        return sum(self.counts.get(slug, 0) for slug in slugs)

    @property
    def now(self) -> Score:
        """What waivers cover counts neither way."""
        return Score(compliant=self.of("holds", "fixed"), scored=self.of("holds", "fixed", "failing", "unseen"))

    @property
    def without(self) -> Score:
        """The score as if there were no waivers."""
        return Score(compliant=self.now.compliant, scored=self.now.scored + self.of("waived"))


@dataclass(frozen=True)
class Coverage:
    """One reason why controls were not judged, with how many of them on how many targets."""

    reason: str
    controls: int
    targets: int
    findings: int


def overall(controls: Iterable[ControlView]) -> Part:
    """All findings of a run."""
    return _parts(controls, lambda _record: "overall")[0] if controls else Part("overall", {})


def by_level(controls: Iterable[ControlView]) -> Sequence[Part]:
    """The lowest level first."""
    return sorted(_parts(controls, lambda record: f"level {record.level}"), key=lambda part: part.label)


def by_severity(controls: Sequence[ControlView]) -> Sequence[Part]:
    """The highest severity first."""
    ordered = sorted(controls, key=lambda control: worst_first(control.cases[0]))
    return _parts(ordered, lambda record: record.severity.value)


def by_role(controls: Iterable[ControlView]) -> Sequence[Part]:
    """As the catalogue has them."""
    return _parts(controls, lambda record: record.role)


def by_group(run: Run, targets: Sequence[Sequence[Case]]) -> Sequence[Part]:
    """The groups of the inventory that tell targets apart, by name; ``targets`` are the cases of each result."""
    found: dict[str, Counter[str]] = {}
    for result, cases in zip(run.results, targets, strict=True):
        for group in set(result.groups) - EVERYWHERE:
            found.setdefault(group, Counter()).update(case.section.slug for case in cases)
    return [Part(group, found[group]) for group in sorted(found)]


def of_target(name: str, cases: Iterable[Case]) -> Part:
    """The findings of one target."""
    return Part(name, Counter(case.section.slug for case in cases))


def most_failed(controls: Iterable[ControlView]) -> Sequence[ControlView]:
    """Controls that fail on the most targets; among equals the more severe first."""
    failing = [control for control in controls if control.count("failing")]
    return sorted(failing, key=lambda control: (-control.count("failing"), worst_first(control.cases[0])))[:MOST_RANKED]


def not_judged(run: Run) -> Mapping[Outcome, Sequence[Coverage]]:
    """Why controls were not judged, by outcome, the commonest reason first; errors before all else."""
    outcomes = (Outcome.ERROR, Outcome.UNKNOWN, Outcome.NOTCHECKED, Outcome.NOTAPPLICABLE, Outcome.NOTSELECTED)
    found: dict[tuple[Outcome, str], list[tuple[str, str]]] = {}
    for result in run.results:
        for finding in result.findings:
            if finding.outcome in outcomes:
                found.setdefault((finding.outcome, finding.reason), []).append((finding.control, result.target))
    rows = {
        key: Coverage(key[1], len({control for control, _ in pairs}), len({target for _, target in pairs}), len(pairs))
        for key, pairs in found.items()
    }
    return {
        outcome: sorted((row for key, row in rows.items() if key[0] is outcome), key=lambda row: -row.findings)
        for outcome in outcomes
        if any(key[0] is outcome for key in rows)
    }


def covered(waiver: Waiver, controls: Iterable[ControlView]) -> Sequence[Case]:
    """The failures a waiver covers."""
    return [case for control in controls for case in control.cases if case.finding.waiver == waiver.id]


def waiver_state(waiver: Waiver, run: Run) -> str:
    """Whether a waiver counted when the run started."""
    if waiver.is_in_effect(run.started):
        return "in effect"
    return "expired" if waiver.expires <= run.started else "not yet in effect"


def shared_domain(names: Sequence[str]) -> str:
    """``.example.net`` where all of several names end so, and none is only that: lists are read more easily without."""
    labels = [name.split(".")[1:] for name in names]
    shared = []
    for tails in zip(*(reversed(tail) for tail in labels), strict=False):
        if len(set(tails)) > 1:
            break
        shared.append(tails[0])
    return "".join(f".{label}" for label in reversed(shared)) if len(names) > 1 else ""


def _parts(controls: Iterable[ControlView], label: Callable[[ControlRecord], str]) -> Sequence[Part]:
    found: dict[str, Counter[str]] = {}
    for control in controls:
        found.setdefault(label(control.record), Counter()).update(control.counts)
    return [Part(name, counts) for name, counts in found.items()]
