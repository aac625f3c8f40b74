"""What is selected on which system, on which level, and what nobody answers there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.catalogue.benchmarks import Benchmark, Recommendation
from hardener.catalogue.discovery import Catalogue, discover
from hardener.catalogue.profiles import Part, Profile, load_profile
from hardener.conductor.record import Start, make_run
from hardener.model import Outcome, Platform, RunKind, TargetResult
from hardener.plan import make_plan
from hardener.platforms import KNOWN
from hardener.selection import Selection
from tests.unit.builders import FACTS, catalogue, leveled, number_control, selection_of, target

DEBIAN_12, DEBIAN_13 = KNOWN
ON_13 = FACTS.model_copy(update={"platform": DEBIAN_13})


def recommended(level: int, *controls: str) -> Recommendation:
    return Recommendation(level=level, judged_by="machine", controls=list(controls))


NEWER = Benchmark(
    "newer-2",
    "Newer 2",
    {
        "1.1": recommended(2, "alpha-one"),
        "1.2": recommended(1),
        "1.3": recommended(2),
        "1.4": recommended(1, "alpha-two"),
    },
    platform=DEBIAN_13,
)


def two_systems() -> Catalogue:
    controls = catalogue()
    controls.benchmarks = [*controls.benchmarks, NEWER]
    return controls


def under(*parts: Part, pattern: str = "*") -> Selection:
    return Selection(two_systems(), Profile("one", "t", parts=parts), pattern)


def test_a_plan_holds_each_target_to_the_benchmark_of_its_own_system() -> None:
    chosen = selection_of(two_systems(), levels=(1,))
    twelve, thirteen = (make_plan(chosen, target(), facts) for facts in (FACTS, ON_13))
    assert "alpha-two" not in [control.id for control in twelve.controls]
    assert [control.id for control in thirteen.controls] == ["alpha-two"]
    assert {item.control: item.reason for item in thirteen.exclusions} == {
        "alpha-one": "level 2 is not in profile sample",
        "alpha-chained": "no number of newer-2 asks for it",
        "beta-manual": "no number of newer-2 asks for it",
        "beta-metal": "no number of newer-2 asks for it",
    }
    assert {item.outcome for item in thirteen.exclusions} == {Outcome.NOTSELECTED}


def test_before_the_system_is_known_whatever_is_selected_on_any_is_in_the_plan() -> None:
    plan = make_plan(selection_of(two_systems(), levels=(1,)), target(), None)
    assert {control.id for control in plan.controls} == set(catalogue())


def test_on_a_system_of_nobodys_what_is_selected_anywhere_does_not_apply() -> None:
    facts = FACTS.model_copy(update={"platform": Platform(family="debian", release="11")})
    plan = make_plan(selection_of(two_systems(), levels=(1,)), target(), facts)
    assert not plan.controls
    assert {item.outcome for item in plan.exclusions} == {Outcome.NOTAPPLICABLE}


def test_what_the_remedies_of_the_selected_need_is_selected_with_them_though_no_benchmark_asks() -> None:
    controls = leveled(
        alpha=[
            number_control("deep", enables=("alpha-tool",)),
            number_control("tool", enables=("alpha-use",)),
            number_control("use"),
            number_control("else"),
        ]
    )
    controls.benchmarks = [Benchmark("b-1", "B", {"1": recommended(1, "alpha-use")}, platform=DEBIAN_12)]
    profile = load_profile("cis-level1", controls)
    chosen = [name for name, item in controls.items() if Selection(controls, profile).exclusion(item) is None]
    assert chosen == ["alpha-deep", "alpha-tool", "alpha-use"]


def test_a_run_has_of_a_control_the_lowest_level_that_any_benchmark_gives_it() -> None:
    assert selection_of(two_systems()).records["alpha-one"].level == 1
    assert selection_of(two_systems()).records["alpha-two"].level == 1


def test_where_the_profile_goes_by_one_benchmark_its_levels_are_told() -> None:
    records = under(Part(NEWER)).records
    assert (records["alpha-one"].level, records["alpha-two"].level) == (2, 1)
    assert records["beta-metal"].level == 1, "another has it"


@pytest.mark.parametrize(
    ("levels", "gaps"), [({1}, "no control answers 1.2 of Newer 2"), (None, "no control answers 1.2, 1.3 of Newer 2")]
)
def test_what_nobody_answers_of_the_benchmark_of_a_target_is_named(levels: set[int] | None, gaps: str) -> None:
    part = Part(NEWER, frozenset(levels) if levels else None, DEBIAN_13)
    assert under(part).uncovered({DEBIAN_12, DEBIAN_13}) == [gaps]
    assert under(part).uncovered({DEBIAN_12}) == []
    assert under(part, pattern="alpha-*").uncovered({DEBIAN_13}) == ()


def test_what_is_asked_of_a_benchmark_twice_is_told_of_both() -> None:
    own, named = Part(NEWER, frozenset({1}), DEBIAN_13), Part(NEWER, frozenset({2}))
    told = ["no control answers 1.2 of Newer 2", "no control answers 1.3 of Newer 2"]
    assert under(own, named).uncovered({DEBIAN_13}) == told
    assert under(own, named).uncovered(set(KNOWN)) == told[::-1]


def test_a_run_names_what_is_not_covered_on_the_systems_it_has_seen() -> None:
    chosen = selection_of(two_systems())
    on_12, on_13 = (TargetResult(target="a", facts=facts) for facts in (FACTS, ON_13))
    unseen = TargetResult(target="b", problem="no route")
    assert make_run(Start(RunKind.AUDIT), chosen, [on_12, unseen]).limitations == ()
    assert len(make_run(Start(RunKind.AUDIT), chosen, [on_12, on_13]).limitations) == 1


def test_a_site_that_has_a_newer_version_of_a_benchmark_is_held_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    numbers = "  '1': {level: 1, judged_by: machine, controls: [sshd-access]}\n  '2': {level: 1, judged_by: machine}\n"
    (folder / "cis-debian-12-2.0.0.yml").write_text(f"title: Two\nplatform: debian-12\nrecommendations:\n{numbers}")
    controls = discover(tmp_path)
    chosen = Selection(controls, load_profile("cis-level1", controls, tmp_path))
    assert chosen.profile.selected(DEBIAN_12) == {"sshd-access"}
    assert chosen.uncovered({DEBIAN_12}) == ["no control answers 2 of Two"]
    assert len(chosen.profile.selected(DEBIAN_13)) > 100
