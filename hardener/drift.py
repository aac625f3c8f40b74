"""Says what became different between two views of each target. Pure: both views come from the store."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import timedelta

from hardener.causes import cause
from hardener.errors import ConfigError, ExitCode
from hardener.model import (
    Acceptance,
    Comparison,
    ControlRecord,
    Drift,
    DriftEvent,
    DriftKind,
    Finding,
    Outcome,
    Pair,
    Regression,
    Severity,
    View,
)

_KINDS = list(DriftKind)
_SEVERITIES = [Severity.HIGH, Severity.MEDIUM, Severity.LOW]
_NOBODY_LOOKED = {Outcome.NOTSELECTED, Outcome.NOTCHECKED}


def find_drift(comparison: Comparison) -> Drift:
    """Everything that stands or is different, what is new and the worst first.

    Raises ``ConfigError`` where a declared baseline was made with another profile: it asked for other controls.
    """
    for pair in comparison.pairs:
        _refuse_other_profile(pair)
    events = [event for pair in comparison.pairs for event in _events(comparison, pair)]
    named = {event.control for event in events}
    records = {key: record for key, record in comparison.controls.items() if key in named}

    def order(event: DriftEvent) -> tuple[int, int, int, str, str]:
        record = records.get(event.control or "")
        severity = _SEVERITIES.index(record.severity) if record else 0
        weight = 0 if event.is_new else 1 if event.is_regression else 2 if event.is_incomplete else 3
        return weight, _KINDS.index(event.kind), severity, event.target, event.control or ""

    return Drift(
        **comparison.model_dump(include={"run", "started", "profile"}),
        controls=records,
        targets=sum(pair.after is not None for pair in comparison.pairs),
        compared=sum(_are_comparable(pair.before, pair.after) for pair in comparison.pairs),
        events=tuple(sorted(events, key=order)),
    )


def exit_code(drift: Drift) -> ExitCode:
    """The documented code: what could not be looked at or compared weighs more than what regressed."""
    if drift.gaps:
        return ExitCode.INCOMPLETE
    return ExitCode.FINDINGS if drift.regressions else ExitCode.COMPLIANT


def _refuse_other_profile(pair: Pair) -> None:
    before, after = pair.before, pair.after
    if pair.is_declared and before and after and before.profile != after.profile:
        raise ConfigError(
            f"{before.run} was made with profile {before.profile}, {after.run} with {after.profile}: "
            "declare another baseline",
            location=f"baseline of {pair.target}",
        )


def _are_comparable(before: View | None, after: View | None) -> bool:
    return before is not None and after is not None and before.machine_id == after.machine_id


def _events(comparison: Comparison, pair: Pair) -> Iterator[DriftEvent]:
    yield from _target_events(pair)
    yield from (_regression(comparison, pair, control) for control, item in pair.standing.items() if item.is_asked)
    before, after = pair.before, pair.after
    if before is None or after is None or before.machine_id != after.machine_id:
        return
    explained = 0
    for control in dict.fromkeys([*after.findings, *before.findings]):
        old, new = (view.findings.get(control) for view in (before, after))
        kind = _kind(old, new, pair.accepted.get(control))
        explained += kind is DriftKind.UNSEEN
        is_told = control in pair.standing and kind is not DriftKind.UNSEEN
        if kind is None or is_told or (kind is DriftKind.UNSEEN and after.problem):
            continue
        yield DriftEvent(
            kind=kind,
            target=pair.target,
            control=control,
            is_incomplete=kind is DriftKind.UNSEEN,
            before=old,
            after=new,
            reason=_words(kind, new, pair.accepted.get(control)),
            since=pair.since.get(control),
            cause=pair.causes.get(control) or cause(old, new, pair.around.get(control)),
            baseline=before.run,
        )
    if after.unseen > explained and not after.problem:
        count = after.unseen - explained
        reason = f"{count} more could not be looked at, as at the baseline"
        yield DriftEvent(
            kind=DriftKind.UNSEEN, target=pair.target, is_incomplete=True, reason=reason, baseline=before.run
        )


def _regression(comparison: Comparison, pair: Pair, control: str) -> DriftEvent:
    """What stands, with how it was before: before it got worse, on the night on which it did."""
    found = pair.standing[control]
    old = found.less_bad or found.reference
    return DriftEvent(
        kind=_kind_of_regression(found),
        target=pair.target,
        control=control,
        is_regression=True,
        is_new=found.is_new,
        nights=max(1, 1 + round((comparison.started - found.since) / timedelta(days=1))),
        before=old,
        after=found.finding,
        reason=_reason(comparison, old, found.finding),
        since=found.since,
        cause=pair.causes.get(control) or cause(old, found.finding, pair.around.get(control)),
        remedy=_remedy(comparison, pair.target, comparison.controls[control]),
        baseline=found.run,
    )


def _kind_of_regression(found: Regression) -> DriftKind:
    if found.less_bad or (found.reference and found.reference.is_failing):
        return DriftKind.WORSE
    return DriftKind.REGRESSED if found.reference else DriftKind.NEW


def _target_events(pair: Pair) -> Iterator[DriftEvent]:
    """What is different about the target as a whole."""
    before, after = pair.before, pair.after
    common = {"target": pair.target, "baseline": before.run if before else None}
    if after is None:
        yield DriftEvent(kind=DriftKind.VANISHED, is_incomplete=True, reason="was not looked at any more", **common)
        return
    if after.problem:
        yield DriftEvent(kind=DriftKind.UNREACHABLE, is_incomplete=True, reason=after.problem, **common)
    if before is None:
        yield DriftEvent(kind=DriftKind.APPEARED, reason="there is no earlier view of it", **common)
    elif after.machine_id and before.machine_id != after.machine_id:
        yield DriftEvent(
            kind=DriftKind.REPLACED,
            is_incomplete=pair.is_declared,
            reason=f"another machine: {after.machine_id} instead of {before.machine_id}",
            **common,
        )


def _kind(old: Finding | None, new: Finding | None, accepted: Acceptance | None) -> DriftKind | None:
    """What happened to a control that is no regression, or ``None`` where that is nothing, or nobody looked."""
    if new is None:
        return DriftKind.GONE if old and old.outcome not in _NOBODY_LOOKED else None
    if new.outcome in _NOBODY_LOOKED:
        return None
    if old is None or old.outcome in _NOBODY_LOOKED:
        return DriftKind.UNSEEN if new.outcome.is_unknown else DriftKind.NEW
    return None if new == old else _kind_of_change(old, new, accepted)


def _kind_of_change(old: Finding, new: Finding, accepted: Acceptance | None) -> DriftKind | None:
    if new.outcome.is_unknown:
        return DriftKind.UNSEEN
    if new.is_failing and accepted:
        return DriftKind.ACCEPTED
    if new.waiver and not old.waiver:
        return DriftKind.WAIVED
    if new.outcome.is_compliant and old.outcome is Outcome.FAIL:
        return DriftKind.FIXED
    is_same_outcome = new.outcome is old.outcome or (new.outcome.is_compliant and old.outcome.is_compliant)
    return None if is_same_outcome and new.observed == old.observed else DriftKind.CHANGED


def _words(kind: DriftKind, new: Finding | None, accepted: Acceptance | None) -> str:
    if kind is DriftKind.ACCEPTED and accepted:
        return f"accepted by {accepted.by}: {accepted.reason}"
    return new.reason if new else ""


def _reason(comparison: Comparison, old: Finding | None, new: Finding) -> str:
    """What is not as expected, after what became of the waiver that covered it at the baseline."""
    if old is None or old.waiver is None:
        return new.reason
    expiry = {waiver.id: waiver.expires for waiver in comparison.waivers if waiver.expires <= comparison.started}
    ended = f"expired at {expiry[old.waiver].isoformat()}" if old.waiver in expiry else "does not cover it any more"
    return f"waiver {old.waiver} {ended}; {new.reason}"


def _remedy(comparison: Comparison, target: str, record: ControlRecord) -> str:
    if not record.is_remediable:
        return record.remedy
    return shlex.join(["hardener", "apply", *comparison.scope.naming, "-l", target, "--controls", record.id])
