"""Benchmarks: files that say which controls answer which number, and of which level a control is."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.catalogue.benchmark_files import load_benchmarks
from hardener.catalogue.benchmarks import Benchmark, NotChosen, Recommendation, benchmark_named
from hardener.catalogue.coverage import Answered, places
from hardener.catalogue.discovery import catalogue_of, discover
from hardener.errors import ConfigError
from tests.unit.builders import number_control

OURS = discover()
BENCHMARK = Benchmark(
    name="ours-1",
    title="A benchmark",
    reference="ours",
    not_chosen={"abacus": NotChosen(reason="we count otherwise", proven_by="alpha-one")},
    recommendations={
        "1.1": Recommendation(level=1, judged_by="machine", controls=["alpha-two", "alpha-one"]),
        "1.2": Recommendation(level=2, judged_by="person", controls=["alpha-one"]),
        "1.3": Recommendation(level=1, judged_by="machine", way="abacus"),
        "1.4": Recommendation(level=1, judged_by="machine", way="slide-rule"),
        "1.5": Recommendation(level=2, judged_by="machine", controls=["alpha-manual", "alpha-of-another-time"]),
        "1.6": Recommendation(level=2, judged_by="machine", controls=["alpha-of-another-time"]),
    },
)
FRAMEWORK = Benchmark("theirs-2", "A framework", {"A-1": Recommendation(controls=["alpha-two"])}, reference="theirs")
OTHER_LEVELS = Benchmark("other-1", "Other levels", {"alpha-two": Recommendation(level=2, controls=["alpha-two"])})
CATALOGUE = catalogue_of(
    [("alpha", [number_control("one"), number_control("two"), number_control("manual", expect=None)])],
    [OTHER_LEVELS, BENCHMARK, FRAMEWORK],
)


def test_every_recommendation_has_its_place_or_is_a_gap() -> None:
    found = [(place.number, place.answered, [*place.controls]) for place in places(BENCHMARK, CATALOGUE.records)]
    assert found == [
        ("1.1", Answered.AUTOMATED, ["alpha-one", "alpha-two"]),
        ("1.2", Answered.MANUAL, ["alpha-one"]),
        ("1.3", Answered.BY_CHOICE, ["alpha-one"]),
        ("1.4", Answered.GAP, []),
        ("1.5", Answered.MANUAL, ["alpha-manual"]),
        ("1.6", Answered.GAP, []),
    ]


def test_a_control_has_the_numbers_it_answers_and_the_lowest_level_it_has_anywhere() -> None:
    one, two, _ = CATALOGUE.records.values()
    assert (one.level, one.references) == (1, {"ours": ("1.1", "1.2")})
    assert (two.level, two.references) == (1, {"ours": ("1.1",), "theirs": ("A-1",)})


@pytest.mark.parametrize("name", ["cis-debian-12", "cis-debian-12-1.1.0"])
def test_a_benchmark_is_named_with_or_without_its_version(name: str) -> None:
    found = benchmark_named(name, OURS.benchmarks, location="--by")
    assert found.title == "CIS Debian Linux 12 Benchmark 1.1.0"


def test_without_a_version_the_newest_is_meant() -> None:
    versions = [Benchmark(f"theirs-{version}", "t", {}) for version in ("1.9", "1.10", "1")]
    assert benchmark_named("theirs", versions, location="x").name == "theirs-1.10"
    assert benchmark_named("theirs-1.9", versions, location="x").name == "theirs-1.9"


@pytest.mark.parametrize("name", ["cis-debian-7", "cis-debian", "cis-debian-12-1"])
def test_an_unknown_benchmark_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"--by: no benchmark '{name}'; there are cis-debian-12-1\.1\.0, cis-"):
        benchmark_named(name, OURS.benchmarks, location="--by")


def with_file(site: Path, text: str, name: str = "policy-3.yml") -> list[Benchmark]:
    """The benchmarks of a site that has this file."""
    file = site / "benchmarks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return [*load_benchmarks([*OURS, "site-own"], site)]


def test_two_versions_of_a_benchmark_are_two_benchmarks(tmp_path: Path) -> None:
    text = "title: t\nrecommendations:\n  '9.9': {level: 2, judged_by: machine, controls: [sshd-access]}\n"
    found = with_file(tmp_path, text, "cis-debian-12-2.0.0.yml")
    old, new = (
        benchmark_named(f"cis-debian-12-{version}", found, location="x").recommendations
        for version in ("1.1.0", "2.0.0")
    )
    assert (len(old), list(new)) == (310, ["9.9"])
    assert benchmark_named("cis-debian-12", found, location="x").reference == "cis-debian-12-2.0.0"


def test_a_site_says_what_its_own_controls_answer_elsewhere(tmp_path: Path) -> None:
    text = "title: t\nlevels: {site-own: 2}\nadds:\n  nist-800-53: {AC-2: [site-own], AC-9: [site-own]}\n"
    text += "  cis-debian-12: {1.1.1.1: [site-own]}\n"
    found = with_file(tmp_path, text)
    nist, cis = (benchmark_named(name, found, location="x") for name in ("nist-800-53", "cis-debian-12"))
    assert "site-own" in nist.recommendations["AC-2"].controls
    assert list(nist.recommendations).index("AC-9") < list(nist.recommendations).index("AC-10")
    assert cis.recommendations["1.1.1.1"].controls == ["kernel-module-cramfs", "site-own"]
    assert "site-own" not in str(load_benchmarks(OURS)), "ours are as they were"


RECOMMENDATION = "{level: 1, judged_by: machine, controls: [site-own]}"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (f"title: t\nrecommendations:\n  '1': {RECOMMENDATION}\n  '1': {RECOMMENDATION}\n", 4, "duplicate key '1'"),
        ("title: t\nrecommendations:\n  '1': {level: 1, judged_by: machine, controls: [nope]}\n", 3, "'nope'"),
        ("title: t\nrequirements:\n  '1':\n    - site-own\n    - nope\n", 5, "no control is called 'nope'"),
        ("title: t\nlevels:\n  nope: 1\n", 3, "no control is called 'nope'"),
        (
            "title: t\nlevels: {site-own: 1}\nadds:\n  nist-800-53:\n    AC-2: [nope]\n",
            5,
            "no control is called 'nope'",
        ),
        ("title: t\nlevels: {site-own: 1}\nadds:\n  iso: {A: [site-own]}\n", 4, "no benchmark 'iso'; there are cis-"),
        (
            "title: t\nlevels: {site-own: 1}\nadds:\n  cis-debian-12:\n    '0': [site-own]\n",
            5,
            "1.1.0 has no number '0'",
        ),
        (
            "title: t\nlevels: {site-own: 1}\nnot_chosen:\n  ufw: {reason: r, proven_by: nope}\n",
            4,
            "no control is called 'nope'",
        ),
        ("title: t\nlevels:\n  site-own: 0\n", 3, "levels.site-own: Input should be greater than or equal to 1"),
        ("title: t\nlevels:\n  site-own: one\n", 3, "levels.site-own: Input should be a valid integer"),
        ("title: t\nrecommendations:\n  '1': {judged_by: person}\n", 3, "recommendations.1.level: Field required"),
        ("title: t\nrecommendations:\n  '1': {level: 1, judged_by: nobody}\n", 3, "should be 'machine' or 'person'"),
        ("title: t\nrequirements:\n  1.1: [site-own]\n", 3, "Input should be a valid string"),
        (
            "title: t\nplatform: debian-12\nlevels: {site-own: 1}\n",
            1,
            "only recommendations, which have levels, are for a",
        ),
        ("title: t\nplatform: debian-11\nlevels: {site-own: 1}\n", 2, "the controls are for debian-12 and debian-13"),
        (f"title: t\nplatform: debian-12\nrecommendations:\n  '1': {RECOMMENDATION}\n", 2, "is for debian 12 already"),
        ("title: t\n", 1, "one of recommendations, requirements and levels is needed"),
        ("title: t\nlevels: {site-own: 1}\nrequirements: {'1': [site-own]}\n", 1, "and no two of them"),
        (
            "title: t\nreference: cis-debian12\nrequirements: {'1': []}\n",
            2,
            "cis-debian-12-1.1.0.yml has the reference",
        ),
    ],
)
def test_a_wrong_file_is_one_line_with_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_file(tmp_path, text)
    where, _, what = str(caught.value).partition(": ")
    assert where == f"{tmp_path}/benchmarks/policy-3.yml:{line}"
    assert message in what
    assert "\n" not in str(caught.value)


def test_a_benchmark_with_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"pci-dss-4\.yml:1: this benchmark has the name of one of ours, .*/hardener/"
    ):
        with_file(tmp_path, "title: t\nlevels: {site-own: 1}\n", "pci-dss-4.yml")


def test_a_benchmark_that_others_can_write_is_refused(tmp_path: Path) -> None:
    with_file(tmp_path, "title: t\nlevels: {site-own: 1}\n")
    (tmp_path / "benchmarks" / "policy-3.yml").chmod(0o666)
    with pytest.raises(ConfigError, match=r"policy-3\.yml: others can write it"):
        load_benchmarks([*OURS, "site-own"], tmp_path)
