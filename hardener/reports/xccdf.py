"""A run as XCCDF 1.2: a Benchmark of the controls, and after them a TestResult for each target.

One Benchmark with its TestResults, and not ARF, because it is what ``oscap`` and other readers of results open, needs
no file beside it, and is written target by target.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape

from hardener.model import ControlRecord, Finding, Outcome, Run, Score, TargetResult, Waiver, score
from hardener.reports.arranged import narrowed_words
from hardener.reports.interchange import (
    TOOL,
    instant,
    observed_words,
    references_words,
    waived_words,
    waivers_by_id,
    words,
)

NAMESPACE = "http://checklists.nist.gov/xccdf/1.2"
FLAT = "urn:xccdf:scoring:flat-unweighted"
FLAT_WITHOUT_WAIVERS = f"urn:{TOOL}:scoring:without-waivers"
QUESTIONS = f"urn:{TOOL}:questions"
LONGEST_NAME = 200
"""Letters of a name that an id has."""
SEVERITIES = {Outcome.FAIL: "warning", Outcome.ERROR: "error", Outcome.UNKNOWN: "error"}
"""Of the message that gives the reason of an outcome; ``info`` for the others."""


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The run as one document; the same run gives the same bytes."""
    waivers = waivers_by_id(run)
    benchmark, narrowed = _id("benchmark", run.profile), narrowed_words(run.scope)
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<Benchmark xmlns="{NAMESPACE}" id="{benchmark}">\n'.encode()
    yield _lines(
        _element("status", "accepted"),
        _element("title", _text(f"{TOOL}: {run.profile}")),
        *([_element("description", _text(f"Not all targets: {narrowed}."))] if narrowed else []),
        _element("version", _text(run.tool_version)),
        _element("Profile", _element("title", _text(run.profile)), id=_id("profile", run.profile)),
    )
    yield _lines(*_groups(run))
    for result in results:
        yield from _test_result(run, result, waivers)
    yield b"</Benchmark>\n"


def _groups(run: Run) -> Iterator[str]:
    """A group for each role, with a rule for each of its controls."""
    by_role: dict[str, list[str]] = {}
    for record in run.controls.values():
        by_role.setdefault(record.role, []).append(_rule(record))
    for role, rules in by_role.items():
        yield _element("Group", _element("title", _text(role)), *rules, id=_id("group", role))


def _rule(record: ControlRecord) -> str:
    return _element(
        "Rule",
        _element("title", _text(record.title)),
        *(_element("reference", _text(reference)) for reference in references_words(record.references)),
        _element("rationale", _text(record.why)),
        _element("fixtext", _text(record.remedy)),
        id=_id("rule", record.id),
        severity=record.severity.value,
    )


def _test_result(run: Run, result: TargetResult, waivers: Mapping[str, Waiver]) -> Iterator[bytes]:
    digest = hashlib.sha256(result.target.encode()).hexdigest()[:16]
    yield (
        f'<TestResult id="{_id("testresult", f"{run.id}.{digest}")}" start-time="{instant(run.started)}"'
        f' end-time="{instant(run.finished)}" version="{_text(run.tool_version)}"'
        f' test-system="{TOOL} {_text(run.tool_version)}">\n'
    ).encode()
    yield _lines(
        _element("title", _text(f"{run.kind.value} {run.id} of {result.target}")),
        _identity(run, result),
        _element("profile", idref=_id("profile", run.profile)),
        _element("target", _text(result.target)),
        _element("target-facts", *_facts(result)),
        *(_rule_result(run, finding, waivers) for finding in result.findings),
        _score(FLAT, score(result.findings, with_waivers=True)),
        _score(FLAT_WITHOUT_WAIVERS, score(result.findings, with_waivers=False)),
    )
    yield b"</TestResult>\n"


def _identity(run: Run, result: TargetResult) -> str:
    """The account that asked: the one that logged in on the target, or who started the run where nobody got in."""
    if (facts := result.facts) is None:
        return _element("identity", _text(run.operator), authenticated="false", privileged="false")
    return _element(
        "identity", _text(facts.operator), authenticated="true", privileged="true" if facts.is_root else "false"
    )


def _facts(result: TargetResult) -> Iterator[str]:
    """What the target says of itself, under the names of XCCDF's own where there is one."""
    yield _fact("urn:xccdf:fact:asset:identifier:host_name", result.target)
    if (facts := result.facts) is not None:
        yield _fact(f"urn:{TOOL}:fact:platform", facts.system)
        yield _fact(f"urn:{TOOL}:fact:kernel", facts.kernel)
        yield _fact(f"urn:{TOOL}:fact:machine-id", facts.machine_id)
        yield _fact(f"urn:{TOOL}:fact:traits", ", ".join(sorted(facts.traits)))
    yield _fact(f"urn:{TOOL}:fact:groups", ", ".join(result.groups))
    if result.problem is not None:
        yield _fact(f"urn:{TOOL}:fact:problem", result.problem)


def _fact(name: str, value: str) -> str:
    return _element("fact", _text(value), name=name, type="string")


def _rule_result(run: Run, finding: Finding, waivers: Mapping[str, Waiver]) -> str:
    waiver = waivers[finding.waiver] if finding.waiver else None
    outcome = finding.outcome.value
    return _element(
        "rule-result",
        # Informational is what was looked at and does not count: what waivers do to a score.
        _element("result", Outcome.INFORMATIONAL.value if waiver else outcome),
        *([_override(outcome, waiver)] if waiver else []),
        *([_message(finding)] if finding.reason else []),
        _check(finding),
        idref=_id("rule", finding.control),
        time=instant(run.finished),
        severity=run.controls[finding.control].severity.value,
    )


def _override(outcome: str, waiver: Waiver) -> str:
    return _element(
        "override",
        _element("old-result", outcome),
        _element("new-result", Outcome.INFORMATIONAL.value),
        _element("remark", escape(waived_words(waiver))),
        time=instant(waiver.effective),
        authority=_text(waiver.approved_by),
    )


def _message(finding: Finding) -> str:
    return _element("message", _text(finding.reason), severity=SEVERITIES.get(finding.outcome, "info"))


def _check(finding: Finding) -> str:
    """What was observed, what was expected, and the commands it rests on."""
    return _element(
        "check",
        _element("check-import", escape(observed_words(finding)), **{"import-name": "observed"}),
        _element("check-import", _text(finding.expected), **{"import-name": "expected"}),
        _element("check-content", "\n".join(_text(command) for command in finding.questions)),
        system=QUESTIONS,
    )


def _score(system: str, value: Score) -> str:
    return _element("score", str(value.compliant), system=system, maximum=str(value.scored))


def _id(kind: str, name: str) -> str:
    """A name as XCCDF writes ids, which are never empty; letters that an id must not have become points."""
    told = re.sub(r"[^A-Za-z0-9._-]", ".", name[:LONGEST_NAME])
    return f"xccdf_{TOOL}_{kind}_{told or '.'}"


def _text(text: str) -> str:
    return escape(words(text))


def _element(tag: str, *content: str, **attributes: str) -> str:
    """An element of texts and elements that are escaped already."""
    told = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{tag}{told}>{''.join(content)}</{tag}>"


def _lines(*elements: str) -> bytes:
    return "".join(f"{element}\n" for element in elements).encode()
