"""A run read target by target is the run that was kept, and never wholly in memory."""

from __future__ import annotations

import sqlite3
import tracemalloc
from pathlib import Path

import pytest

from hardener.errors import StoreError
from hardener.model import Run, RunKind
from hardener.store import Store

from .nights import night, result


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs.sqlite")


def fleet(number: int, count: int, **changes: object) -> Run:
    """A run over so many targets, no two of which saw the same."""
    seen = [
        result(f"host{index:04}", f"{number}-{index}", alpha_one=index, alpha_two=1000 + index)
        for index in range(count)
    ]
    return night(number, *seen, **changes)


def test_the_parts_make_the_run_that_was_kept(store: Store) -> None:
    store.save(fleet(1, 250))
    store.save(fleet(2, 3))
    head, results = store.stream("night-001")
    assert head.results == ()
    assert head.model_copy(update={"results": tuple(results)}) == store.load("night-001") == fleet(1, 250)


def test_targets_are_those_whose_name_the_pattern_matches(store: Store) -> None:
    store.save(fleet(1, 250))
    head, results = store.stream("latest", "host000[37]")
    assert [item.target for item in results] == ["host0003", "host0007"]
    assert head.scope.excerpt == "host000[37]"
    assert store.stream("latest")[0].scope.excerpt is None


def test_what_was_before_an_apply_comes_only_where_it_is_asked_for(store: Store) -> None:
    earlier = fleet(1, 3).results
    store.save(fleet(1, 3, kind=RunKind.APPLY, before=earlier))
    assert store.stream("latest")[0].before == ()
    assert store.stream("latest", with_before=True)[0].before == earlier
    assert store.stream("latest", "host0001", with_before=True)[0].before == earlier[1:2]


def test_what_does_not_exist_is_refused_before_anything_is_told(store: Store) -> None:
    with pytest.raises(StoreError, match="no run outside of a project is kept"):
        store.stream("latest")
    store.save(fleet(1, 1))
    with pytest.raises(StoreError, match="run night-001 has no target that 'web' names"):
        store.stream("latest", "web")


def test_damage_that_is_met_on_the_way_is_an_error_of_the_store(store: Store, tmp_path: Path) -> None:
    store.save(fleet(1, 250))
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        connection.execute("UPDATE result SET body = x'00' WHERE number = 240")
    _, results = store.stream("latest")
    with pytest.raises(StoreError, match=r"result 240 cannot be unpacked: .* see 'hardener store check'"):
        list(results)


def test_a_run_that_is_told_can_be_left_half_way_and_pruned(store: Store) -> None:
    store.save(fleet(1, 250))
    _, results = store.stream("latest")
    assert next(results).target == "host0000"
    store.save(fleet(2, 1))
    store.prune(keep_runs=1)
    assert len(list(results)) == 249  # of the moment at which it was opened


def test_memory_does_not_grow_with_the_run(store: Store) -> None:
    store.save(fleet(1, 200))
    store.save(fleet(2, 1200))

    def peak(reference: str) -> int:
        _, results = store.stream(reference)
        tracemalloc.start()
        try:
            assert sum(len(item.findings) for item in results) > 0
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak("night-002") < 2 * peak("night-001")
