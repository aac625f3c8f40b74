"""Judges what was answered then with the controls that are installed now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hardener.audit import judged_anew
from hardener.catalogue.discovery import Catalogue
from hardener.model import Finding, Outcome, Run, TargetResult, Values
from hardener.plan import with_own_values

COMPARED = ("outcome", "observed", "expected", "reason")


@dataclass(frozen=True)
class Difference:
    """A finding that is another now."""

    target: str
    control: str
    was: Finding
    now: Finding | None = None
    """``None`` where it cannot be judged anew."""
    reason: str = ""
    """What is different, or why it cannot be judged."""


def rejudge(run: Run, catalogue: Catalogue, defaults: Values) -> Iterator[Difference]:
    """What the installed controls judge otherwise, from the same answers and with the values the run was judged by.

    ``defaults``: the roles' default values; what was acceptable otherwise is in the run. Findings that rest on no
    answer, of controls that were not selected or targets nobody could ask, are no matter of judgement.
    """
    for result in (*run.before, *run.results):
        controls = [catalogue[item.control] for item in result.findings if item.control in catalogue]
        values = with_own_values(controls, result.values, defaults)
        for finding in result.findings:
            if finding.questions:
                yield from _difference(result, finding, catalogue, values)


def _difference(result: TargetResult, was: Finding, catalogue: Catalogue, values: Values) -> Iterator[Difference]:
    if was.control not in catalogue:
        yield Difference(result.target, was.control, was, reason="is not in the installed catalogue")
        return
    now = judged_anew(catalogue[was.control], values, result.facts, result.transcript.answers)
    if now is None:
        yield Difference(result.target, was.control, was, reason="asks by now what the target was not asked then")
        return
    expected = was.model_copy(update={"outcome": Outcome.PASS}) if was.outcome is Outcome.FIXED else was
    other = [name for name in COMPARED if getattr(now, name) != getattr(expected, name)]
    if other:
        yield Difference(result.target, was.control, was, now, f"{', '.join(other)}")
