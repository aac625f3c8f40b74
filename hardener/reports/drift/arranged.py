"""What the formats for people share: in which parts drift is told, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardener.model import Drift, DriftEvent, DriftKind, Finding, counted
from hardener.reports.arranged import moment, outcome_words, value_words

LONGEST_VALUE = 300
FAILING = "Held before, failed less badly or was not there; nobody has repaired, waived or accepted it since."

WORDS = {
    DriftKind.REGRESSED: "regressed",
    DriftKind.NEW: "new control",
    DriftKind.WORSE: "worse",
    DriftKind.UNREACHABLE: "unreachable",
    DriftKind.UNSEEN: "could not be looked at",
    DriftKind.VANISHED: "vanished",
    DriftKind.REPLACED: "replaced",
    DriftKind.WAIVED: "waived",
    DriftKind.ACCEPTED: "accepted",
    DriftKind.CHANGED: "changed value",
    DriftKind.FIXED: "fixed",
    DriftKind.GONE: "gone from the catalogue",
    DriftKind.APPEARED: "appeared",
}


@dataclass(frozen=True)
class Section:
    """Events that mean the same to the reader."""

    slug: str
    title: str
    explains: str
    events: Sequence[DriftEvent]


def sections(drift: Drift) -> Sequence[Section]:
    """All events, what a person has to act on first."""
    rest = [event for event in drift.events if not (event.is_regression or event.is_incomplete)]
    return (
        Section("failing", "Regressed", FAILING, drift.regressions),
        Section("unseen", "Could not look", "Whether anything drifted here, nobody knows.", drift.gaps),
        Section("holds", "Also different", "Nothing of this needs anybody.", rest),
    )


def compared_words(drift: Drift) -> str:
    """``3 of 4 targets compared with their baselines``."""
    return f"{drift.compared} of {counted(drift.targets, 'target')} compared with their baselines"


def summary_words(drift: Drift) -> str:
    """The whole on one line: ``3 regressions standing, oldest 5 nights; 1 new; 2 silent targets``."""
    standing = counted(len(drift.regressions), "regression") + " standing"
    if drift.regressions:
        standing += f", oldest {counted(max(event.nights for event in drift.regressions), 'night')}"
    parts = [standing]
    if new := sum(event.is_new for event in drift.regressions):
        parts.append(f"{new} new")
    if drift.silent:
        parts.append(counted(drift.silent, "silent target"))
    return "; ".join(parts)


def seen_words(finding: Finding | None) -> str:
    """What a finding says, on one line: ``fail: is 6``, or the outcome and the observed value."""
    if finding is None:
        return "not looked at"
    outcome = outcome_words(finding)
    if finding.observed is None and finding.reason:
        return f"{outcome}: {finding.reason}"
    return f"{outcome}: {value_words(finding.observed, LONGEST_VALUE)}"


def origin_words(event: DriftEvent) -> str:
    """For how long, since when, and after what, as far as it is known."""
    since = f"since {moment(event.since)}" if event.since else ""
    age = "" if not event.is_regression else "new" if event.is_new else counted(event.nights, "night")
    return ", ".join(part for part in (age, since, event.cause) if part)
