"""How the targets of a run scored before: only what can be compared is in a trend."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardener.model import Finding, Outcome, Run, RunKind, Scope, score
from hardener.store import Store

from .nights import dead, night, result


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs.sqlite")


def told(
    store: Store, reference: str = "latest", pattern: str = "*", most: int = 12
) -> list[tuple[str, int, int, int]]:
    """Id, targets, and how many of how many hold."""
    return [
        (item.id, item.targets, item.score.compliant, item.score.scored)
        for item in store.trend(reference, pattern, most)
    ]


def test_runs_come_in_the_order_in_which_they_were_kept_up_to_the_one_asked_for(store: Store) -> None:
    store.save(night(1, result("web", alpha_one=5, alpha_two=99)))
    store.save(night(2, result("web", alpha_one=5, alpha_two=5)))
    store.save(night(3, result("web", alpha_one=99, alpha_two=99)))
    assert told(store) == [("night-001", 1, 1, 2), ("night-002", 1, 2, 2), ("night-003", 1, 0, 2)]
    assert told(store, "night-002") == [("night-001", 1, 1, 2), ("night-002", 1, 2, 2)]
    assert [name for name, *_ in told(store, most=2)] == ["night-002", "night-003"]


def test_only_the_targets_of_the_run_count(store: Store) -> None:
    store.save(night(1, result("web", alpha_one=99), result("db", "d", alpha_one=5)))
    store.save(night(2, result("db", "d", alpha_one=5)))
    store.save(night(3, result("new", "n", alpha_one=5), result("web", alpha_one=5)))
    assert told(store) == [("night-001", 1, 0, 1), ("night-003", 2, 2, 2)]
    assert told(store, pattern="new") == [("night-003", 1, 1, 1)]


def test_a_reinstalled_machine_goes_on_under_its_name(store: Store) -> None:
    store.save(night(1, result("web", "old", alpha_one=99)))
    store.save(night(2, result("web", "new", alpha_one=5)))
    assert told(store) == [("night-001", 1, 0, 1), ("night-002", 1, 1, 1)]


def test_runs_of_another_profile_or_of_other_controls_are_left_out(store: Store) -> None:
    store.save(night(1, result("web", alpha_one=5)))
    store.save(night(2, result("web", alpha_one=5), profile="cis-level2"))
    store.save(night(3, result("web", alpha_one=5), scope=Scope(controls="alpha-*")))
    store.save(night(4, result("web", alpha_one=99)))
    assert told(store) == [("night-001", 1, 1, 1), ("night-004", 1, 0, 1)]


def test_what_a_run_was_not_about_does_not_count_though_it_was_seen_before(store: Store) -> None:
    store.save(night(1, result("web", alpha_one=5, alpha_two=99)))
    store.save(night(2, result("web", alpha_one=5)))
    assert told(store)[-1] == ("night-002", 1, 1, 1)


def test_what_nobody_could_look_at_is_told_and_not_compliant(store: Store) -> None:
    store.save(night(1, dead("web", "alpha-one", "alpha-two")))
    (point,) = store.trend("latest")
    assert (point.score.compliant, point.score.scored, point.failing, point.unseen) == (0, 2, 0, 2)


def test_of_an_apply_what_holds_afterwards_counts(store: Store) -> None:
    before, after = result("web", alpha_one=99), result("web", alpha_one=5)
    store.save(night(1, after, kind=RunKind.APPLY, before=(before,)))
    (point,) = store.trend("latest")
    assert (point.kind, point.targets, point.score.compliant) == (RunKind.APPLY, 1, 1)


FINDINGS = st.lists(
    st.builds(
        Finding,
        control=st.just("any"),
        outcome=st.sampled_from([item for item in Outcome if item not in {Outcome.NOTSELECTED, Outcome.NOTCHECKED}]),
        observed=st.integers(0, 2),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(FINDINGS, min_size=1, max_size=4))
def test_the_trend_scores_every_run_as_the_run_itself_does(
    tmp_path_factory: pytest.TempPathFactory, nights: list[list[Finding]]
) -> None:
    store = Store(tmp_path_factory.mktemp("trend") / "runs.sqlite")
    runs: list[Run] = []
    for number, seen in enumerate(nights, start=1):
        findings = [item.model_copy(update={"control": f"alpha-{index}"}) for index, item in enumerate(seen)]
        sample = result("web").model_copy(update={"findings": tuple(findings)})
        runs.append(night(number, sample))
        store.save(runs[-1])
    points = store.trend("latest")
    assert [point.score for point in points] == [score(item.results[0].findings, with_waivers=True) for item in runs]
    assert [point.failing for point in points] == [item.results[0].failing for item in runs]
