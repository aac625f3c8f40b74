"""A run as OSCAL assessment results: observations with evidence, findings, risks, and waivers as deviations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardener.model import Answer, Finding, Outcome, Run, Transcript, WaiverKind
from hardener.reports.oscal.naming import ROOT, markup, uuid
from tests.unit.waivers import waiver

from .conftest import SSHD, UNREACHABLE, dead, findings, run, soft, text_of


def document(sample: Run) -> dict[str, Any]:
    body = json.loads(text_of(sample, "oscal"))["assessment-results"]
    assert isinstance(body, dict)
    return body


def only_result(sample: Run) -> dict[str, Any]:
    (result,) = document(sample)["results"]
    assert isinstance(result, dict)
    return result


def values(thing: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in thing["props"]}


def of(result: dict[str, Any], control: str) -> dict[str, Any]:
    """The finding about a control."""
    (found,) = [item for item in result["findings"] if item["target"]["target-id"] == control]
    assert isinstance(found, dict)
    return found


def named(result: dict[str, Any], kind: str, uuid: str) -> dict[str, Any]:
    (found,) = [item for item in result[kind] if item["uuid"] == uuid]
    assert isinstance(found, dict)
    return found


def everything(value: object) -> Iterator[tuple[str, Any]]:
    """Every member of every object in a document."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everything(item)
    if isinstance(value, dict):
        yield from value.items()


def waived(kind: WaiverKind) -> Run:
    finding = Finding(control="sshd-maxauthtries", outcome=Outcome.FAIL, reason="is 6", waiver="w")
    return run(soft(findings=findings(sshd_maxauthtries=finding)), waivers=(waiver("w", kind=kind),))


def test_every_target_is_a_result_with_the_target_as_its_subject() -> None:
    results = document(run(soft("a", groups=("web",)), soft("b")))["results"]
    assert [result["title"] for result in results] == ["a", "b"]
    (item,) = results[0]["local-definitions"]["inventory-items"]
    assert values(item) == {
        "asset-id": "a",
        "os-name": "debian",
        "os-version": "12",
        "kernel": "6.1.0-28-amd64",
        "machine-id": "0123456789abcdef",
        "account": "admin",
        "trait": "vm",
        "group": "web",
    }
    assert {subject["subject-uuid"] for seen in results[0]["observations"] for subject in seen["subjects"]} == {
        item["uuid"]
    }


def test_a_failure_is_a_finding_a_risk_and_an_observation_that_belong_together() -> None:
    result = only_result(run(soft()))
    finding = of(result, "sshd-maxauthtries")
    assert finding["target"]["status"] == {"state": "not-satisfied", "reason": "fail"}
    risk = named(result, "risks", finding["related-risks"][0]["risk-uuid"])
    assert (risk["status"], risk["statement"]) == ("open", "Why sshd-maxauthtries matters.")
    observation = named(result, "observations", finding["related-observations"][0]["observation-uuid"])
    assert values(observation) == {"outcome": "fail", "observed": "6", "expected": "at most 4"}
    assert risk["related-observations"] == finding["related-observations"]


def test_an_observation_leads_to_the_command_its_answer_and_the_digest_of_it() -> None:
    result = only_result(run(soft()))
    finding = of(result, "sshd-maxauthtries")
    observation = named(result, "observations", finding["related-observations"][0]["observation-uuid"])
    (evidence,) = observation["relevant-evidence"]
    answer = named(result, "observations", evidence["href"].removeprefix("#"))
    output = soft().transcript.answers[SSHD].stdout
    assert values(answer) == {"command": SSHD, "stdout-sha256": hashlib.sha256(output).hexdigest()}
    assert answer["description"] == "exit status 0; output: maxauthtries 6 permitrootlogin yes"


def test_an_answer_that_many_findings_rest_on_is_told_once() -> None:
    told = [values(seen).get("command") for seen in only_result(run(soft()))["observations"]]
    assert told.count(SSHD) == 1


def test_a_long_answer_is_cut_and_its_digest_is_of_all_of_it() -> None:
    long = b"x" * 1_000_000
    sample = soft(transcript=Transcript(answers={SSHD: Answer(exit_status=None, stdout=long, problem="timed out")}))
    (answer,) = [item for item in only_result(run(sample))["observations"] if values(item).get("command") == SSHD]
    assert answer["description"].startswith("did not finish, timed out; output: xxx")
    assert len(answer["description"]) < 1000
    assert values(answer)["stdout-sha256"] == hashlib.sha256(long).hexdigest()


@pytest.mark.parametrize(
    ("control", "state", "reason"),
    [
        ("kernel-sysrq", "satisfied", "pass"),
        ("kernel-aslr", "not-satisfied", "fail"),
        ("services-telnet", "not-satisfied", "other"),
    ],
)
def test_what_holds_what_fails_and_what_could_not_be_looked_at(control: str, state: str, reason: str) -> None:
    status = of(only_result(run(soft())), control)["target"]["status"]
    assert status == {"state": state, "reason": reason}


def test_only_failures_are_risks() -> None:
    result = only_result(run(soft()))
    assert len(result["risks"]) == 3
    assert "related-risks" not in of(result, "services-telnet")
    assert "risks" not in only_result(run(dead()))


def test_what_decides_nothing_is_observed_without_a_finding() -> None:
    result = only_result(run(soft()))
    judged = {finding["target"]["target-id"] for finding in result["findings"]}
    observed = {seen.get("title") for seen in result["observations"]}
    assert {"mounts-tmp", "accounts-review"} <= observed - judged


def test_what_was_not_selected_is_no_reviewed_control() -> None:
    (selection,) = only_result(run(soft()))["reviewed-controls"]["control-selections"]
    reviewed = [item["control-id"] for item in selection["include-controls"]]
    assert "sshd-maxauthtries" in reviewed
    assert "accounts-late" not in reviewed


def test_a_dead_target_says_why_and_every_control_of_it_is_not_satisfied() -> None:
    result = only_result(run(dead()))
    assert result["description"] == UNREACHABLE
    assert {finding["target"]["status"]["reason"] for finding in result["findings"]} == {"other"}


@pytest.mark.parametrize(
    ("kind", "deviation"),
    [
        (WaiverKind.ACCEPTED_RISK, "accepted"),
        (WaiverKind.FALSE_POSITIVE, "false-positive"),
        (WaiverKind.COMPENSATING_CONTROL, "risk-adjusted"),
    ],
)
def test_a_waiver_is_an_approved_deviation(kind: WaiverKind, deviation: str) -> None:
    body = document(waived(kind))
    (result,) = body["results"]
    finding = of(result, "sshd-maxauthtries")
    assert finding["target"]["status"] == {"state": "not-satisfied", "reason": "fail"}
    risk = named(result, "risks", finding["related-risks"][0]["risk-uuid"])
    assert (risk["status"], risk["deadline"]) == ("deviation-approved", "2027-03-01T00:00:00Z")
    assert values(risk) == {deviation: "approved", "waiver": "w"}
    (entry,) = risk["risk-log"]["entries"]
    people = {party["uuid"]: party["name"] for party in body["metadata"]["parties"]}
    assert people[entry["logged-by"][0]["party-uuid"]] == "bob"
    assert ("mitigating-factors" in risk) is (kind is WaiverKind.COMPENSATING_CONTROL)


def test_uuids_are_unique_stay_and_every_reference_leads_somewhere() -> None:
    body = document(waived(WaiverKind.COMPENSATING_CONTROL))
    uuids = [value for name, value in everything(body) if name == "uuid"]
    assert len(uuids) == len(set(uuids))
    named_uuids = {value for name, value in everything(body) if name.endswith("-uuid")}
    linked = {value.removeprefix("#") for name, value in everything(body) if name == "href"}
    assert named_uuids | linked <= set(uuids)
    assert uuids == [
        value for name, value in everything(document(waived(WaiverKind.COMPENSATING_CONTROL))) if name == "uuid"
    ]


def test_another_run_of_the_same_target_has_other_uuids() -> None:
    one, other = (only_result(run(soft(), id=name))["uuid"] for name in ("one", "other"))
    assert one != other


@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_uuid_is_what_the_standard_library_makes_of_the_names(names: list[str]) -> None:
    assert uuid(*names) == str(uuid5(ROOT, "\x1f".join(names)))


def test_text_of_a_target_is_no_markup() -> None:
    assert markup("a *b* `c` [d](e) <f> &g; {{h}}\n# i") == r"a \*b\* \`c\` \[d\](e) \<f\> \&g; \{\{h\}\} \# i"
    assert markup("- item") == r"\- item"
    assert markup("a-b = c") == "a-b = c"
