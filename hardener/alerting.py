"""Decides what a recipient has to be told: what is new in some audits, given what it has been told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hardener.model import Alert, Comparison, Drift, DriftEvent, Finding, News, Seen, Severity

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
        """Before any audit is followed."""
        known = {alert.key: alert for alert in told}
        return cls(told=known, now=known)

    @property
    def controls(self) -> frozenset[str]:
        """The controls of which an audit has to say how they are."""
        return frozenset(alert.control for alert in self.now.values() if alert.control)


def follow(memory: Memory, comparison: Comparison, drift: Drift, seen: Seen) -> Memory:
    """What is so after one more audit, given with its drift. Audits are followed in the order they were kept.

    What could not be looked at stays as it was told. An alert about another machine of the name, or about a failure
    that is waived by now or does not apply any more, is dropped without a word: it is not fixed, and comes anew.
    """
    answered = {
        pair.target: pair.after.machine_id or ""
        for pair in comparison.pairs
        if pair.after is not None and not pair.after.problem
    }
    now: dict[_Key, Alert] = {}
    over = dict(memory.over)
    for key, alert in memory.now.items():
        if alert.target not in answered:
            now[key] = alert
        elif alert.control is None:
            over[key] = alert
        elif alert.machine_id == answered[alert.target]:
            finding = seen.findings.get(alert.target, {}).get(alert.control)
            if finding is not None and finding.outcome.is_compliant:
                over[key] = alert.model_copy(update={"after": finding})
            elif (stays := _still(alert, finding, seen.run)) is not None:
                now[key] = stays
    for event in drift.regressions:
        new = _regression(drift, event, answered.get(event.target, ""))
        now.setdefault(new.key, new)
    for target, since in seen.silent.items():
        silence = _silence(drift, target, since)
        now.setdefault(silence.key, silence)
    return Memory(told=memory.told, now=now, over={key: over[key] for key in over if key in memory.told})


def news(memory: Memory, drift: Drift) -> News:
    """What is to be told after the newest audit, the worst first."""
    fresh = [alert for key, alert in memory.now.items() if memory.told.get(key) != alert]
    fresh.sort(key=lambda alert: (_SEVERITIES.index(alert.severity), alert.key))
    return News(
        run=drift.run,
        started=drift.started,
        regressed=tuple(alert for alert in fresh if alert.control),
        silent=tuple(alert for alert in fresh if not alert.control),
        recovered=tuple(alert for key, alert in sorted(memory.over.items()) if key not in memory.now),
        known=tuple(memory.now.values()),
    )


def _still(alert: Alert, finding: Finding | None, run: str) -> Alert | None:
    """The alert while what it tells is not over, with what fails now where that is something else."""
    if finding is None or finding.outcome.is_unknown:
        return alert
    if not finding.is_failing:
        return None
    if alert.after is not None and finding.observed == alert.after.observed:
        return alert
    return alert.model_copy(update={"before": alert.after, "after": finding, "reason": finding.reason, "run": run})


def _regression(drift: Drift, event: DriftEvent, machine_id: str) -> Alert:
    record = drift.controls[event.control or ""]
    return Alert(
        target=event.target,
        control=event.control,
        machine_id=machine_id,
        run=drift.run,
        title=record.title,
        severity=record.severity,
        **event.model_dump(include={"before", "after", "since", "reason", "remedy"}),
    )


def _silence(drift: Drift, target: str, since: datetime | None) -> Alert:
    reasons = [event.reason for event in drift.gaps if event.target == target and event.control is None]
    return Alert(target=target, run=drift.run, since=since, reason=next(iter(reasons), "was not looked at any more"))
