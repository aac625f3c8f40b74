"""What a run says, arranged for people: worst first, scored by level, in words that fit on a line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from pydantic import JsonValue

from hardener.model import (
    ControlRecord,
    Finding,
    Outcome,
    Run,
    RunKind,
    Scope,
    Score,
    Severity,
    TargetResult,
    Waiver,
    score,
)
from hardener.reports.listing import visible

UNSEEN = (Outcome.ERROR, Outcome.UNKNOWN)
FOR_A_PERSON = (Outcome.INFORMATIONAL, Outcome.NOTCHECKED)
_JUDGED = (Outcome.PASS, Outcome.FAIL, Outcome.FIXED, Outcome.INFORMATIONAL)
_WORST_FIRST = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)

LONGEST_PATTERN = 200


@dataclass(frozen=True, eq=False)
class Entry:
    """A finding beside the control it is about."""

    record: ControlRecord
    finding: Finding

    @property
    def is_plain(self) -> bool:
        """Whether the reason says no more than the observed value does."""
        return self.finding.reason in {"", f"is {_shown(self.finding.observed)}"}


@dataclass(frozen=True)
class ScoreLine:
    """How many controls of a level (or of all) hold, and how many held before an apply.

    What a waiver covers counts neither way; ``without`` is the score as if there were no waivers.
    """

    label: str
    now: Score
    without: Score
    before: Score | None = None

    @property
    def is_moved(self) -> bool:
        """Whether waivers make a difference."""
        return self.now != self.without


@dataclass(frozen=True)
class TargetView:
    """One target's result with what is needed to tell it."""

    run: Run
    result: TargetResult
    before: TargetResult | None

    def entries(self, *outcomes: Outcome) -> Sequence[Entry]:
        """The findings with one of these outcomes that no waiver covers, by role, within a role worst first."""
        return self._entries(item for item in self.result.findings if item.outcome in outcomes and not item.waiver)

    def waived(self) -> Sequence[Entry]:
        """The failures that waivers cover, in the same order."""
        return self._entries(item for item in self.result.findings if item.waiver)

    def waiver(self, entry: Entry) -> Waiver:
        """The waiver that covers a failure."""
        return next(waiver for waiver in self.run.waivers if waiver.id == entry.finding.waiver)

    def _entries(self, findings: Iterable[Finding]) -> Sequence[Entry]:
        chosen = [Entry(self.run.controls[finding.control], finding) for finding in findings]
        roles = list(dict.fromkeys(entry.record.role for entry in chosen))
        return sorted(chosen, key=lambda entry: (roles.index(entry.record.role), worst_first(entry)))

    def observed_before(self, entry: Entry) -> JsonValue:
        """What the audit before an apply saw of a control."""
        earlier = self.before.findings if self.before else ()
        return next((item.observed for item in earlier if item.control == entry.record.id), None)

    @cached_property
    def is_seen(self) -> bool:
        """Whether anything was judged; traits the inventory declares exclude controls even on a dead target."""
        return self.result.count(*_JUDGED) > 0

    @property
    def walk_words(self) -> str:
        """When all local files were walked, how long that took, and how old it was at the end of the run."""
        if (walk := self.result.walk) is None:
            return ""
        age = max(0, round((self.run.finished - walk.started).total_seconds()))
        where = ", ".join(walk.directories)
        taken = "" if walk.seconds is None else f" in {walk.seconds:.1f} s"
        return f"files walked{taken} at {moment(walk.started)}, {age} s before the end: {where}"

    @property
    def notice(self) -> str:
        """What became of the newest run on the target, where whoever looks at it should know: or nothing."""
        facts = self.result.facts
        if facts is None or facts.last_run is None:
            return ""
        last = facts.last_run
        if last.state == "restored":
            return f"run {last.run} of {last.operator} was taken back: {last.reason}"
        return "" if last.state == "released" else f"run {last.run} of {last.operator} is under way"

    @property
    def needs_attention(self) -> bool:
        """Whether there is a failure, a problem, or something that could not be looked at."""
        return self.result.problem is not None or self.result.failing + self.result.count(*UNSEEN) > 0

    def scores(self) -> Sequence[ScoreLine]:
        """The score over all controls, then over those of each level."""
        levels = sorted({self.run.controls[finding.control].level for finding in self.result.findings})
        lines = [self._score_line("overall", levels)]
        lines += [self._score_line(f"level {level}", [level]) for level in levels]
        return [line for line in lines if line.without.scored]

    def _score_line(self, label: str, levels: Sequence[int]) -> ScoreLine:
        def of(result: TargetResult, *, with_waivers: bool = True) -> Score:
            chosen = [item for item in result.findings if self.run.controls[item.control].level in levels]
            return score(chosen, with_waivers=with_waivers)

        before = of(self.before) if self.before else None
        return ScoreLine(label, of(self.result), of(self.result, with_waivers=False), before)


def whole(run: Run, results: Iterable[TargetResult]) -> Run:
    """The run with its results in it, for formats that need everything at once."""
    return run.model_copy(update={"results": tuple(results)})


def targets(run: Run) -> Sequence[TargetView]:
    """Every target of a run, beside the audit its apply started from."""
    before = {result.target: result for result in run.before} if run.kind is not RunKind.AUDIT else {}
    return [TargetView(run, result, before.get(result.target)) for result in run.results]


def worst_first(entry: Entry) -> int:
    """A key that sorts by severity."""
    return _WORST_FIRST.index(entry.record.severity)


def by_role(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Entries under the role that would remedy them."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.record.role, []).append(entry)
    return grouped


def by_hold(findings: Iterable[Finding]) -> Mapping[str, Sequence[str]]:
    """Why remedies are held back, and how to go on → the controls it is about; what a waiver covers needs neither."""
    grouped: dict[str, list[str]] = {}
    for finding in findings:
        if finding.held_back and finding.is_failing:
            grouped.setdefault(finding.held_back.words, []).append(finding.control)
    return grouped


def by_severity(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Entries under their severity, the worst first."""
    grouped: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=worst_first):
        grouped.setdefault(entry.record.severity.value, []).append(entry)
    return grouped


def by_reason(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Entries under their reason: one cause is told once."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.finding.reason, []).append(entry)
    return grouped


def percent(value: Score) -> int | None:
    """Whole percent, rounded down: 100 means all."""
    return None if value.percent is None else math.floor(value.percent)


def score_words(value: Score) -> str:
    """``41 of 50, 82 %``."""
    return f"{value.compliant} of {value.scored}" + ("" if value.scored == 0 else f", {percent(value)} %")


def outcome_words(finding: Finding) -> str:
    """The outcome, and the waiver that covers it."""
    return f"{finding.outcome.value}, waived by {finding.waiver}" if finding.waiver else finding.outcome.value


def waiver_words(waiver: Waiver) -> str:
    """Who answers for a deviation, why, and until when."""
    ticket = f", ticket {waiver.ticket}" if waiver.ticket else ""
    return (
        f"waiver {waiver.id} ({waiver.kind.value}): {waiver.reason}; approved by {waiver.approved_by}, "
        f"until {moment(waiver.expires)}{ticket}"
    )


def ended_waivers(run: Run) -> Sequence[str]:
    """A sentence for each waiver that had expired when the run started, and so counted no more."""
    ended = [waiver for waiver in run.waivers if waiver.expires <= run.started]
    return [f"waiver {waiver.id} expired at {moment(waiver.expires)} and counts no more" for waiver in ended]


def narrowed_words(scope: Scope) -> str:
    """That a run is not about all targets, or is told in part; nothing where it is about all."""
    asked = f"limited to {on_one_line(scope.limit, LONGEST_PATTERN)}" if scope.limit else ""
    shown = f"only those named {on_one_line(scope.excerpt, LONGEST_PATTERN)} are shown" if scope.excerpt else ""
    return ", ".join(part for part in (asked, shown) if part)


def moment(when: datetime) -> str:
    """An instant as people in any place read it."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def on_one_line(text: str, limit: int) -> str:
    """Text without line breaks and control characters, cut where it gets too long to be read."""
    cut = " ".join(text[: 4 * limit].split())
    rest = len(text) - limit if len(text) > 4 * limit else len(cut) - limit
    return visible(cut) if rest <= 0 else f"{visible(cut[:limit])} [{rest} more characters]"


def value_words(value: JsonValue, limit: int) -> str:
    """An observed value on one line, in the words expectations use."""
    return on_one_line(_shown(value), limit)


def _shown(value: JsonValue) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value) or "none"
    return str(value) or "empty"


def disruption_words(disruption: str) -> str:
    """What a remedy does to a running host."""
    return {
        "none": "disturbs nothing",
        "restart": "restarts or stops something",
        "removal": "removes a package",
        "reboot": "takes effect after a reboot",
        "lockout": "can cut you off",
    }[disruption]
