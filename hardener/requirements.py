"""Turns findings by the requirements of others: numbers of a benchmark, of NIST, of PCI. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hardener.catalogue.benchmarks import Benchmark
from hardener.catalogue.coverage import Place, places
from hardener.model import Finding, Outcome, Requirement, Requirements, Run, Standing, TargetResult

_ORDER = list(Standing)
_STANDINGS = {
    Outcome.PASS: Standing.MET,
    Outcome.FIXED: Standing.MET,
    Outcome.FAIL: Standing.NOT_MET,
    Outcome.INFORMATIONAL: Standing.FOR_A_PERSON,
    Outcome.NOTAPPLICABLE: Standing.NOT_APPLICABLE,
}
"""Outcome → standing; every other outcome is that of a control nobody looked at."""


def by_requirement(run: Run, results: Iterable[TargetResult], benchmark: Benchmark) -> Requirements:
    """Every requirement of a benchmark, and how the targets of a run stand to it.

    ``results`` come one by one; the run's own are not looked at.
    """
    asked = places(benchmark, run.controls)
    tallies = {place.number: _Tally() for place in asked}
    targets = 0
    for result in results:
        targets += 1
        found = {finding.control: _standing(finding) for finding in result.findings}
        for place in asked:
            tallies[place.number].count(place.controls, found)
    return Requirements(
        run=run.id,
        started=run.started,
        profile=run.profile,
        framework=benchmark.title,
        targets=targets,
        scope=run.scope,
        requirements=tuple(tallies[place.number].requirement(place) for place in asked),
    )


def _standing(finding: Finding) -> Standing:
    is_accepted = finding.outcome is Outcome.FAIL and not finding.is_failing
    return Standing.ACCEPTED if is_accepted else _STANDINGS.get(finding.outcome, Standing.NOT_KNOWN)


@dataclass
class _Tally:
    """What is known so far of one requirement."""

    targets: Counter[Standing] = field(default_factory=Counter)
    failing: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)

    def count(self, controls: Sequence[str], found: Mapping[str, Standing]) -> None:
        """Add a target; a control of which it says nothing was not looked at."""
        standings = {control: found.get(control, Standing.NOT_KNOWN) for control in controls}
        self.targets[_worst(standings.values())] += 1
        self.failing |= {control for control, standing in standings.items() if standing is Standing.NOT_MET}
        self.unseen |= {control for control, standing in standings.items() if standing is Standing.NOT_KNOWN}

    def requirement(self, place: Place) -> Requirement:
        """What came of it."""
        return Requirement(
            number=place.number,
            standing=_worst(self.targets),
            targets={standing: self.targets[standing] for standing in _ORDER if self.targets[standing]},
            controls=tuple(place.controls),
            failing=tuple(sorted(self.failing)),
            unseen=tuple(sorted(self.unseen)),
            note=place.note,
        )


def _worst(standings: Iterable[Standing]) -> Standing:
    """That of them all; where nobody looked at anything, that is not known."""
    return min(standings, key=_ORDER.index, default=Standing.NOT_KNOWN)
