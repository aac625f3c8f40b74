"""A run as SARIF: one result a control, inside the limits of whoever takes it, and everything cut said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hardener import reports
from hardener.model import Finding, Outcome, Run, TargetResult
from hardener.reports import sarif
from tests.unit.waivers import waiver

from .conftest import CONTROLS, UNREACHABLE, dead, findings, run, soft, text_of, unchecked
from .published import refused


def log(sample: Run) -> dict[str, Any]:
    (only,) = json.loads(text_of(sample, "sarif"))["runs"]
    assert isinstance(only, dict)
    return only


def results_of(sample: Run, control: str) -> list[dict[str, Any]]:
    return [result for result in log(sample)["results"] if result["ruleId"] == control]


def uris(result: dict[str, Any]) -> list[str]:
    return [item["physicalLocation"]["artifactLocation"]["uri"] for item in result["locations"]]


def failing(control: str = "sshd-maxauthtries", reason: str = "is 6", **changes: Any) -> Finding:
    return Finding(control=control, outcome=Outcome.FAIL, observed="6", expected="at most 4", reason=reason, **changes)


def fleet(count: int, *seen: Finding) -> Iterator[TargetResult]:
    return (TargetResult(target=f"t{number:05}", findings=seen) for number in range(count))


def told(targets: Iterator[TargetResult]) -> bytes:
    return b"".join(reports.render(run(), targets, "sarif"))


def test_a_failing_control_is_one_result_with_its_targets() -> None:
    (result,) = results_of(run(soft("a"), soft("b"), soft("c", findings=())), "sshd-maxauthtries")
    assert uris(result) == ["targets/a", "targets/b"]
    assert result["message"]["text"] == "The title of sshd-maxauthtries. Not as expected on 2 of 3 targets."
    assert {item["message"]["text"] for item in result["locations"]} == {"is 6"}
    assert (result["kind"], result["level"]) == ("fail", "warning")
    assert "suppressions" not in result


def test_what_holds_or_does_not_apply_is_no_result_but_counted_beside_its_rule() -> None:
    only = log(run(soft("a"), soft("b")))
    told_of = {result["ruleId"] for result in only["results"]}
    assert told_of == {"sshd-maxauthtries", "sshd-permitrootlogin", "kernel-aslr", "services-telnet"}
    outcomes = {rule["id"]: rule["properties"]["outcomes"] for rule in only["tool"]["driver"]["rules"]}
    assert outcomes["kernel-sysrq"] == {"pass": 2}
    assert outcomes["mounts-tmp"] == {"notapplicable": 2}
    assert outcomes["accounts-review"] == {"informational": 2}


def test_what_could_not_be_looked_at_is_open_and_has_no_level() -> None:
    (result,) = results_of(run(soft()), "services-telnet")
    assert (result["kind"], result["level"]) == ("open", "none")
    assert "Could not be looked at on 1 of 1 target." in result["message"]["text"]


def test_a_dead_target_is_one_notification_and_not_a_result_for_each_control() -> None:
    only = log(run(dead(), soft(findings=())))
    assert only["results"] == []
    (invocation,) = only["invocations"]
    assert not invocation["executionSuccessful"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == UNREACHABLE
    assert uris(notification) == ["targets/dead"]


def test_a_waived_failure_is_a_result_of_its_own_that_is_suppressed() -> None:
    waived = findings(sshd_maxauthtries=failing(waiver="w"))
    sample = run(soft("a"), soft("b", findings=waived), waivers=(waiver("w", "sshd-*"), waiver("unused")))
    fails, suppressed = results_of(sample, "sshd-maxauthtries")
    assert (uris(fails), uris(suppressed)) == (["targets/a"], ["targets/b"])
    (suppression,) = suppressed["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["justification"].startswith(
        "waiver w (accepted-risk): The old clients need it.; approved by bob"
    )
    assert fails["partialFingerprints"] != suppressed["partialFingerprints"]


def test_a_rule_says_why_how_to_remedy_and_how_bad() -> None:
    rules = {rule["id"]: rule for rule in log(run(soft()))["tool"]["driver"]["rules"]}
    assert list(rules) == list(CONTROLS)
    rule = rules["sshd-permitrootlogin"]
    assert rule["shortDescription"]["text"] == "The title of sshd-permitrootlogin"
    assert "Remedy: What the role does about sshd-permitrootlogin." in rule["help"]["text"]
    assert rule["defaultConfiguration"]["level"] == "error"
    assert rule["properties"]["security-severity"] == "8.0"
    assert rule["properties"]["tags"] == ["security", "sshd", "level-1", "cis-debian12 1.2.3"]


def test_a_rule_has_no_more_tags_than_github_takes() -> None:
    many = CONTROLS["kernel-aslr"].model_copy(update={"references": {"x": tuple(f"{n}" for n in range(40))}})
    (rule,) = log(run(controls={many.id: many}))["tool"]["driver"]["rules"]
    assert len(rule["properties"]["tags"]) == sarif.MOST_TAGS


@pytest.mark.parametrize("name", ["a b/../c", "[x](http://e)", "ä:1", "%41", ".."])
def test_a_targets_name_is_one_segment_of_a_relative_address(name: str) -> None:
    (uri,) = uris(results_of(run(unchecked(soft(), target=name)), "kernel-aslr")[0])
    assert uri.startswith("targets/")
    assert uri.count("/") == 1
    assert uri.isascii()
    assert ":" not in uri


def test_brackets_and_braces_of_a_target_are_no_link_and_no_place_holder() -> None:
    sample = run(soft(findings=(failing(reason="[x](http://e) {0} \\"),)))
    (location,) = results_of(sample, "sshd-maxauthtries")[0]["locations"]
    assert location["message"]["text"] == r"\[x\](http://e) {{0}} \\"


def test_no_drift_means_no_baseline_state() -> None:
    assert "baselineState" not in text_of(run(soft()), "sarif")


def test_of_many_targets_the_first_are_listed_and_the_rest_is_counted() -> None:
    document = told(fleet(1500, failing()))
    (only,) = json.loads(document)["runs"]
    (result,) = only["results"]
    assert len(result["locations"]) == sarif.MOST_LOCATIONS
    assert result["message"]["text"].endswith("Not as expected on 1500 of 1500 targets. The first 1000 are listed.")
    assert result["properties"] == {"targets": 1500, "locationsLeftOut": 500}
    assert only["properties"]["locationsLeftOut"] == 500
    assert refused("sarif", document) == []


def test_of_many_dead_targets_the_first_are_told_and_the_rest_is_counted() -> None:
    many = (TargetResult(target=f"t{number}", problem=UNREACHABLE) for number in range(1200))
    (only,) = json.loads(told(many))["runs"]
    *_, last = only["invocations"][0]["toolExecutionNotifications"]
    assert last["message"]["text"] == "200 more targets had a problem."


def test_the_file_stays_under_ten_megabytes_whatever_targets_say() -> None:
    seen = [failing(name, reason="\u202e" * 200) for name in CONTROLS]
    document = told(fleet(2000, *seen))
    (only,) = json.loads(document)["runs"]
    assert len(document) < 10_000_000
    assert all(result["locations"] for result in only["results"])
    listed = sum(len(result["locations"]) for result in only["results"])
    assert only["properties"]["locationsLeftOut"] == 2000 * len(CONTROLS) - listed
