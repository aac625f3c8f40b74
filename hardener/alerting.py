"""Decides what a recipient has to be told: what is new in some audits, given what it has been told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hardener.model import (
    Alert,
    Comparison,
    Drift,
    DriftEvent,
    DriftKind,
    Finding,
    News,
    Pair,
    Seen,
    Severity,
    is_worse,
)

_SEVERITIES = [Severity.HIGH, Severity.MEDIUM, Severity.LOW]
_Key = tuple[str, str]


@dataclass(frozen=True)
class Memory:
    """What one recipient was told, and what is so after the audits that were followed since."""

    told: Mapping[_Key, Alert] = field(default_factory=dict)
    now: Mapping[_Key, Alert] = field(default_factory=dict)
    over: Mapping[_Key, Alert] = field(default_factory=dict)
    """Of what was told, what holds again."""

    @classmethod
    def of(cls, told: Iterable[Alert]) -> Memory:
        """Before any audit is followed. Earlier versions did not keep when something was told."""
        known = {
            alert.key: alert.model_copy(update={"told": _told(alert), "least": alert.least or alert.after})
            for alert in told
        }
        return cls(told=known, now=known)

    @property
    def controls(self) -> frozenset[str]:
        """The controls of which an audit has to say how they are."""
        return frozenset(alert.control for alert in self.now.values() if alert.control)


def follow(memory: Memory, comparison: Comparison, drift: Drift, seen: Seen) -> Memory:
    """What is so after one more audit, given with its drift. Audits are followed in the order they were kept.

    What could not be looked at stays as it was told. An alert about another machine of the name, or about a failure
    that does not stand any more though it was not fixed (it is waived, accepted or no worse than before), is dropped
    without a word, and comes anew.
    """
    pairs = {pair.target: pair for pair in comparison.pairs}
    now: dict[_Key, Alert] = {}
    over = dict(memory.over)
    for key, alert in memory.now.items():
        pair = pairs.get(alert.target)
        if pair is None or pair.after is None or pair.after.problem:
            if pair is None or alert.control not in pair.accepted:
                now[key] = alert
        elif alert.control is None:
            over[key] = alert
        elif alert.machine_id == (pair.after.machine_id or ""):
            finding = seen.findings.get(alert.target, {}).get(alert.control)
            if finding is not None and finding.outcome.is_compliant:
                over[key] = alert.model_copy(update={"after": finding})
            elif (stays := _still(alert, pair, finding, comparison)) is not None:
                now[key] = stays
    for event in drift.regressions:
        new = _regression(drift, event, pairs[event.target].machine_id or "")
        now.setdefault(new.key, new)
    for target, since in seen.silent.items():
        silence = _silence(drift, target, since)
        now.setdefault(silence.key, silence)
    return Memory(told=memory.told, now=now, over={key: over[key] for key in over if key in memory.told})


def news(memory: Memory, drift: Drift, remind_days: int) -> News:
    """What is to be told after the newest audit, the worst first.

    ``remind_days``: after so many days a regression that was told and stands is told again.
    """
    alerts = sorted(memory.now.values(), key=lambda alert: (_SEVERITIES.index(alert.severity), alert.key))
    fresh = [alert for alert in alerts if alert.told is None]
    worse = [
        alert.model_copy(update={"kind": DriftKind.WORSE, "before": alert.least, "run": drift.run})
        for alert in alerts
        if alert.told and alert.least and alert.after and is_worse(alert.after, alert.least)
    ]
    told = {alert.key: alert for alert in (*fresh, *worse)}
    due = [alert for alert in alerts if alert.key not in told and _is_due(alert, drift.started, remind_days)]
    told |= {alert.key: alert for alert in due}
    stamped = {
        key: alert.model_copy(update={"told": drift.started, "least": alert.after}) for key, alert in told.items()
    }
    return News(
        run=drift.run,
        started=drift.started,
        regressed=tuple(alert for alert in fresh if alert.control and alert.kind is not DriftKind.WORSE),
        worse=tuple(alert for alert in (*fresh, *worse) if alert.control and alert.kind is DriftKind.WORSE),
        silent=tuple(alert for alert in fresh if not alert.control),
        recovered=tuple(alert for key, alert in sorted(memory.over.items()) if key not in memory.now),
        standing=tuple(due),
        known=tuple(stamped.get(key, alert) for key, alert in memory.now.items()),
    )


def _told(alert: Alert) -> datetime:
    return alert.told or alert.since or datetime.min.replace(tzinfo=UTC)


def _is_due(alert: Alert, now: datetime, remind_days: int) -> bool:
    """Nights begin at random moments: what counts are whole days, rounded."""
    return alert.control is not None and round((now - _told(alert)) / timedelta(days=1)) >= remind_days


def _still(alert: Alert, pair: Pair, finding: Finding | None, comparison: Comparison) -> Alert | None:
    """An alert with what fails now, while what it tells is not over.

    An audit of another profile, with other references, ends it only by what it saw.
    """
    control, profile = alert.control or "", comparison.profile
    if alert.profile not in {"", profile} or (not alert.profile and control not in pair.standing):
        is_open = finding is None or finding.outcome.is_unknown or finding.is_failing
        return alert if is_open and control not in pair.accepted else None
    if control not in pair.standing:
        return None
    seen = pair.standing[control].finding
    is_least = alert.told is None or alert.least is None or not is_worse(seen, alert.least)
    least = seen if is_least else alert.least
    return alert.model_copy(update={"after": seen, "least": least, "reason": seen.reason, "profile": profile})


def _regression(drift: Drift, event: DriftEvent, machine_id: str) -> Alert:
    record = drift.controls[event.control or ""]
    return Alert(
        target=event.target,
        control=event.control,
        machine_id=machine_id,
        profile=drift.profile,
        run=drift.run,
        title=record.title,
        severity=record.severity,
        **event.model_dump(include={"kind", "before", "after", "since", "reason", "remedy"}),
    )


def _silence(drift: Drift, target: str, since: datetime | None) -> Alert:
    reasons = [event.reason for event in drift.gaps if event.target == target and event.control is None]
    return Alert(target=target, run=drift.run, since=since, reason=next(iter(reasons), "was not looked at any more"))
