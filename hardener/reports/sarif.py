"""A run as SARIF 2.1.0, for code scanning: one result a control for all its targets, and nothing for what holds.

GitHub takes every result for a problem, whatever its kind, so only failures and what could not be looked at are
results; how many targets each outcome has stands beside the rule. What its limits cut is counted in the file. There is
no ``baselineState``: one run says nothing about another, and ``hardener drift -f sarif`` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hardener.model import ControlRecord, Finding, Outcome, Run, Severity, TargetResult, Waiver, counted
from hardener.reports.arranged import narrowed_words, on_one_line
from hardener.reports.interchange import (
    TOOL,
    encoded,
    instant,
    references_words,
    streamed,
    waived_words,
    waivers_by_id,
    words,
)

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
MOST_LOCATIONS = 1000
MOST_TAGS = 10
"""Of one result, and of one rule, as GitHub takes them; of the locations it shows a tenth."""
BYTES_OF_LOCATIONS = 9_000_000
"""Of all results together: the file stays under GitHub's 10 MB whatever gzip makes of it."""
LONGEST_REASON = 200
LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
SECURITY_SEVERITIES = {Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "3.0"}
"""As GitHub ranks alerts: the middle of what CVSS calls high, medium and low."""


@dataclass(frozen=True)
class Kind:
    """Findings of a control that make one result."""

    name: str
    kind: str
    says: str


FAILING = Kind("failing", "fail", "Not as expected on {} of {}.")
UNSEEN = Kind("unseen", "open", "Could not be looked at on {} of {}.")
WAIVED = Kind("waived", "fail", "Not as expected, and waived, on {} of {}.")


@dataclass
class Gathered:
    """What one kind of findings of one control has come to, over all targets so far."""

    targets: int = 0
    told: list[tuple[str, str]] = field(default_factory=list)
    """The first of them, each with its reason."""
    waivers: dict[str, None] = field(default_factory=dict)

    def add(self, target: str, reason: str) -> None:
        """One more target, told while there is room."""
        self.targets += 1
        if len(self.told) < MOST_LOCATIONS:
            self.told.append((target, reason))


@dataclass
class Tally:
    """All targets of a run by control: what a file holds does not grow with them beyond its limits."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    gathered: dict[tuple[str, Kind], Gathered] = field(default_factory=dict)
    problems: Gathered = field(default_factory=Gathered)
    targets: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    """Each reason once: most targets fail for the same ones."""

    def add(self, result: TargetResult) -> None:
        """One more target; what nobody could look at because of the whole target is one problem, not one a control."""
        self.targets += 1
        if result.problem is not None:
            self.problems.add(result.target, on_one_line(result.problem, LONGEST_REASON))
        for finding in result.findings:
            counts = self.outcomes.get(finding.control)
            if counts is None:
                counts = self.outcomes[finding.control] = Counter()
            counts["waived" if finding.waiver else finding.outcome.value] += 1
            if finding.outcome is Outcome.FAIL or (finding.outcome.is_unknown and result.problem is None):
                self._gather(finding, result.target)

    def _gather(self, finding: Finding, target: str) -> None:
        kind = UNSEEN if finding.outcome.is_unknown else WAIVED if finding.waiver else FAILING
        gathered = self.gathered.setdefault((finding.control, kind), Gathered())
        reason = ""
        if len(gathered.told) < MOST_LOCATIONS:
            reason = on_one_line(finding.reason, LONGEST_REASON)
            reason = self.reasons.setdefault(reason, reason)
        gathered.add(target, reason)
        if finding.waiver:
            gathered.waivers[finding.waiver] = None


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The run as a SARIF log; the same run gives the same bytes."""
    tally = Tally()
    for result in results:
        tally.add(result)
    yield b"{\n" + encoded({"version": "2.1.0", "$schema": SCHEMA, "runs": []})[1:-2]
    cut: Counter[str] = Counter()
    yield from streamed(_head(run, tally), "results", _results(run, tally, cut))
    properties = {
        "run": run.id,
        "kind": run.kind.value,
        "profile": words(run.profile),
        "targets": tally.targets,
        "narrowed": words(narrowed_words(run.scope)),
        "limitations": [words(sentence) for sentence in run.limitations],
        "locationsLeftOut": cut.total(),
    }
    yield b',"properties":' + encoded(properties) + b"}]}\n"


def _head(run: Run, tally: Tally) -> Mapping[str, Any]:
    rules = [
        rule(record, outcomes=dict(sorted(tally.outcomes.get(record.id, {}).items())))
        for record in run.controls.values()
    ]
    notifications = [
        {"level": "error", "message": message(reason), "locations": [location(target)]}
        for target, reason in tally.problems.told
    ]
    rest = tally.problems.targets - len(notifications)
    if rest:
        notifications.append({"level": "error", "message": message(f"{rest} more targets had a problem.")})
    return {
        "tool": {"driver": {"name": TOOL, "version": run.tool_version, "rules": rules}},
        "automationDetails": {"id": f"{TOOL}/{quote(words(run.profile), safe='')}/{run.id}"},
        "columnKind": "utf16CodeUnits",
        "invocations": [
            {
                "executionSuccessful": not notifications,
                "startTimeUtc": instant(run.started),
                "endTimeUtc": instant(run.finished),
                "account": words(run.operator),
                "toolExecutionNotifications": notifications,
            }
        ],
    }


def rule(record: ControlRecord, **properties: object) -> Mapping[str, Any]:
    """A control as code scanning knows what it looks for."""
    tags = ["security", record.role, f"level-{record.level}", *references_words(record.references)]
    return {
        "id": record.id,
        "shortDescription": message(record.title),
        "fullDescription": message(record.why),
        "help": message(f"{record.why} Remedy: {record.remedy}"),
        "defaultConfiguration": {"level": LEVELS[record.severity]},
        "properties": {
            "tags": [words(tag) for tag in tags[:MOST_TAGS]],
            "security-severity": SECURITY_SEVERITIES[record.severity],
            **properties,
        },
    }


def _results(run: Run, tally: Tally, cut: Counter[str]) -> Iterator[Mapping[str, Any]]:
    """By control, then by kind; each has an equal share of the room for locations, and what it lacks is counted."""
    waivers = waivers_by_id(run)
    share = BYTES_OF_LOCATIONS // max(1, len(tally.gathered))
    for number, record in enumerate(run.controls.values()):
        for kind in (FAILING, UNSEEN, WAIVED):
            if (gathered := tally.gathered.get((record.id, kind))) is None:
                continue
            locations = _locations(gathered.told, share)
            cut[record.id] += gathered.targets - len(locations)
            yield {
                "ruleId": record.id,
                "ruleIndex": number,
                "kind": kind.kind,
                "level": LEVELS[record.severity] if kind.kind == "fail" else "none",
                "message": message(_told(record, kind, gathered, len(locations), tally.targets)),
                "locations": locations,
                "partialFingerprints": {"primaryLocationLineHash": f"{record.id}/{kind.name}:1"},
                "properties": {"targets": gathered.targets, "locationsLeftOut": gathered.targets - len(locations)},
                **_suppressions([waivers[name] for name in gathered.waivers]),
            }


def _told(record: ControlRecord, kind: Kind, gathered: Gathered, listed: int, targets: int) -> str:
    told = f"{record.title}. {kind.says.format(gathered.targets, counted(targets, 'target'))}"
    return told if listed == gathered.targets else f"{told} The first {listed} are listed."


def _locations(told: Sequence[tuple[str, str]], share: int) -> list[Mapping[str, Any]]:
    """As many as fit into the share, at least one: GitHub takes no result without."""
    found: list[Mapping[str, Any]] = []
    for target, reason in told:
        place = {**location(target), "message": message(reason)}
        share -= len(encoded(place))
        if found and share < 0:
            break
        found.append(place)
    return found


def location(target: str) -> dict[str, Any]:
    """A target as the artifact that GitHub wants a location to be."""
    uri = f"targets/{quote(target, safe='', errors='backslashreplace')}"
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}}


def _suppressions(waivers: Sequence[Waiver]) -> Mapping[str, Any]:
    told = [{"kind": "external", "status": "accepted", "justification": waived_words(waiver)} for waiver in waivers]
    return {"suppressions": told} if told else {}


def message(text: str) -> Mapping[str, str]:
    """Text in which no bracket makes a link and no brace a place holder."""
    literal = words(text)
    for active, written in (("\\", "\\\\"), ("[", "\\["), ("]", "\\]"), ("{", "{{"), ("}", "}}")):
        literal = literal.replace(active, written)
    return {"text": literal}
