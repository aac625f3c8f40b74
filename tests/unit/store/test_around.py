"""What targets answered just before and just when a value was first seen: of the right results, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.model import Answer, Around, Outcome, Scope, TargetResult, Transcript
from hardener.store import Store

from .nights import FIRST_NIGHT, night, result

COMMANDS = ("what changed", "what else")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs.sqlite")


def saw(seen: int | Outcome, changed: str | None, target: str = "web") -> TargetResult:
    """A result whose target, where it was asked, answered what had changed."""
    found = result(target, target, alpha_one=seen)
    answers = dict(found.transcript.answers)
    if changed is not None:
        answers[COMMANDS[0]] = Answer(exit_status=0, stdout=changed.encode())
    return found.model_copy(update={"transcript": Transcript(answers=answers)})


def between(store: Store, target: str = "web") -> tuple[str, str] | None:
    """The answers around the value that ``alpha-one`` has now."""
    (pair,) = store.compare(pattern=target, commands=COMMANDS).pairs
    if "alpha-one" not in pair.around:
        return None
    found = pair.around["alpha-one"]
    before, after = (
        answers[COMMANDS[0]].stdout.decode() if COMMANDS[0] in answers else "-"
        for answers in (found.before, found.after)
    )
    return before, after


def test_they_are_of_the_night_it_changed_and_of_the_night_before(store: Store) -> None:
    for number, (seen, changed) in enumerate([(5, "a"), (5, "b"), (99, "c"), (99, "d")], start=1):
        store.save(night(number, saw(seen, changed)))
    store.declare_baseline("night-001", "*", FIRST_NIGHT)
    assert between(store) == ("b", "c")
    (pair,) = store.compare(commands=COMMANDS).pairs
    (found,) = pair.around.values()
    assert (found.began, found.ended) == (night(2).started, night(3).finished)


def test_what_was_not_asked_again_is_as_it_was_last(store: Store) -> None:
    store.save(night(1, saw(5, "a")))
    store.save(night(2, saw(5, None), scope=Scope(controls="alpha-*")))
    store.save(night(3, saw(99, "b")))
    assert between(store) == ("a", "b")


def test_each_target_has_its_own(store: Store) -> None:
    store.save(night(1, saw(5, "a"), saw(5, "x", "db")))
    store.save(night(2, saw(99, "b"), saw(99, "y", "db")))
    assert (between(store), between(store, "db")) == (("a", "b"), ("x", "y"))


def test_a_target_that_was_never_asked_has_none(store: Store) -> None:
    store.save(night(1, saw(5, None)))
    store.save(night(2, saw(99, None)))
    assert between(store) is None
    store.save(night(3, saw(5, "a")))
    assert between(store) == ("-", "a")


def test_nothing_is_read_that_was_not_asked_for(store: Store) -> None:
    store.save(night(1, saw(5, "a")))
    store.save(night(2, saw(99, "b")))
    (pair,) = store.compare().pairs
    assert pair.around == {}


def test_a_value_that_is_older_than_the_baseline_has_none(store: Store) -> None:
    store.save(night(1, saw(99, "a")))
    store.save(night(2, saw(5, "b")))
    store.declare_baseline("night-002", "*", FIRST_NIGHT)
    (pair,) = store.compare("night-001", commands=COMMANDS).pairs
    assert pair.around == {}


def test_many_targets_at_once_are_read_in_batches(store: Store) -> None:
    names = [f"t{number:04}" for number in range(600)]
    store.save(night(1, *(saw(5, f"{name} a", name) for name in names)))
    store.save(night(2, *(saw(99, f"{name} b", name) for name in names)))
    pairs = store.compare(commands=COMMANDS).pairs
    found: list[Around] = [pair.around["alpha-one"] for pair in pairs]
    assert [item.after[COMMANDS[0]].stdout.decode() for item in found] == [f"{name} b" for name in names]
