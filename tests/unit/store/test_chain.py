"""Runs are chained: what somebody takes out, changes or slips in shows, and what a pruning removed is said to be so."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from hardener.errors import StoreError
from hardener.model import (
    NOTHING_BEFORE,
    Facts,
    Platform,
    Run,
    Trait,
    breaks,
    canonical,
    chained_digest,
    digest_of,
)
from hardener.store import Store
from tests.unit.store.nights import dead, facts, night, result
from tests.unit.store.test_round_trip import runs


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Five nights of a target."""
    place = tmp_path / "runs.sqlite"
    store = Store(place)
    for number in range(1, 6):
        store.save(night(number, result("web", alpha_one=number, alpha_two=1)))
    return place


def changed(file: Path, *statements: str) -> None:
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)


@given(runs())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_canonical_form_is_the_run_and_the_same_bytes_for_the_same_run(sequence: list[Run]) -> None:
    for run in sequence:
        form = b"".join(canonical(run))
        again = Run.model_validate_json(form)
        assert again == run
        assert b"".join(canonical(again)) == form
        assert hashlib.sha256(form).hexdigest() == digest_of(run)


def test_what_has_its_default_value_is_left_out_so_that_later_fields_change_no_digest() -> None:
    form = b"".join(canonical(night(1, result("web", alpha_one=1))))
    assert b'"waivers"' not in form
    assert b'"changes"' not in form
    assert form.startswith(b'{"before":[],"controls":{')


def test_a_set_has_the_same_order_in_every_process() -> None:
    both = facts("m").model_copy(update={"traits": frozenset({Trait.VM, Trait.GUI, Trait.CONTAINER_HOST})})
    assert both.model_dump(mode="json")["traits"] == ["container-host", "gui", "vm"]
    assert isinstance(both, Facts)
    assert both.platform == Platform(family="debian", release="12")


def test_a_link_holds_its_run_and_the_link_before(file: Path) -> None:
    store = Store(file)
    before = NOTHING_BEFORE
    run, chain = store.load_chained("latest")
    assert [link.run for link in chain] == [f"night-{number:03}" for number in range(1, 6)]
    for link in chain:
        assert link.digest == digest_of(store.load(link.run))
        assert link.chained == chained_digest(before, link.run, link.digest)
        before = link.chained
    assert chain[-1].run == run.id
    assert list(breaks(chain)) == []


def test_the_chain_of_a_run_ends_with_it(file: Path) -> None:
    _, chain = Store(file).load_chained("night-003")
    assert [link.run for link in chain] == ["night-001", "night-002", "night-003"]


def test_a_pruned_run_stays_in_the_chain_and_is_said_to_be_pruned(file: Path) -> None:
    store = Store(file)
    began = datetime.now(UTC).replace(microsecond=0)
    assert len(store.prune(keep_runs=1).runs) == 4
    _, chain = store.load_chained("latest")
    assert [link.pruned is not None for link in chain] == [True, True, True, True, False]
    assert chain[0].pruned is not None
    assert began <= chain[0].pruned <= datetime.now(UTC)
    assert store.problems() == []


def test_a_pruned_run_cannot_come_back_under_its_id(file: Path) -> None:
    store = Store(file)
    store.prune(keep_runs=1)
    with pytest.raises(StoreError, match="run night-001 was kept, and pruned"):
        store.save(night(1, result("web", alpha_one=1)))
    with pytest.raises(StoreError, match="run night-005 is kept already"):
        store.save(night(5, result("web", alpha_one=1)))


def test_the_chain_goes_on_after_the_last_run_was_pruned(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite")
    store.save(night(1, result("web", alpha_one=1)))
    store.save(night(2, dead("web", "alpha-one")))
    assert store.prune(oldest=datetime(2030, 1, 1, tzinfo=UTC)).runs == ("night-002",)
    store.save(night(3, result("web", alpha_one=1)))
    assert store.problems() == []


REMOVED = (
    "DELETE FROM finding",
    "DELETE FROM evidence",
    "DELETE FROM baseline",
    "DELETE FROM result WHERE run = 3",
    "DELETE FROM run WHERE number = 3",
)


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (REMOVED, "chain: run night-003 was removed, and by no pruning"),
        (
            ["DELETE FROM link WHERE run = 'night-003'"],
            "chain: run night-004 does not follow run night-002: one of them was changed, or a run between was removed",
        ),
        (["DELETE FROM link WHERE run = 'night-003'"], "chain: links are missing"),
        (["DELETE FROM link WHERE run = 'night-003'"], "chain: run night-003 was kept without a link"),
        (
            ["DELETE FROM link WHERE run = 'night-001'"],
            "chain: run night-002 does not follow the beginning: one of them was changed, or a run between was removed",
        ),
        (["UPDATE link SET pruned = 1 WHERE number = 2"], "chain: run night-002 is kept, though it was pruned"),
        (
            ["UPDATE finding SET content = (SELECT max(content) FROM finding) WHERE since = 2"],
            "chain: run night-002 was altered after it was kept",
        ),
        (
            ["UPDATE link SET digest = (SELECT digest FROM link WHERE number = 1) WHERE number = 2"],
            "chain: run night-002 was altered after it was kept",
        ),
        (
            ["UPDATE run SET body = (SELECT body FROM run WHERE number = 4) WHERE number = 5"],
            "chain: run night-005 was altered after it was kept",
        ),
    ],
)
def test_whatever_somebody_did_to_the_store_shows(statements: list[str], problem: str, file: Path) -> None:
    changed(file, *statements)
    assert problem in Store(file).problems()


def of_version_3(file: Path) -> None:
    """What the store was before there was a chain."""
    changed(
        file,
        "DROP TABLE link",
        "DROP TABLE acceptance",
        "UPDATE schema_version SET version = 3",
        "UPDATE alembic_version SET version_num = 3",
    )


def test_runs_kept_before_there_was_a_chain_are_chained_in_their_order(file: Path) -> None:
    of_version_3(file)
    store = Store(file)
    _, chain = store.load_chained("latest")
    assert [link.run for link in chain] == [f"night-{number:03}" for number in range(1, 6)]
    assert store.problems() == []
    assert Store(file).load_chained("latest")[1] == chain


def test_a_damaged_run_of_an_earlier_store_is_named_and_keeps_no_other_from_the_chain(file: Path) -> None:
    of_version_3(file)
    changed(file, "UPDATE run SET body = x'00' WHERE id = 'night-002'")
    store = Store(file)
    assert [link.run for link in store.load_chained("latest")[1]] == [
        "night-001",
        "night-003",
        "night-004",
        "night-005",
    ]
    assert store.problems() == ["chain: run night-002 was kept without a link"]
