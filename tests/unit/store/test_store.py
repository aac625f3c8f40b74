"""The store: runs come back as they were, are written whole or not at all, and stay private."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from hardener.errors import ExitCode, SchemaTooNew, StoreError
from hardener.model import Answer, Change, Facts, Finding, Outcome, Platform, Run, RunKind, TargetResult, Transcript
from hardener.store import Store
from tests.unit.builders import catalogue

STARTED = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def sample(identifier: str = "20261121T040000Z-aaaa", *, hours: int = 0) -> Run:
    answers = {
        "cat x": Answer(exit_status=0, stdout=b"same bytes", stderr=b"\xff\x00"),
        "cat y": Answer(exit_status=None, stdout=b"same bytes", problem="timed out after 30 s"),
    }
    result = TargetResult(
        target="node",
        facts=Facts(
            platform=Platform(family="debian", release="12"),
            kernel="6.1",
            machine_id="m",
            operator="admin",
            is_root=True,
            has_python=True,
        ),
        findings=(
            Finding(
                control="alpha-one", outcome=Outcome.FAIL, observed={"now": 1}, reason="is 1", questions=("cat x",)
            ),
            Finding(control="alpha-two", outcome=Outcome.ERROR, reason="lost"),
        ),
        changes=(Change(role="alpha", task="Write", module="keyed_file", subject="/etc/x", before="a", after="b"),),
        transcript=Transcript(answers=answers, round_trips=1),
        seconds=0.5,
        tasks=3,
    )
    return Run(
        id=identifier,
        kind=RunKind.APPLY,
        started=STARTED + timedelta(hours=hours),
        finished=STARTED + timedelta(hours=hours, seconds=5),
        operator="someone",
        tool_version="0",
        profile="cis-level1",
        controls=catalogue().records,
        results=(result, TargetResult(target="dead", problem="no route")),
        before=(result.model_copy(update={"changes": ()}),),
    )


def test_a_run_comes_back_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite")
    store.save(sample())
    assert Store(tmp_path / "runs.sqlite").load("latest").model_dump() == sample().model_dump()


def test_runs_are_listed_newest_first_and_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite")
    for identifier, hours in (("b1", 0), ("a2", -1), ("a1", 1)):
        store.save(sample(identifier, hours=hours))
    assert [(item.id, item.targets) for item in store.runs()] == [("a1", 2), ("a2", 2), ("b1", 2)]
    assert store.load("latest").id == "a1"
    assert store.load("b").id == "b1"
    with pytest.raises(StoreError, match="more than one run starts with 'a'"):
        store.load("a")
    with pytest.raises(StoreError, match="no run '%'"):
        store.load("%")


def test_the_same_output_is_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite")
    for identifier in ("one", "two"):
        store.save(sample(identifier))
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        evidence = connection.execute("SELECT count(*), count(DISTINCT content) FROM evidence").fetchone()
    assert evidence == (2, 2)


def test_a_run_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite")
    twice = sample()
    finding = twice.results[0].findings[0]
    broken = twice.results[0].model_copy(update={"findings": (finding, finding)})
    with pytest.raises(StoreError, match="a control has two findings on node"):
        store.save(twice.model_copy(update={"results": (broken,)}))
    assert store.runs() == []


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    Store(tmp_path / "state" / "runs.sqlite")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "runs.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    location = tmp_path / "runs.sqlite"
    Store(location)
    with create_engine(f"sqlite:///{location}").begin() as connection:
        connection.execute(text("UPDATE schema_version SET version = 99"))
    with pytest.raises(SchemaTooNew, match="schema 99") as caught:
        Store(location)
    assert caught.value.exit_code == ExitCode.BAD_CONFIG


def test_a_store_that_cannot_be_written_or_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database, but long enough to be looked at as one" * 40)
    with pytest.raises(StoreError, match="file is not a database"):
        Store(tmp_path / "file")
    with pytest.raises(StoreError, match="File exists"):
        Store(tmp_path / "file" / "below.sqlite")
