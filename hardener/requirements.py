"""Turns findings by the requirements of others: numbers of a benchmark, of NIST, of PCI. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hardener.catalogue.benchmarks import Answered, Place, built_in_benchmarks, load_benchmark, places
from hardener.errors import ConfigError
from hardener.model import ControlRecord, Finding, Outcome, Requirement, Requirements, Run, Standing, TargetResult

REFERENCES = {
    "nist-800-53": ("nist-800-53", "NIST SP 800-53 revision 5"),
    "pci-dss": ("pci-dss-4", "PCI DSS 4"),
    "cis-controls": ("cis-controls-8", "CIS Controls 8"),
}
"""Framework → how controls refer to it, and its title. What no control refers to is not known here, and not listed."""

_ORDER = list(Standing)
_STANDINGS = {
    Outcome.PASS: Standing.MET,
    Outcome.FIXED: Standing.MET,
    Outcome.FAIL: Standing.NOT_MET,
    Outcome.INFORMATIONAL: Standing.FOR_A_PERSON,
    Outcome.NOTAPPLICABLE: Standing.NOT_APPLICABLE,
}
"""Outcome → standing; every other outcome is that of a control nobody looked at."""


def frameworks() -> Sequence[str]:
    """What a run can be turned by: frameworks that controls refer to, and benchmarks."""
    return [*REFERENCES, *(name.rpartition("-")[0] for name in built_in_benchmarks())]


def by_requirement(run: Run, results: Iterable[TargetResult], framework: str) -> Requirements:
    """Every requirement of a framework, and how the targets of a run stand to it.

    ``results`` come one by one; the run's own are not looked at. Raises ``ConfigError`` for a framework there is not.
    """
    title, asked = _asked(run.controls, framework)
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
        framework=title,
        targets=targets,
        scope=run.scope,
        requirements=tuple(tallies[place.number].requirement(place) for place in asked),
    )


def _asked(controls: Mapping[str, ControlRecord], framework: str) -> tuple[str, Sequence[Place]]:
    """The title of a framework, and its requirements in its order."""
    if framework not in frameworks():
        raise ConfigError(f"no framework {framework!r}; there are {', '.join(frameworks())}", location="--by")
    if framework not in REFERENCES:
        benchmark = load_benchmark(framework)
        return benchmark.title, places(benchmark, controls.values())
    reference, title = REFERENCES[framework]
    answers: dict[str, list[str]] = defaultdict(list)
    for control in controls.values():
        for number in control.references.get(reference, ()):
            answers[number].append(control.id)
    return title, [Place(number, 0, Answered.AUTOMATED, answers[number]) for number in sorted(answers, key=_natural)]


def _natural(number: str) -> list[tuple[int, str]]:
    """``AC-10`` comes after ``AC-2``."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", number)]


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
