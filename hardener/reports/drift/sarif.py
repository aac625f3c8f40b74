"""Drift as SARIF 2.1.0: a result for what a control did on some targets, with its ``baselineState``.

What is unchanged is a result only while it stands as a regression; what is about a whole target is a notification.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hardener.model import Drift, DriftEvent, DriftKind, counted
from hardener.reports.arranged import on_one_line
from hardener.reports.interchange import TOOL, encoded, instant, words
from hardener.reports.sarif import LEVELS, LONGEST_REASON, MOST_LOCATIONS, SCHEMA, location, message, rule

STATES = {
    DriftKind.REGRESSED: "new",
    DriftKind.NEW: "new",
    DriftKind.WORSE: "updated",
    DriftKind.UNSEEN: "new",
    DriftKind.WAIVED: "updated",
    DriftKind.ACCEPTED: "updated",
    DriftKind.CHANGED: "updated",
    DriftKind.FIXED: "absent",
    DriftKind.GONE: "absent",
}
"""What happened to a control → how SARIF calls it against a baseline."""
SAYS = {
    DriftKind.REGRESSED: "does not hold any more",
    DriftKind.NEW: "is new in the catalogue",
    DriftKind.WORSE: "fails in a worse way",
    DriftKind.UNSEEN: "could not be looked at",
    DriftKind.WAIVED: "fails, and a waiver covers it now",
    DriftKind.ACCEPTED: "fails, and somebody accepted it",
    DriftKind.CHANGED: "shows another value",
    DriftKind.FIXED: "holds again",
    DriftKind.GONE: "left the catalogue",
}


def render(drift: Drift) -> str:
    """Everything that is different; the same drift gives the same bytes."""
    rules = [rule(record) for record in drift.controls.values()]
    places = {name: number for number, name in enumerate(drift.controls)}
    log = {
        "version": "2.1.0",
        "$schema": SCHEMA,
        "runs": [
            {
                "tool": {"driver": {"name": TOOL, "rules": rules}},
                "automationDetails": {"id": f"{TOOL}/drift/{quote(words(drift.run), safe='')}"},
                "columnKind": "utf16CodeUnits",
                "invocations": [_invocation(drift)],
                "results": list(_results(drift, places)),
                "properties": {"run": words(drift.run), "profile": words(drift.profile), "compared": drift.compared},
            }
        ],
    }
    return encoded(log).decode() + "\n"


def _invocation(drift: Drift) -> Mapping[str, Any]:
    told = [
        {
            "level": "error",
            "message": message(f"{event.kind.value}: {event.reason}"),
            "locations": [location(event.target)],
        }
        for event in drift.events
        if event.control is None
    ]
    return {
        "executionSuccessful": not drift.gaps,
        "startTimeUtc": instant(drift.started),
        "toolExecutionNotifications": told[:MOST_LOCATIONS],
    }


def _results(drift: Drift, places: Mapping[str, int]) -> Iterator[Mapping[str, Any]]:
    """By control and by what happened to it, the worst first as the events are."""
    gathered: dict[tuple[str, DriftKind], list[DriftEvent]] = {}
    for event in drift.events:
        if event.control is not None:
            gathered.setdefault((event.control, event.kind), []).append(event)
    for (control, kind), events in gathered.items():
        is_problem = any(event.is_regression for event in events)
        record = drift.controls.get(control)
        yield {
            "ruleId": control,
            **({"ruleIndex": places[control]} if control in places else {}),
            "kind": "fail" if is_problem else "open" if kind is DriftKind.UNSEEN else "informational",
            "level": LEVELS[record.severity] if is_problem and record else "none",
            "baselineState": _state(kind, events),
            "message": message(
                f"{record.title if record else control}: {SAYS[kind]} on {counted(len(events), 'target')}."
            ),
            "locations": [
                {**location(event.target), "message": message(_reason(event))} for event in events[:MOST_LOCATIONS]
            ],
            "partialFingerprints": {"primaryLocationLineHash": f"{control}/{kind.value}:1"},
            "properties": {"targets": len(events), "locationsLeftOut": max(0, len(events) - MOST_LOCATIONS)},
        }


def _state(kind: DriftKind, events: Sequence[DriftEvent]) -> str:
    """Of a failure that stood before on all its targets, ``unchanged``."""
    stood = all(event.is_regression and not event.is_new for event in events)
    return "unchanged" if stood else STATES[kind]


def _reason(event: DriftEvent) -> str:
    """Why, since when by which cause, and what to type."""
    since = f"since {instant(event.since)}" if event.since else ""
    return on_one_line(
        "; ".join(part for part in (event.reason, since, event.cause, event.remedy) if part), 5 * LONGEST_REASON
    )
