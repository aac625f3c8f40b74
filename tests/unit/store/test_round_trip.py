"""Whatever is kept, in whatever order: every run loads back as it was saved."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardener.model import (
    Answer,
    Change,
    FileWalk,
    Finding,
    Outcome,
    Run,
    RunKind,
    Scope,
    TargetResult,
    Transcript,
)
from hardener.store import Store
from hardener.store.contents import packed, unpacked
from hardener.store.forms import of_result
from tests.unit.waivers import waiver

from .nights import facts, night, record, result

CONTROLS = ("alpha-one", "alpha-two", "beta-one", "gamma-é")
TARGETS = ("web", "db", "Ünïcode host")
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS, below, max_size=3),
    max_leaves=5,
)
MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001  (the zone comes below)
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))]),
)


@st.composite
def findings(draw: st.DrawFn) -> tuple[Finding, ...]:
    chosen = draw(st.lists(st.sampled_from(CONTROLS), unique=True))
    small = st.sampled_from([1, 2]) | JSON  # small, so that nights are often the same
    outcomes = {control: draw(st.sampled_from(Outcome)) for control in chosen}
    return tuple(
        Finding(
            control=control,
            outcome=outcome,
            observed=draw(small),
            expected=draw(st.sampled_from(["1", "2"])),
            reason=draw(st.just("") | WORDS),
            questions=draw(st.sampled_from([(), ("a",), ("b", "a")])),
            waiver=draw(st.sampled_from([None, "a", "b"])) if outcome is Outcome.FAIL else None,
        )
        for control, outcome in outcomes.items()
    )


ANSWERS = st.builds(
    Answer,
    exit_status=st.none() | st.integers(0, 255),
    stdout=st.sampled_from([b"", b"same\n"]) | st.binary(max_size=20),
    stderr=st.just(b""),
    problem=st.none() | WORDS,
)


@st.composite
def results(draw: st.DrawFn, target: str) -> TargetResult:
    changes = st.builds(
        Change,
        role=st.sampled_from(["", "sshd", "a.b"]),
        task=WORDS,
        module=WORDS,
        subject=WORDS,
        before=WORDS,
        after=WORDS,
    )
    walk = st.builds(
        FileWalk, started=MOMENTS, seconds=st.none() | st.floats(0, 9), directories=st.just(("/", "/home"))
    )
    return TargetResult(
        target=target,
        facts=draw(st.none() | st.sampled_from(["m1", "m2"]).map(facts)),
        findings=draw(findings()),
        changes=tuple(draw(st.lists(changes, max_size=2))),
        transcript=Transcript(
            answers=draw(st.dictionaries(st.sampled_from(["a", "b", "c\x00\n"]), ANSWERS)),
            round_trips=draw(st.integers(0, 8)),
        ),
        problem=draw(st.none() | WORDS),
        seconds=draw(st.floats(0, 100)),
        walk=draw(st.none() | walk),
        tasks=draw(st.integers(0, 9)),
    )


@st.composite
def runs(draw: st.DrawFn) -> list[Run]:
    """Interleaved runs over subsets of the targets; clocks go as they like."""

    def phase() -> tuple[TargetResult, ...]:
        chosen = draw(st.lists(st.sampled_from(TARGETS), unique=True))
        return tuple(draw(results(target)) for target in chosen)

    made = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(RunKind))
        changes: dict[str, Any] = {
            "kind": kind,
            "started": draw(MOMENTS),
            "finished": draw(MOMENTS),
            "results": phase(),
            "before": phase() if kind is not RunKind.AUDIT else (),
            "controls": {control: record(control, title=draw(st.sampled_from("ab"))) for control in CONTROLS},
            "scope": Scope(controls=draw(st.sampled_from(["*", "alpha-*"]))),
            "waivers": draw(st.sampled_from([(), (waiver("a"), waiver("b", observed={"x": 1}))])),
        }
        made.append(night(number + 1, **changes))
    return made


@given(runs())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_run_comes_back_as_it_was(sequence: list[Run]) -> None:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "runs.sqlite")
        for run in sequence:
            store.save(run)
        again = Store(Path(folder) / "runs.sqlite")
        for run in sequence:
            loaded = again.load(run.id)
            assert loaded == run
            assert [list(item.transcript.answers) for item in loaded.results] == [
                list(item.transcript.answers) for item in run.results
            ]
        assert again.problems() == []


@given(runs(), st.integers(0, 3))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_left_after_pruning_comes_back_as_it_was(sequence: list[Run], keep_runs: int) -> None:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "runs.sqlite")
        for run in sequence:
            store.save(run)
        pruned = store.prune(keep_runs=keep_runs)
        left = [run for run in sequence if run.id not in pruned.runs]
        assert [item.id for item in store.runs()] == [run.id for run in reversed(left)]
        assert {run.id for run in sequence[len(sequence) - keep_runs :]}.isdisjoint(pruned.runs)
        for run in left:
            assert store.load(run.id) == run
        assert store.problems() == []


@given(st.binary() | st.text(max_size=200).map(str.encode))
def test_every_body_is_unpacked_as_it_was_packed(data: bytes) -> None:
    assert unpacked(packed(data), "a body") == data


def test_the_row_of_a_quiet_night_is_small() -> None:
    body = of_result(result("web", alpha_one=5))
    assert len(packed(body)) < len(zlib.compress(body)) / 3
