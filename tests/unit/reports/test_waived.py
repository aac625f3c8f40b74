"""Waived failures in every report: as they were seen, with who answers for them, why, and until when."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from hardener.model import Finding, Outcome, Run
from hardener.reports import planned
from tests.unit.waivers import waiver

from .conftest import STARTED, findings, run, soft, text_of
from .test_planned import plans

TOLD = "waiver w (accepted-risk): The old clients need it.; approved by bob, until 2027-03-01 00:00:00 UTC, ticket T-1"
WAIVER = waiver(controls="sshd-*", ticket="T-1")
OLD = waiver("old", effective=STARTED - timedelta(days=9), expires=STARTED)


def seen() -> tuple[Finding, ...]:
    """What the soft node shows, one of it waived."""
    return findings(
        sshd_maxauthtries=Finding(
            control="sshd-maxauthtries",
            outcome=Outcome.FAIL,
            observed="6",
            expected="at most 4",
            reason="is 6",
            waiver="w",
        )
    )


@pytest.fixture
def waived_run() -> Run:
    return run(soft(findings=seen()), waivers=(WAIVER, OLD))


def test_the_table_tells_what_was_seen_and_who_answers_for_it(waived_run: Run) -> None:
    told = text_of(waived_run, "table").splitlines()
    start = told.index("  waived (1)")
    assert told[start + 1 : start + 4] == [
        "      sshd-maxauthtries  medium  The title of sshd-maxauthtries",
        "        6 -> at most 4",
        f"        {TOLD}",
    ]
    assert "  FAILING (2)" in told
    assert "  overall:  2 of 5, 40 % (without waivers 2 of 6, 33 %)" in told


def test_an_expired_waiver_is_told_before_everything_else(waived_run: Run) -> None:
    told = text_of(waived_run, "table").splitlines()
    assert told[1] == "NOTICE: waiver old expired at 2026-11-21 05:00:00 UTC and counts no more"


def test_with_many_targets_each_waiver_is_told_once() -> None:
    many = run(*(soft(f"web{number}", findings=seen()) for number in range(12)), waivers=(WAIVER,))
    told = text_of(many, "table").splitlines()
    assert f"covers 12: {TOLD}" in told


def test_the_page_tells_the_same(waived_run: Run) -> None:
    page = text_of(waived_run, "html")
    assert f"<dt>Waived</dt><dd>{TOLD}</dd>" in page
    assert "without waivers 33 %, 2 of 6" in page
    assert "waiver old expired at 2026-11-21 05:00:00 UTC and counts no more" in page


def test_json_has_the_outcome_the_waivers_name_and_the_waiver(waived_run: Run) -> None:
    body = json.loads(text_of(waived_run, "json"))["run"]
    (finding,) = [item for item in body["results"][0]["findings"] if item["waiver"]]
    assert (finding["control"], finding["outcome"], finding["waiver"]) == ("sshd-maxauthtries", "fail", "w")
    assert [item["approved_by"] for item in body["waivers"]] == ["bob", "bob"]


@pytest.mark.parametrize("name", ["table", "html"])
def test_a_plan_tells_what_stays_and_who_answers_for_it(name: str) -> None:
    waived = tuple(item for item in seen() if item.waiver)
    told = plans(waived=waived).model_copy(update={"waivers": (WAIVER, OLD)})
    text = planned.FORMATS[name](told)
    assert TOLD in text
    assert "waiver old" not in text
    assert "Waived" not in planned.FORMATS[name](plans())


def test_without_waivers_nothing_is_said_of_them() -> None:
    assert "waive" not in text_of(run(soft()), "table")
