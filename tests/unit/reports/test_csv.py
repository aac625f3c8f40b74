"""The table for spreadsheets: RFC 4180, one row a finding, every column documented, and no formula in it."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardener.model import Finding, Outcome, Run, TargetResult
from hardener.reports.rows import COLUMNS, begins_formula, cell, without_formulas
from tests.unit.waivers import waiver

from .conftest import CONTROLS, dead, findings, run, soft, text_of, unchecked

PAGE = Path(__file__).parents[3] / "docs" / "reports.md"


def rows(sample: Run) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(sample, "csv"), newline=""), strict=True))


def test_every_finding_has_a_row(audit_run: Run) -> None:
    found = rows(audit_run)
    assert [(row["target"], row["control"]) for row in found] == [
        (result.target, finding.control) for result in audit_run.results for finding in result.findings
    ]
    assert len(found) == 2 * len(CONTROLS)


def test_a_row_says_all_it_needs() -> None:
    sample = run(soft(groups=("all", "web")))
    assert rows(sample)[2] == {
        "run": "20261121T050000Z-9f3a",
        "started": "2026-11-21T05:00:00Z",
        "target": "soft",
        "groups": "all web",
        "platform": "debian 12",
        "machine_id": "0123456789abcdef",
        "problem": "",
        "control": "kernel-aslr",
        "title": "The title of kernel-aslr",
        "role": "kernel",
        "level": "2",
        "severity": "medium",
        "references": "cis-debian12 1.2.3",
        "outcome": "fail",
        "failing": "yes",
        "observed": "now: 2, after reboot: 0",
        "expected": "2",
        "reason": "after reboot: is 0",
        "remedy": "What the role does about kernel-aslr.",
        "waiver": "",
        "waiver_reason": "",
        "waiver_approved_by": "",
        "waiver_expires": "",
    }


def test_a_waived_failure_names_who_answers_for_it() -> None:
    failure = Finding(control="kernel-aslr", outcome=Outcome.FAIL, observed=0, waiver="w")
    (row,) = rows(run(soft(findings=(failure,)), waivers=(waiver(),)))
    assert (row["outcome"], row["failing"], row["remedy"]) == ("fail", "no", "")
    assert [row[name] for name in COLUMNS if name.startswith("waiver")] == [
        "w",
        "The old clients need it.",
        "bob",
        "2027-03-01T00:00:00Z",
    ]


def test_a_target_without_findings_is_not_lost() -> None:
    (row,) = rows(run(TargetResult(target="left out", problem="an earlier batch failed")))
    assert (row["target"], row["problem"], row["control"]) == ("left out", "an earlier batch failed", "")


def test_what_nobody_could_look_at_says_so() -> None:
    row = rows(run(dead()))[0]
    assert (row["outcome"], row["reason"], row["platform"]) == ("error", "no connection: connection refused", "")


def test_lines_end_and_are_quoted_as_rfc_4180_says(audit_run: Run) -> None:
    text = text_of(audit_run, "csv")
    field = r'(?:[^",\r\n]*|"(?:[^"]|"")*")'
    assert re.fullmatch(rf"(?:{field}(?:,{field}){{{len(COLUMNS) - 1}}}\r\n)+", text)
    assert text.startswith(",".join(COLUMNS) + "\r\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ("a; =1", "a; '=1"),
        ("a=1", "a=1"),
        ("a, -b", "a, -b"),
    ],
)
def test_what_would_be_a_formula_has_an_apostrophe_before_it(text: str, told: str) -> None:
    assert without_formulas(text) == told


@given(st.text(alphabet="=+-@; a'\uff1d", max_size=12).map(cell))
def test_no_text_stays_a_formula(text: str) -> None:
    told = without_formulas(text)
    assert isinstance(told, str)
    assert not [part for part in told.split(";") if begins_formula(part.lstrip())]
    assert told.replace("'", "") == text.replace("'", "")


def test_formulas_of_a_host_are_inert_in_every_column() -> None:
    evil = "=HYPERLINK(0)"
    seen = findings(
        sshd_maxauthtries=Finding(control="sshd-maxauthtries", outcome=Outcome.FAIL, observed=evil, reason=evil)
    )
    for row in rows(unchecked(run(soft(evil, findings=seen, groups=(evil,), problem=evil)), id=evil)):
        assert not [name for name, text in row.items() if text.startswith("=")]


def test_the_documentation_tells_every_column() -> None:
    told = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [item for item in told if item[0] in COLUMNS] == list(COLUMNS.items())
