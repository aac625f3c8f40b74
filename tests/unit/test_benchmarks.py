"""Benchmarks: every recommendation has its place, or shows as a gap."""

from __future__ import annotations

import pytest

from hardener.catalogue.benchmarks import (
    Answered,
    Benchmark,
    NotChosen,
    Recommendation,
    coverage,
    load_benchmark,
)
from hardener.catalogue.discovery import catalogue_of
from hardener.errors import ConfigError
from tests.unit.builders import number_control

BENCHMARK = Benchmark(
    title="A benchmark",
    reference="ours",
    not_chosen={"abacus": NotChosen(reason="we count otherwise", proven_by="alpha-one")},
    recommendations={
        "1.1": Recommendation(level=1, judged_by="machine"),
        "1.2": Recommendation(level=2, judged_by="person"),
        "1.3": Recommendation(level=1, judged_by="machine", way="abacus"),
        "1.4": Recommendation(level=1, judged_by="machine", way="slide-rule"),
    },
)
CATALOGUE = catalogue_of(
    [
        (
            "alpha",
            [
                number_control("one", references={"ours": ("1.1", "1.2")}),
                number_control("two", references={"ours": "1.1"}),
                number_control("three", references={"theirs": "1.4"}),
            ],
        )
    ]
)


def test_every_recommendation_has_its_place_or_is_a_gap() -> None:
    places = [(place.number, place.answered, [*place.controls]) for place in coverage(BENCHMARK, CATALOGUE)]
    assert places == [
        ("1.1", Answered.AUTOMATED, ["alpha-one", "alpha-two"]),
        ("1.2", Answered.MANUAL, ["alpha-one"]),
        ("1.3", Answered.BY_CHOICE, ["alpha-one"]),
        ("1.4", Answered.GAP, []),
    ]


@pytest.mark.parametrize("name", ["cis-debian-12", "cis-debian-12-1.1.0"])
def test_a_benchmark_is_named_with_or_without_its_version(name: str) -> None:
    assert load_benchmark(name).title == "CIS Debian Linux 12 Benchmark 1.1.0"


def test_an_unknown_benchmark_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"cis-debian-7: no benchmark 'cis-debian-7'; there are cis-debian-12-1.1.0"):
        load_benchmark("cis-debian-7")
