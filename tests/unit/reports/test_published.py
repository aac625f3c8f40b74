"""Formats of other tools hold to their schemas, whatever a run contains; and the schemas refuse what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardener import reports
from hardener.model import Answer, Finding, Outcome, Run, RunKind, Scope, TargetResult, Transcript, WaiverKind
from tests.unit.waivers import waiver

from .conftest import CONTROLS, SSHD, dead, findings, run, soft, unchecked
from .published import refused

NAMES = ["ohdf", "oscal", "sarif", "xccdf"]
WAIVERS = tuple(waiver(kind.value, kind=kind, ticket="T-1") for kind in WaiverKind)
HOSTILE = "<script>alert(1)</script>]]> &amp; [x](http://e) {0} =cmd() \x1b[31m\x00\x07\ufffe\u202e`a` *b* \\ \n\r\t\"'"

LONG = "x" * 1_000_000


def finding(control: str, outcome: Outcome, text: str = "", **changes: object) -> Finding:
    fields = {"observed": text, "expected": text, "reason": text, "questions": (SSHD,)}
    return Finding(control=control, outcome=outcome, **{**fields, **changes})


def every_outcome(text: str = "words") -> tuple[Finding, ...]:
    return tuple(finding(control, outcome, text) for control, outcome in zip(CONTROLS, Outcome, strict=True))


def waived() -> tuple[Finding, ...]:
    return tuple(
        finding(control, Outcome.FAIL, "is so", waiver=item.id)
        for control, item in zip(CONTROLS, WAIVERS, strict=False)
    )


SAID = Answer(exit_status=0, stdout=HOSTILE.encode(), stderr=b"\xff\xfe")
RUNS: Mapping[str, Run] = {
    "an audit": run(soft(), dead()),
    "every outcome": run(soft(findings=every_outcome())),
    "every kind of waiver": run(soft(findings=waived()), soft("other"), waivers=WAIVERS),
    "hostile text": run(
        unchecked(
            soft(findings=every_outcome(HOSTILE), transcript=Transcript(answers={SSHD: SAID})),
            target=HOSTILE,
            groups=(HOSTILE,),
        ),
        profile=HOSTILE,
        operator=HOSTILE,
        scope=Scope(inventories=(HOSTILE,), limit=HOSTILE),
    ),
    "long text": run(unchecked(soft(findings=every_outcome(LONG)), target=LONG), profile=LONG, operator=LONG),
    "empty text": run(unchecked(soft(findings=every_outcome("")), target="", groups=("",)), operator="", profile=""),
    "a target of which nothing is known": run(TargetResult(target="dark", problem="no route")),
    "no control": run(TargetResult(target="dark"), controls={}),
    "an apply": run(soft(), kind=RunKind.APPLY, before=(soft(),)),
}


def told(sample: Run, name: str) -> bytes:
    return b"".join(reports.render(sample, sample.results, name))


@pytest.mark.parametrize("sample", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("name", NAMES)
def test_the_schema_refuses_nothing(name: str, sample: Run) -> None:
    assert refused(name, told(sample, name)) == []


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text())
def test_the_schema_refuses_no_text_of_a_target(name: str, text: str) -> None:
    seen = soft(findings=findings(sshd_maxauthtries=finding("sshd-maxauthtries", Outcome.FAIL, text)))
    sample = run(unchecked(seen, target=text))
    assert refused(name, told(sample, name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_same_run_gives_the_same_bytes(name: str) -> None:
    again = Run.model_validate_json(RUNS["an audit"].model_dump_json())
    assert told(again, name) == told(RUNS["an audit"], name)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_a_terminal_acts_on_is_written(name: str) -> None:
    text = told(RUNS["hostile text"], name).decode("utf-8")
    assert {letter for letter in text if not letter.isprintable()} <= {"\n"}


@pytest.mark.parametrize("name", NAMES)
def test_a_long_text_is_cut(name: str) -> None:
    text = told(run(soft(findings=every_outcome(LONG)), profile=LONG, operator=LONG), name)
    assert len(text) < 200_000


@dataclass
class Fleet:
    """Targets that are made one by one, and counts how many were asked for."""

    made: int = 0

    def __iter__(self) -> Fleet:
        return self

    def __next__(self) -> TargetResult:
        self.made += 1
        if self.made > 100:
            raise StopIteration
        return soft(f"t{self.made}")


@pytest.mark.parametrize("name", ["ohdf", "oscal", "xccdf"])
def test_a_target_is_written_before_the_next_is_asked_for(name: str) -> None:
    fleet = Fleet()
    for piece in reports.render(run(), fleet, name):
        if b"t1" in piece:
            break
    assert fleet.made <= 2


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("sarif", b'{"version":"2.1.0","runs":[{"results":[]}]}'),
        ("sarif", b'{"version":"2.1.0","runs":[],"surplus":1}'),
        ("oscal", b'{"assessment-results":{"uuid":"no","metadata":{},"import-ap":{"href":"#"},"results":[]}}'),
        ("ohdf", b'{"platform":{"name":"debian"},"profiles":[],"statistics":{},"version":"1"}'),
        ("xccdf", b'<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="x"/>'),
    ],
)
def test_the_schema_refuses_what_is_wrong(name: str, broken: bytes) -> None:
    assert refused(name, broken)


def test_text_stays_text_in_xml() -> None:
    document = ET.fromstring(told(RUNS["hostile text"], "xccdf"))
    assert "script" not in {element.tag.rpartition("}")[2] for element in document.iter()}
