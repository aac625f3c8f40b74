"""The lines for what collects logs: each says all it needs, fits the published schema, and loses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import given

from hardener.model import Finding, Outcome, Run, TargetResult
from hardener.reports import ndjson
from tests.unit.waivers import waiver

from .conftest import run, soft, text_of
from .test_json import FINDINGS

PUBLISHED = Path(__file__).parents[3] / "docs" / "schemas" / "finding-1.schema.json"


def lines(sample: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text_of(sample, "ndjson").splitlines()]


def fits(line: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text("utf-8"))).is_valid(line)


def test_every_finding_is_a_line_of_the_published_form(audit_run: Run, apply_run: Run) -> None:
    for sample in (audit_run, apply_run):
        found = lines(sample)
        assert [(line["target"]["name"], line["control"]["id"]) for line in found] == [
            (result.target, finding.control) for result in sample.results for finding in result.findings
        ]
        assert all(map(fits, found))


def test_a_line_says_all_it_needs() -> None:
    line = lines(run(soft(groups=("all",))))[2]
    assert line == {
        "schema": "hardener-finding/1",
        "run": {
            "id": "20261121T050000Z-9f3a",
            "kind": "audit",
            "started": "2026-11-21T05:00:00Z",
            "profile": "cis-level2",
            "tool_version": "0.1.0",
        },
        "target": {
            "name": "soft",
            "groups": ["all"],
            "platform": "debian 12",
            "machine_id": "0123456789abcdef",
            "problem": None,
        },
        "control": {
            "id": "kernel-aslr",
            "title": "The title of kernel-aslr",
            "role": "kernel",
            "level": 2,
            "severity": "medium",
            "references": {"cis-debian12": ["1.2.3"]},
            "remedy": "What the role does about kernel-aslr.",
        },
        "finding": {
            "outcome": "fail",
            "is_failing": True,
            "observed": {"now": 2, "after reboot": 0},
            "expected": "2",
            "reason": "after reboot: is 0",
        },
        "waiver": None,
    }


def test_a_waived_failure_brings_its_waiver() -> None:
    failure = Finding(control="kernel-aslr", outcome=Outcome.FAIL, observed=0, waiver="w")
    (line,) = lines(run(soft(findings=(failure,)), waivers=(waiver(),)))
    assert line["waiver"]["approved_by"] == "bob"
    assert line["finding"]["is_failing"] is False
    assert fits(line)


def test_a_target_without_findings_is_not_lost() -> None:
    (line,) = lines(run(TargetResult(target="left out", problem="an earlier batch failed")))
    assert line["target"]["problem"] == "an earlier batch failed"
    assert (line["control"], line["finding"]) == (None, None)
    assert fits(line)


@given(finding=FINDINGS)
def test_any_finding_is_read_back_as_it_was(finding: Finding) -> None:
    (line,) = lines(run(soft(findings=(finding,))))
    assert fits(line)
    assert {name: line["finding"][name] for name in ("observed", "expected", "reason")} == finding.model_dump(
        mode="json", include={"observed", "expected", "reason"}
    )


def test_the_published_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(ndjson.schema()))
