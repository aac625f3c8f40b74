"""A run as XCCDF: a rule for every control, and a result of the test for every target."""

from __future__ import annotations

from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

import pytest

from hardener.model import Finding, Outcome, Run
from tests.unit.waivers import waiver

from .conftest import CONTROLS, SSHD, UNREACHABLE, dead, findings, record, run, soft, text_of

NAMESPACES = {"x": "http://checklists.nist.gov/xccdf/1.2"}


def benchmark(sample: Run) -> Element:
    return ET.fromstring(text_of(sample, "xccdf"))


def only_result(sample: Run) -> Element:
    (result,) = benchmark(sample).findall("x:TestResult", NAMESPACES)
    return result


def of(result: Element, control: str) -> Element:
    found = result.find(f"x:rule-result[@idref='xccdf_hardener_rule_{control}']", NAMESPACES)
    assert found is not None
    return found


def text(element: Element, path: str) -> str | None:
    return element.findtext(path, namespaces=NAMESPACES)


def seen(outcome: Outcome, **changes: str) -> Run:
    finding = Finding(control="sshd-maxauthtries", outcome=outcome, observed="6", expected="at most 4", **changes)
    return run(soft(findings=findings(sshd_maxauthtries=finding)), waivers=(waiver("w"),))


def test_every_control_is_a_rule_in_the_group_of_its_role() -> None:
    groups = benchmark(run(soft())).findall("x:Group", NAMESPACES)
    assert [group.get("id") for group in groups] == [
        f"xccdf_hardener_group_{role}" for role in ("sshd", "kernel", "services", "mounts", "accounts")
    ]
    rules = [rule for group in groups for rule in group.findall("x:Rule", NAMESPACES)]
    assert [rule.get("id") for rule in rules] == [f"xccdf_hardener_rule_{control}" for control in CONTROLS]
    assert (text(rules[0], "x:rationale"), text(rules[0], "x:reference")) == (
        "Why sshd-maxauthtries matters.",
        "cis-debian12 1.2.3",
    )


def test_a_role_whose_controls_stand_apart_is_one_group() -> None:
    controls = {item.id: item for item in (record("sshd-a"), record("kernel-a"), record("sshd-b"))}
    groups = benchmark(run(controls=controls)).findall("x:Group", NAMESPACES)
    assert [len(group.findall("x:Rule", NAMESPACES)) for group in groups] == [2, 1]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_outcome_is_the_result_of_its_rule(outcome: Outcome) -> None:
    assert text(of(only_result(seen(outcome)), "sshd-maxauthtries"), "x:result") == outcome.value


def test_a_waiver_overrides_a_failure_and_keeps_it_visible() -> None:
    result = only_result(seen(Outcome.FAIL, waiver="w"))
    found = of(result, "sshd-maxauthtries")
    assert text(found, "x:result") == "informational"
    (override,) = found.findall("x:override", NAMESPACES)
    assert override.attrib == {"time": "2026-11-01T00:00:00Z", "authority": "bob"}
    assert (text(override, "x:old-result"), text(override, "x:new-result")) == ("fail", "informational")
    assert "The old clients need it." in (text(override, "x:remark") or "")
    scores = {item.get("system"): (item.text, item.get("maximum")) for item in result.findall("x:score", NAMESPACES)}
    assert scores == {
        "urn:xccdf:scoring:flat-unweighted": ("2", "5"),
        "urn:hardener:scoring:without-waivers": ("2", "6"),
    }


def test_a_result_says_what_was_observed_expected_and_asked() -> None:
    found = of(only_result(run(soft())), "sshd-maxauthtries")
    imports = {item.get("import-name"): item.text for item in found.findall("x:check/x:check-import", NAMESPACES)}
    assert imports == {"observed": "6", "expected": "at most 4"}
    assert text(found, "x:check/x:check-content") == SSHD
    assert text(found, "x:message") == "is 6"


def test_a_target_is_told_with_its_facts_and_who_looked() -> None:
    result = only_result(run(soft("web1", groups=("web", "north"))))
    facts = {
        (item.get("name") or "").rpartition(":")[2]: item.text
        for item in result.findall("x:target-facts/x:fact", NAMESPACES)
    }
    assert facts == {
        "host_name": "web1",
        "platform": "debian 12",
        "kernel": "6.1.0-28-amd64",
        "machine-id": "0123456789abcdef",
        "traits": "container-host, kubernetes-worker, vm",
        "groups": "web, north",
    }
    identity = result.find("x:identity", NAMESPACES)
    assert identity is not None
    assert (identity.text, identity.attrib) == ("admin", {"authenticated": "true", "privileged": "true"})


def test_a_dead_target_says_why_and_nobody_was_authenticated() -> None:
    result = only_result(run(dead()))
    assert text(result, "x:target-facts/x:fact[@name='urn:hardener:fact:problem']") == UNREACHABLE
    identity = result.find("x:identity", NAMESPACES)
    assert identity is not None
    assert identity.get("authenticated") == "false"
    assert {
        item.findtext("x:result", namespaces=NAMESPACES) for item in result.findall("x:rule-result", NAMESPACES)
    } == {"error"}


def test_targets_of_one_run_have_results_of_different_names_that_stay() -> None:
    sample = run(soft("a b"), soft("a.b"))
    ids = [item.get("id") for item in benchmark(sample).findall("x:TestResult", NAMESPACES)]
    assert len(set(ids)) == 2
    narrowed = only_result(run(soft("a.b")))
    assert narrowed.get("id") == ids[1]
