"""News told to a recipient: short enough to be read on a telephone, and complete enough to act on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hardener.model import Alert, Finding, Message, News
from hardener.reports.arranged import moment, on_one_line
from hardener.reports.drift.arranged import seen_words

MOST_LINES = 12
"""Of each part; the rest is counted."""
WIDEST = 120
LONGEST_COMMAND = 400


def message(news: News) -> Message:
    """The subject has the counts, the body a line for each alert, what has to be done first."""
    parts = [
        (news.regressed, "regressed", _regressed),
        (news.worse, "worse", _regressed),
        (news.recovered, "recovered", _recovered),
        (news.silent, "silent", _silent),
        (news.standing, "still standing", _regressed),
    ]
    told = [(alerts, word, line) for alerts, word, line in parts if alerts]
    targets = {_target(alert) for alerts, _, _ in told for alert in alerts}
    where = f"on {targets.pop()}" if len(targets) == 1 else f"on {len(targets)} targets"
    return Message(
        subject=f"hardener: {', '.join(f'{len(alerts)} {word}' for alerts, word, _ in told)} {where}",
        body="\n".join([*(line for part in told for line in _part(*part)), _source(news)]),
    )


def _part(alerts: Sequence[Alert], word: str, line: Callable[[Alert], str]) -> Iterator[str]:
    yield f"{word.upper()} ({len(alerts)})"
    yield from (line(alert) for alert in alerts[:MOST_LINES])
    if len(alerts) > MOST_LINES:
        yield f"and {len(alerts) - MOST_LINES} more"
    yield ""


def _regressed(alert: Alert) -> str:
    since = f", since {moment(alert.since)}" if alert.since else ""
    remedy = on_one_line(alert.remedy, LONGEST_COMMAND)
    return f"{_named(alert)}: {_seen(alert.before)} -> {_seen(alert.after)}{since}; {remedy}"


def _recovered(alert: Alert) -> str:
    if alert.control is None:
        return f"{_target(alert)}: answers again"
    since = f", had failed since {moment(alert.since)}" if alert.since else ""
    return f"{_named(alert)}: {_seen(alert.after)}{since}"


def _silent(alert: Alert) -> str:
    last = f"last seen completely {moment(alert.since)}" if alert.since else "never seen completely"
    return f"{_target(alert)}: {last}; {on_one_line(alert.reason, WIDEST)}"


def _named(alert: Alert) -> str:
    return f"{_target(alert)}  {alert.control}  {on_one_line(alert.title, WIDEST)}"


def _target(alert: Alert) -> str:
    return on_one_line(alert.target, WIDEST)


def _seen(finding: Finding | None) -> str:
    return on_one_line(seen_words(finding), WIDEST)


def _source(news: News) -> str:
    return f"run {on_one_line(news.run, WIDEST)}, {moment(news.started)}"
