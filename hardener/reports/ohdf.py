"""A run as OHDF, InSpec's exec-json, as MITRE's Heimdall opens it: one profile a target, and one that joins them.

A profile a target, and not a result a target within one control, because Heimdall gives a control one status: a waiver
or a trait of one target would speak for all the others. Profiles that nothing joins it takes for overlays of each other
and shows the outcomes of the first one for all. What was not selected is left out, as InSpec does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hardener.model import ControlRecord, Finding, Outcome, Platform, Run, Severity, TargetResult, Waiver
from hardener.reports.arranged import narrowed_words
from hardener.reports.interchange import (
    TOOL,
    encoded,
    instant,
    observed_words,
    references_words,
    streamed,
    waived_words,
    waivers_by_id,
    words,
)

IMPACTS = {Severity.HIGH: 0.7, Severity.MEDIUM: 0.5, Severity.LOW: 0.3}
"""The lowest impact that InSpec calls by the severity's name."""
STATUSES = {
    Outcome.PASS: "passed",
    Outcome.FIXED: "passed",
    Outcome.FAIL: "failed",
    Outcome.ERROR: "error",
    Outcome.UNKNOWN: "error",
}
"""All others are ``skipped``: a person has to look, or the control does not apply."""

NOTHING: Mapping[str, Any] = {"supports": [], "attributes": [], "groups": [], "controls": []}
"""What a profile must have, where it has none of it."""


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The run as exec-json; the same run gives the same bytes."""
    seen: dict[str, Platform | None] = {}
    head = {"version": run.tool_version, "statistics": {"duration": (run.finished - run.started).total_seconds()}}
    yield from streamed(head, "profiles", _profiles(run, results, seen))
    yield b',"platform":' + encoded(_platform(seen)) + b"}\n"


def _profiles(run: Run, results: Iterable[TargetResult], seen: dict[str, Platform | None]) -> Iterator[object]:
    """A profile a target, then the one that joins them; and in ``seen`` what each target runs."""
    waivers = waivers_by_id(run)
    for result in results:
        seen[result.target] = result.facts.platform if result.facts else None
        yield _profile(run, result, waivers)
    depends = [{"name": words(target)} for target in seen]
    yield {**_named(run, _joining(run), run.profile), "depends": depends, **NOTHING}


def _joining(run: Run) -> str:
    return words(f"{run.kind.value} {run.id}")


def _named(run: Run, name: str, title: str) -> Mapping[str, Any]:
    """What every profile says of itself."""
    known = [told for told in (narrowed_words(run.scope), *run.limitations) if told]
    narrowed = "".join(f", {told}" for told in known)
    return {
        "name": name,
        "title": words(title),
        "version": run.tool_version,
        "maintainer": TOOL,
        "summary": words(f"{run.kind.value} {run.id} by {run.operator}{narrowed}"),
        "sha256": hashlib.sha256(f"{run.id}\n{name}".encode()).hexdigest(),
    }


def _platform(seen: Mapping[str, Platform | None]) -> Mapping[str, str]:
    """What the file as a whole is about: one target by its name, several by what they have in common."""
    common = set(seen.values())
    platform = common.pop() if len(common) == 1 else None
    name, release = (platform.family, platform.release) if platform else ("several" if common else "unknown", "")
    told = {"name": words(name), "release": words(release) if release else ""}
    return {**told, "target_id": words(next(iter(seen)))} if len(seen) == 1 else told


def _profile(run: Run, result: TargetResult, waivers: Mapping[str, Waiver]) -> Mapping[str, Any]:
    findings = [finding for finding in result.findings if finding.outcome is not Outcome.NOTSELECTED]
    problem = {"status": "failed", "status_message": words(result.problem)} if result.problem else {"status": "loaded"}
    return {
        **_named(run, words(result.target), f"{result.target}: {run.profile}"),
        "parent_profile": _joining(run),
        **NOTHING,
        **problem,
        "supports": _supports(result),
        "groups": _groups(run, findings),
        "controls": [
            _control(run, result, finding, waivers.get(finding.waiver) if finding.waiver else None)
            for finding in findings
        ],
    }


def _supports(result: TargetResult) -> Sequence[Mapping[str, str]]:
    if result.facts is None:
        return []
    platform = result.facts.platform
    return [{"platform-name": words(platform.family), "release": words(platform.release)}]


def _groups(run: Run, findings: Sequence[Finding]) -> Sequence[Mapping[str, Any]]:
    """A group for each role."""
    by_role: dict[str, list[str]] = {}
    for finding in findings:
        by_role.setdefault(run.controls[finding.control].role, []).append(finding.control)
    return [{"id": role, "title": role, "controls": controls} for role, controls in by_role.items()]


def _control(run: Run, result: TargetResult, finding: Finding, waiver: Waiver | None) -> Mapping[str, Any]:
    record = run.controls[finding.control]
    return {
        "id": record.id,
        "title": words(record.title),
        "desc": words(record.why),
        "descriptions": [
            {"label": "check", "data": f"Expected: {words(finding.expected)}"},
            {"label": "fix", "data": words(record.remedy)},
        ],
        # An impact of nothing is how Heimdall knows what does not apply.
        "impact": 0.0 if finding.outcome is Outcome.NOTAPPLICABLE else IMPACTS[record.severity],
        "refs": [{"ref": words(reference)} for reference in references_words(record.references)],
        "tags": _tags(record),
        "code": "\n".join(words(command) for command in finding.questions),
        "source_location": {},
        "waiver_data": _waiver_data(waiver) if waiver else {},
        "results": [_result(run, result, record, finding)],
    }


def _tags(record: ControlRecord) -> Mapping[str, Any]:
    """What Heimdall filters by; ``nist`` is what its tree is made of."""
    nist = [words(number) for number in record.references.get("nist-800-53", ())]
    return {
        **({"nist": nist} if nist else {}),
        "severity": record.severity.value,
        "level": record.level,
        "role": record.role,
    }


def _waiver_data(waiver: Waiver) -> Mapping[str, Any]:
    """``run``: it was looked at all the same; ``skipped_due_to_waiver``: its failure does not count."""
    return {
        "expiration_date": instant(waiver.expires),
        "justification": waived_words(waiver),
        "message": waived_words(waiver),
        "run": True,
        "skipped_due_to_waiver": True,
    }


def _result(run: Run, result: TargetResult, record: ControlRecord, finding: Finding) -> Mapping[str, Any]:
    status = STATUSES.get(finding.outcome, "skipped")
    reason = words(finding.reason or f"observed {observed_words(finding)}")
    return {
        "status": status,
        "code_desc": f"{words(result.target)}: {words(record.title)}",
        "message": f"{finding.outcome.value}: observed {observed_words(finding)}; {reason}",
        **({"skip_message": f"{finding.outcome.value}: {reason}"} if status == "skipped" else {}),
        # All questions of a target are asked in one round trip, and no control has a time of its own.
        "run_time": 0.0,
        "start_time": instant(run.started),
    }
