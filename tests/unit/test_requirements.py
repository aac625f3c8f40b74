"""The same findings by the requirements of others; met is only what was looked at, everywhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.benchmarks import Benchmark, Recommendation, benchmark_named
from hardener.catalogue.discovery import discover
from hardener.model import Finding, Outcome, Requirement, Requirements, Run, RunKind, Scope, Standing, TargetResult
from hardener.reports.requirements import FORMATS
from hardener.requirements import by_requirement
from tests.unit.reports.conftest import record

CONTROLS = {name: record(name) for name in ("a-one", "a-two", "b-three")}
PCI = Benchmark(
    name="pci-dss-4",
    title="PCI DSS 4",
    recommendations={
        "2.2.1": Recommendation(controls=["a-two", "a-one", "z-that-this-run-has-not"]),
        "2.2.10": Recommendation(controls=["b-three"]),
        "10.2.1": Recommendation(controls=["a-one"]),
    },
)
RUN = Run(
    id="R1",
    kind=RunKind.AUDIT,
    started=(moment := datetime(2026, 11, 21, tzinfo=UTC)),
    finished=moment,
    operator="ann",
    profile="cis-level2",
    tool_version="1",
    controls=CONTROLS,
    results=(),
)


def result(target: str, *findings: tuple[str, Outcome] | Finding, problem: str | None = None) -> TargetResult:
    made = [item if isinstance(item, Finding) else Finding(control=item[0], outcome=item[1]) for item in findings]
    return TargetResult(target=target, findings=tuple(made), problem=problem)


def turned(*results: TargetResult) -> dict[str, Requirement]:
    return {item.number: item for item in by_requirement(RUN, results, PCI).requirements}


GOOD = result("good", ("a-one", Outcome.PASS), ("a-two", Outcome.FIXED), ("b-three", Outcome.NOTAPPLICABLE))


def test_a_requirement_is_met_where_all_its_controls_hold() -> None:
    found = turned(GOOD)
    assert list(found) == ["2.2.1", "2.2.10", "10.2.1"]
    assert found["2.2.1"].standing is Standing.MET
    assert found["2.2.1"].controls == ("a-one", "a-two")
    assert found["2.2.10"].standing is Standing.NOT_APPLICABLE


def test_one_failure_anywhere_is_not_met_and_is_named() -> None:
    bad = result("bad", ("a-one", Outcome.PASS), ("a-two", Outcome.FAIL), ("b-three", Outcome.PASS))
    found = turned(GOOD, bad)["2.2.1"]
    assert (found.standing, found.failing) == (Standing.NOT_MET, ("a-two",))
    assert found.targets == {Standing.NOT_MET: 1, Standing.MET: 1}
    assert turned(GOOD, bad)["10.2.1"].standing is Standing.MET


def test_a_target_nobody_could_ask_leaves_everything_unknown() -> None:
    found = turned(GOOD, result("dead", problem="no route"))
    assert {item.standing for item in found.values()} == {Standing.NOT_KNOWN}
    assert found["2.2.1"].unseen == ("a-one", "a-two")


def test_a_waived_failure_is_accepted_and_not_met() -> None:
    waived = Finding(control="a-two", outcome=Outcome.FAIL, waiver="legacy")
    found = turned(result("one", ("a-one", Outcome.PASS), waived))["2.2.1"]
    assert (found.standing, found.failing) == (Standing.ACCEPTED, ())


UNSEEN = sorted(set(Outcome) - {Outcome.PASS, Outcome.FIXED, Outcome.FAIL, Outcome.NOTAPPLICABLE})


@given(outcomes=some.lists(some.sampled_from(list(Outcome)), min_size=3, max_size=3))
def test_a_requirement_with_a_control_nobody_looked_at_is_never_met(outcomes: Sequence[Outcome]) -> None:
    found = turned(result("one", *zip(CONTROLS, outcomes, strict=True)))
    for item in found.values():
        seen = [outcome for name, outcome in zip(CONTROLS, outcomes, strict=True) if name in item.controls]
        if set(seen) & set(UNSEEN):
            assert item.standing in {Standing.NOT_MET, Standing.NOT_KNOWN, Standing.FOR_A_PERSON}
        if item.standing is Standing.MET:
            assert set(seen) <= {Outcome.PASS, Outcome.FIXED, Outcome.NOTAPPLICABLE}


def test_without_a_target_nothing_is_known() -> None:
    assert {item.standing for item in turned().values()} == {Standing.NOT_KNOWN}


EVERYTHING = discover()
WHOLE = RUN.model_copy(update={"controls": EVERYTHING.records})


def test_a_benchmark_is_told_whole_in_its_order_with_what_was_not_chosen() -> None:
    found = by_requirement(WHOLE, [], benchmark_named("cis-debian-12", EVERYTHING.benchmarks, location="--by"))
    assert len(found.requirements) == 310
    assert found.requirements[0].number == "1.1.1.1"
    by_choice = [item for item in found.requirements if item.note]
    assert {item.controls for item in by_choice} == {("firewall-single-engine",)}


@pytest.mark.parametrize("benchmark", EVERYTHING.benchmarks, ids=lambda benchmark: benchmark.name)
def test_the_catalogue_answers_every_benchmark(benchmark: Benchmark) -> None:
    assert len(by_requirement(WHOLE, [], benchmark).requirements) > 10


def test_what_no_number_asks_for_is_told_by_control() -> None:
    found = by_requirement(WHOLE, [], benchmark_named("hardener", EVERYTHING.benchmarks, location="--by"))
    assert {item.number: item.controls for item in found.requirements}["services-ports"] == ("services-ports",)


BAD = result("bad", ("a-one", Outcome.PASS), ("a-two", Outcome.FAIL), ("b-three", Outcome.ERROR))


def told(name: str, run: Run = RUN) -> str:
    return FORMATS[name](by_requirement(run, [GOOD, BAD], PCI))


def test_the_table_says_why() -> None:
    text = told("table")
    assert "PCI DSS 4: 3 requirements over 2 targets, 1 met, 1 not known, 1 not met" in text
    assert "fails: a-two" in text
    assert "not looked at: b-three" in text
    assert "Not all targets" not in text


@pytest.mark.parametrize("name", ["table", "json"])
def test_that_requirements_are_met_on_some_targets_only_is_said(name: str) -> None:
    assert "web*" in told(name, RUN.model_copy(update={"scope": Scope(excerpt="web*")}))


def test_rows_and_documents_say_the_same() -> None:
    rows = list(csv.DictReader(io.StringIO(told("csv"))))
    document = json.loads(told("json"))
    assert document["schema"] == "hardener-requirements/1"
    read = Requirements.model_validate(document["requirements"])
    assert [row["standing"] for row in rows] == [item.standing for item in read.requirements]
    assert rows[0]["targets"] == "1 not met, 1 met"
