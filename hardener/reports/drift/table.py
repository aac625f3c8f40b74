"""Drift for people at a terminal, or in a mail of cron: nothing where nothing stands and everything was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hardener.model import Drift, DriftEvent, DriftKind
from hardener.reports.arranged import moment, on_one_line
from hardener.reports.drift.arranged import WORDS, compared_words, origin_words, seen_words, summary_words

WIDEST = 300


def render(drift: Drift) -> str:
    """Regressions with their remedies, then what could not be looked at, then the rest counted."""
    if not (drift.regressions or drift.gaps):
        return ""
    return "".join(f"{line.rstrip()}\n" for line in _lines(drift))


def _lines(drift: Drift) -> Iterator[str]:
    yield (
        f"drift in {on_one_line(drift.run, 80)}: {compared_words(drift)}, "
        f"profile {on_one_line(drift.profile, 80)}, {moment(drift.started)}"
    )
    yield summary_words(drift)
    if drift.regressions:
        yield ""
        yield f"REGRESSED ({len(drift.regressions)})"
    for event in drift.regressions:
        yield from _regression(drift, event)
    if drift.gaps:
        yield ""
        yield f"COULD NOT LOOK ({len(drift.gaps)})"
    for event in drift.gaps:
        what = f"{event.control} " if event.control else ""
        yield f"  {on_one_line(event.target, 120)}  {what}{WORDS[event.kind]}: {on_one_line(event.reason, WIDEST)}"
    rest = Counter(WORDS[event.kind] for event in drift.events if not (event.is_regression or event.is_incomplete))
    if rest:
        yield ""
        yield "also: " + ", ".join(f"{count} {words}" for words, count in rest.items())


def _regression(drift: Drift, event: DriftEvent) -> Iterator[str]:
    record = drift.controls[event.control or ""]
    target, title = on_one_line(event.target, 120), on_one_line(record.title, WIDEST)
    named = "" if event.kind is DriftKind.REGRESSED else f"  {WORDS[event.kind]}"
    yield f"  {target}  {record.id}  {record.severity.value}{named}  {title}"
    now, before = (on_one_line(seen_words(finding), WIDEST) for finding in (event.after, event.before))
    expected = on_one_line(event.after.expected, WIDEST) if event.after else ""
    yield f"    {before} -> {now}, expected {expected}"
    if event.before and event.before.waiver:
        yield f"    {on_one_line(event.reason, WIDEST)}"
    if origin := origin_words(event):
        yield f"    {on_one_line(origin, WIDEST)}"
    yield f"    {on_one_line(event.remedy, 10 * WIDEST)}"
