"""A run for build servers: a suite is a target, a case is a control; what could not be looked at is an error.

The elements and attributes are those that both Ant's and Jenkins' descriptions of such files have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from html import escape

from hardener.model import ControlRecord, Finding, Outcome, Run, TargetResult
from hardener.reports.arranged import UNSEEN, narrowed_words, on_one_line, value_words, waiver_words

LONGEST = 2000
"""Letters of one text."""


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """One suite after the other; the same run gives the same bytes."""
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    waivers = {waiver.id: f"waived: {waiver_words(waiver)}" for waiver in run.waivers}
    for number, result in enumerate(results):
        yield "".join(_suite(run, result, number, waivers)).encode()
    yield b"</testsuites>\n"


def _suite(run: Run, result: TargetResult, number: int, waivers: Mapping[str, str]) -> Iterator[str]:
    name = _line(result.target)
    cases = [
        _case(name, record.role, record.id, _verdict(record, finding, waivers))
        for finding in result.findings
        for record in (run.controls[finding.control],)
    ]
    if result.problem and not result.count(*UNSEEN):
        # A target that nobody could change, or that has no finding at all, must not look as if it were well.
        cases.append(_case(name, "target", "problem", _inside("error", "problem", result.problem)))
    attributes = {
        "name": name,
        "package": _line(run.profile),
        "id": number,
        "hostname": name,
        "timestamp": f"{run.started.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "time": f"{result.seconds:.3f}",
        "tests": len(cases),
        "failures": sum("<failure" in case for case in cases),
        "errors": sum("<error" in case for case in cases),
        "skipped": sum("<skipped" in case for case in cases),
    }
    yield f"<testsuite{_attributes(attributes)}>\n<properties>\n"
    for key, value in _properties(run, result).items():
        yield f"<property{_attributes({'name': key, 'value': value})}/>\n"
    yield "</properties>\n"
    yield from cases
    yield f"<system-out></system-out>\n<system-err>{escape(_line(result.problem or ''))}</system-err>\n</testsuite>\n"


def _properties(run: Run, result: TargetResult) -> Mapping[str, str]:
    facts = result.facts
    seen = {"platform": facts.system, "machine_id": facts.machine_id} if facts else {}
    words = {"run": run.id, "tool_version": run.tool_version, "groups": " ".join(result.groups), **seen}
    if narrowed := narrowed_words(run.scope):
        words["narrowed"] = narrowed
    return {name: _line(text) for name, text in words.items()}


def _verdict(record: ControlRecord, finding: Finding, waivers: Mapping[str, str]) -> str:
    """What a case has in it; nothing where the control holds."""
    if finding.waiver:
        return _inside("skipped", "", waivers[finding.waiver])
    if finding.outcome is Outcome.FAIL:
        words = (
            f"observed: {value_words(finding.observed, LONGEST)}",
            f"expected: {_line(finding.expected)}",
            f"remedy: {_line(record.remedy)}",
        )
        return _inside("failure", record.severity.value, finding.reason, "\n".join(words))
    if finding.outcome in UNSEEN:
        return _inside("error", finding.outcome.value, finding.reason)
    return "" if finding.outcome.is_compliant else _inside("skipped", "", f"{finding.outcome.value}: {finding.reason}")


def _inside(tag: str, kind: str, message: str, text: str = "") -> str:
    attributes = {"type": kind, "message": _line(message)} if kind else {"message": _line(message)}
    return f"<{tag}{_attributes(attributes)}>{escape(text)}</{tag}>"


def _case(target: str, role: str, name: str, inside: str) -> str:
    attributes = {"classname": f"{target}.{role}", "name": name, "time": "0"}
    return f"<testcase{_attributes(attributes)}>{inside}</testcase>\n"


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f' {name}="{escape(str(value))}"' for name, value in values.items())


def _line(text: str) -> str:
    """Text of which no letter is forbidden in XML."""
    return on_one_line(text, LONGEST)
