"""A run as OHDF: what Heimdall makes of it is what the run says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hardener.model import Finding, Outcome, Platform, Run
from tests.unit.waivers import waiver

from .conftest import CONTROLS, SSHD, UNREACHABLE, dead, facts, findings, record, run, soft, text_of


def document(sample: Run) -> dict[str, Any]:
    body = json.loads(text_of(sample, "ohdf"))
    assert isinstance(body, dict)
    return body


def control_of(sample: Run, control: str) -> dict[str, Any]:
    (found,) = [item for item in document(sample)["profiles"][0]["controls"] if item["id"] == control]
    assert isinstance(found, dict)
    return found


def seen(outcome: Outcome, **changes: Any) -> Run:
    finding = Finding(control="sshd-maxauthtries", outcome=outcome, observed="6", **changes)
    return run(soft(findings=findings(sshd_maxauthtries=finding)), waivers=(waiver("w"),))


def status_in_heimdall(control: dict[str, Any]) -> str:
    """As Heimdall's reader decides it: errors first, then waivers and an impact of nothing."""
    statuses = [result["status"] for result in control["results"]]
    if "error" in statuses:
        return "Profile Error"
    if control["waiver_data"].get("skipped_due_to_waiver") or control["impact"] == 0:
        return "Not Applicable"
    return {"failed": "Failed", "passed": "Passed", "skipped": "Not Reviewed"}[statuses[0]]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.PASS, "Passed"),
        (Outcome.FIXED, "Passed"),
        (Outcome.FAIL, "Failed"),
        (Outcome.ERROR, "Profile Error"),
        (Outcome.UNKNOWN, "Profile Error"),
        (Outcome.NOTAPPLICABLE, "Not Applicable"),
        (Outcome.NOTCHECKED, "Not Reviewed"),
        (Outcome.INFORMATIONAL, "Not Reviewed"),
    ],
)
def test_an_outcome_has_the_status_that_means_it(outcome: Outcome, status: str) -> None:
    assert status_in_heimdall(control_of(seen(outcome), "sshd-maxauthtries")) == status


def test_what_was_not_selected_is_left_out() -> None:
    (target, _) = document(run(soft()))["profiles"]
    assert "accounts-late" not in {control["id"] for control in target["controls"]}
    assert "accounts-late" not in {name for group in target["groups"] for name in group["controls"]}


def test_a_waived_failure_stays_failed_and_does_not_count() -> None:
    control = control_of(seen(Outcome.FAIL, waiver="w"), "sshd-maxauthtries")
    assert control["results"][0]["status"] == "failed"
    assert status_in_heimdall(control) == "Not Applicable"
    assert control["waiver_data"]["run"]
    assert control["waiver_data"]["expiration_date"] == "2027-03-01T00:00:00Z"
    assert "approved by bob" in control["waiver_data"]["justification"]


def test_every_target_is_a_profile_and_one_more_joins_them() -> None:
    first, second, joining = document(run(soft("a"), dead("b")))["profiles"]
    assert (first["name"], second["name"]) == ("a", "b")
    assert first["parent_profile"] == second["parent_profile"] == joining["name"]
    assert joining["depends"] == [{"name": "a"}, {"name": "b"}]
    assert joining["controls"] == []
    assert len({profile["sha256"] for profile in (first, second, joining)}) == 3


def test_a_dead_target_says_why() -> None:
    profile = document(run(dead()))["profiles"][0]
    assert (profile["status"], profile["status_message"]) == ("failed", UNREACHABLE)
    assert {status_in_heimdall(control) for control in profile["controls"]} == {"Profile Error"}


def test_a_control_says_why_what_was_asked_and_how_to_remedy_it() -> None:
    control = control_of(run(soft()), "sshd-permitrootlogin")
    assert (control["impact"], control["tags"]["severity"]) == (0.7, "high")
    assert control["desc"] == "Why sshd-permitrootlogin matters."
    assert control["descriptions"] == [
        {"label": "check", "data": "Expected: no"},
        {"label": "fix", "data": "What the role does about sshd-permitrootlogin."},
    ]
    assert control["code"] == SSHD
    assert control["refs"] == [{"ref": "cis-debian12 1.2.3"}]
    (result,) = control["results"]
    assert result == {
        "status": "failed",
        "code_desc": "soft: The title of sshd-permitrootlogin",
        "message": "fail: observed yes; is yes",
        "run_time": 0.0,
        "start_time": "2026-11-21T05:00:00Z",
    }


def test_what_is_skipped_says_why() -> None:
    (result,) = control_of(run(soft()), "mounts-tmp")["results"]
    assert result["skip_message"] == "notapplicable: container: mounts belong to the host"


def test_nist_controls_are_tags_and_without_any_there_is_none() -> None:
    nist = record("sshd-maxauthtries", references={"nist-800-53": ("AC-7", "SI-16"), "pci-dss": ("8.1",)})
    assert control_of(run(soft(), controls={**CONTROLS, nist.id: nist}), nist.id)["tags"]["nist"] == ["AC-7", "SI-16"]
    assert "nist" not in control_of(run(soft()), nist.id)["tags"]


def test_the_platform_is_the_target_or_what_targets_have_in_common() -> None:
    other = soft("c", facts=facts(platform=Platform(family="debian", release="13")))
    platforms = [
        document(sample)["platform"]
        for sample in (run(soft("a")), run(soft("a"), soft("b")), run(soft("a"), other), run(dead()))
    ]
    assert platforms == [
        {"name": "debian", "release": "12", "target_id": "a"},
        {"name": "debian", "release": "12"},
        {"name": "several", "release": ""},
        {"name": "unknown", "release": "", "target_id": "dead"},
    ]
