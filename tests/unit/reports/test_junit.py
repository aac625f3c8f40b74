"""The suites for build servers: valid, a failure is not an error, and a waived one is skipped with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from hardener.model import Finding, Outcome, Run, TargetResult
from tests.unit.waivers import waiver

from .conftest import CONTROLS, UNREACHABLE, dead, findings, run, soft, text_of, unchecked
from .test_json import FINDINGS, TEXT

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))


def suites(sample: Run) -> list[etree._Element]:
    """The suites of a document that is valid, and in which every sum is right."""
    document = etree.fromstring(text_of(sample, "junit").encode())
    SCHEMA.assertValid(document)
    found = list(document)
    for suite in found:
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute, "")) == len(suite.findall(f"testcase/{tag}"))
    return found


def inside(suite: etree._Element, control: str) -> etree._Element | None:
    """What the case of a control has in it."""
    (case,) = (item for item in suite.findall("testcase") if item.get("name") == control)
    return case[0] if len(case) else None


def test_a_suite_is_a_target_and_a_case_is_a_control(audit_run: Run) -> None:
    found = suites(audit_run)
    assert [(suite.get("name"), suite.get("id")) for suite in found] == [("soft", "0"), ("dead", "1")]
    for suite in found:
        assert [case.get("name") for case in suite.findall("testcase")] == list(CONTROLS)
    assert found[0].findall("testcase")[0].get("classname") == "soft.sshd"
    assert found[0].get("timestamp") == "2026-11-21T05:00:00"


def test_a_failure_says_what_was_seen_and_what_to_do(audit_run: Run) -> None:
    failure = inside(suites(audit_run)[0], "sshd-permitrootlogin")
    assert failure is not None
    assert (failure.tag, failure.get("type"), failure.get("message")) == ("failure", "high", "is yes")
    assert (failure.text or "").splitlines() == [
        "observed: yes",
        "expected: no",
        "remedy: What the role does about sshd-permitrootlogin.",
    ]


def test_what_could_not_be_looked_at_is_an_error_and_no_failure(audit_run: Run) -> None:
    soft_suite, dead_suite = suites(audit_run)
    error = inside(soft_suite, "services-telnet")
    assert error is not None
    assert (error.tag, error.get("type"), error.get("message")) == ("error", "error", "timed out after 20 s")
    assert (dead_suite.get("errors"), dead_suite.get("failures")) == (str(len(CONTROLS)), "0")
    assert dead_suite.findtext("system-err") == UNREACHABLE


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ("mounts-tmp", "notapplicable: container: mounts belong to the host"),
        ("accounts-review", "informational: a person decides, from the evidence"),
        ("accounts-late", "notselected: not in the profile"),
    ],
)
def test_what_is_not_judged_is_skipped_with_its_reason(audit_run: Run, control: str, message: str) -> None:
    skipped = inside(suites(audit_run)[0], control)
    assert skipped is not None
    assert (skipped.tag, skipped.get("message")) == ("skipped", message)


def test_a_waived_failure_is_skipped_with_who_answers_for_it() -> None:
    failure = Finding(control="kernel-aslr", outcome=Outcome.FAIL, observed=0, reason="is 0", waiver="w")
    (suite,) = suites(run(soft(findings=findings(kernel_aslr=failure)), waivers=(waiver(),)))
    skipped = inside(suite, "kernel-aslr")
    assert skipped is not None
    assert skipped.tag == "skipped"
    assert skipped.get("message") == (
        "waived: waiver w (accepted-risk): The old clients need it.; approved by bob, until 2027-03-01 00:00:00 UTC"
    )


def test_what_holds_has_nothing_in_it(apply_run: Run) -> None:
    (suite,) = suites(apply_run)
    assert inside(suite, "kernel-sysrq") is None
    assert inside(suite, "sshd-maxauthtries") is None  # fixed


@pytest.mark.parametrize("seen", [(), (Finding(control="kernel-sysrq", outcome=Outcome.PASS),)])
def test_a_target_with_a_problem_never_looks_well(seen: tuple[Finding, ...]) -> None:
    (suite,) = suites(run(TargetResult(target="left out", problem="the playbook failed", findings=seen)))
    error = inside(suite, "problem")
    assert error is not None
    assert (suite.get("errors"), error.get("message")) == ("1", "the playbook failed")


def test_a_problem_that_is_told_by_findings_is_no_case_of_its_own() -> None:
    (suite,) = suites(run(dead()))
    assert "problem" not in {case.get("name") for case in suite.findall("testcase")}


@given(finding=FINDINGS, name=TEXT, problem=st.none() | TEXT)
def test_any_text_stays_valid(finding: Finding, name: str, problem: str | None) -> None:
    seen = unchecked(soft(findings=(finding,), problem=problem), target=f"n{name}")
    suites(run(seen, profile=name))
