"""A rollout goes batch by batch, and stops before it does harm to more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.conductor import RebootPolicy, Rollout, Stages, exit_code, make_plans, resumed
from hardener.conductor.rollout import batches_of, ordered, share
from hardener.errors import ConfigError, ExitCode
from hardener.model import Change, Plans, TargetResult
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun
from tests.unit.builders import answer, healthy, target
from tests.unit.fleet import RUN, Fleet, Playbook, applied, conductor, settings, targets

ILL = healthy() | {"number one": answer("99\n")}


def fleet_of(*names: str, **others: Any) -> Fleet:
    return Fleet(**dict.fromkeys(names, ILL), **others)


SIZES = some.lists(some.from_regex(r"\A([1-9][0-9]?|[1-9][0-9]?%)\Z"), min_size=1, max_size=4)


@given(total=some.integers(1, 200), sizes=SIZES)
def test_every_target_is_in_one_batch_in_its_order(total: int, sizes: list[str]) -> None:
    chosen = targets(*(f"t{number}" for number in range(total)))
    batches = batches_of(chosen, sizes)
    assert [item for batch in batches for item in batch] == chosen
    assert all(batches)


def test_sizes_are_numbers_or_shares_and_the_last_one_repeats() -> None:
    chosen = targets(*(f"t{number}" for number in range(20)))
    assert [len(batch) for batch in batches_of(chosen, ["1", "25%"])] == [1, 5, 5, 5, 4]
    assert [len(batch) for batch in batches_of(chosen, ["1", "10%", "100%"])] == [1, 2, 17]


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "120%", "5 %"])
def test_what_is_no_size_is_refused_before_anything_is_contacted(text: str) -> None:
    with pytest.raises(ConfigError, match="neither a number nor a percentage"):
        Stages(batches=[text])


def test_a_share_is_rounded_down() -> None:
    assert (share("3", 100), share("10%", 25), share("100%", 7)) == (3, 2, 7)


def test_groups_come_in_the_order_that_was_asked_for() -> None:
    first, second, third = (
        target(name).model_copy(update={"groups": groups})
        for name, groups in (("a", ("workers",)), ("b", ()), ("c", ("control_plane",)))
    )
    assert [item.name for item in ordered([first, second, third], ["control_plane", "workers"])] == ["c", "a", "b"]


def test_no_further_batch_once_too_much_has_failed() -> None:
    fleet = fleet_of("a", "b", "c")
    playbook = Playbook(fleet, ILL, problem="Write: disk full")
    _, after = applied(conductor(fleet), targets("a", "b", "c"), settings(playbook), batches=["1"])
    assert len(playbook.runs) == 1
    assert [result.target for result in after] == ["a", "b", "c"]
    assert after[1].problem == after[2].problem == "not started: 1 of 1 target failed (a)"
    assert exit_code(after) == ExitCode.INCOMPLETE


def test_as_many_may_fail_as_was_allowed() -> None:
    fleet = fleet_of("a", "b", "c")
    playbook = Playbook(fleet, ILL, problem="Write: disk full")
    applied(conductor(fleet), targets("a", "b", "c"), settings(playbook), batches=["1"], max_fail="1")
    assert len(playbook.runs) == 2


def test_between_batches_the_operators_command_has_its_say() -> None:
    fleet = fleet_of("a", "b")
    fleet.commands = {"quorum": 1}
    playbook = Playbook(fleet, healthy())
    _, (first, second) = applied(
        conductor(fleet), targets("a", "b"), settings(playbook), batches=["1"], health="quorum"
    )
    assert first.problem is None
    assert second.problem == "not started: the health command failed: no quorum"


def test_a_pause_lies_between_batches_only() -> None:
    fleet = fleet_of("a", "b")
    waited: list[float] = []
    stages = {"batches": ["1"], "pause_seconds": 7.0, "pause": waited.append}
    applied(conductor(fleet), targets("a", "b"), settings(Playbook(fleet, healthy())), **stages)
    assert waited == [7.0]


def test_a_run_goes_on_with_what_an_earlier_one_did_not_finish() -> None:
    results = [
        TargetResult(target="done"),
        TargetResult(target="failed", problem="no route"),
        TargetResult(target="later", problem="not started: interrupted"),
    ]
    chosen = resumed(targets("later", "done", "failed", "new"), results)
    assert [item.name for item in chosen] == ["later", "failed"]


def test_an_interrupted_rollout_says_what_it_did_not_start() -> None:
    fleet = fleet_of("a", "b")

    def interrupted() -> None:
        raise KeyboardInterrupt

    how = settings(Playbook(fleet, ILL, meanwhile=interrupted))
    rollout = Rollout(conductor(fleet), how, Stages(batches=["1"]), RUN, targets("a", "b"))
    with pytest.raises(KeyboardInterrupt):
        rollout.go()
    _, (first, second) = rollout.results()
    assert first.problem == "restored its checkpoint: interrupted"
    assert second.problem == "not started: the rollout was cut short"


def approving(*names: str) -> Plans:
    """What an operator approved for targets of which one control fails."""
    fleet = fleet_of(*names)
    return make_plans(conductor(fleet), targets(*names), settings(Playbook(fleet, ILL)))


def held(fleet: Fleet, playbook: Playbook, approved: Plans, **stages: Any) -> list[TargetResult]:
    """What an apply under an approved plan comes to."""
    how = settings(playbook, approved=approved, is_compared=stages.pop("is_compared", False))
    return list(applied(conductor(fleet), targets(*fleet.hosts), how, **{"batches": ["1"], **stages})[1])


WORSE = ILL | {"number two": answer("99\n")}


class Rehearsed(Playbook):
    """A playbook that repairs nothing while it is rehearsed, and after a target was changed has another befall."""

    def __init__(self, fleet: Fleet, befall: Callable[[Fleet], None] = lambda _fleet: None) -> None:
        super().__init__(fleet, healthy())
        self.befall = befall

    def __call__(self, run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        if not run.is_dry:
            done = super().__call__(run)
            self.befall(self.fleet)
            return done
        self.runs.append(run)
        changes = [Change(role="alpha", task="Write", module="keyed_file", subject="/etc/x")]
        return {name: PlaybookOutcome(changes=changes) for name in run.variables}

    @property
    def changed(self) -> list[str]:
        return [name for run in self.runs if not run.is_dry for name in run.variables]


def moves(name: str) -> Callable[[Fleet], None]:
    def befall(fleet: Fleet) -> None:
        fleet.hosts[name] = WORSE

    return befall


def test_a_target_that_moved_after_the_plan_was_compared_is_not_touched_in_its_batch() -> None:
    fleet = fleet_of("a", "b", "c")
    playbook = Rehearsed(fleet, moves("b"))
    first, second, third = held(fleet, playbook, approving("a", "b", "c"), max_fail="3")
    assert playbook.changed == ["a", "c"]
    assert second.problem is not None
    assert second.problem.startswith("not changed, the approved plan no longer holds: alpha-two fails now")
    assert second.checkpoint is None
    assert fleet.keeper("b").calls == []
    assert (first.problem, third.problem) == (None, None)
    assert exit_code([first, second, third]) is ExitCode.INCOMPLETE


def test_its_neighbours_in_the_batch_go_on() -> None:
    fleet = fleet_of("a", "b", "c")
    playbook = Rehearsed(fleet, moves("b"))
    results = held(fleet, playbook, approving("a", "b", "c"), batches=["1", "2"])
    assert playbook.changed == ["a", "c"]
    assert [result.problem is None for result in results] == [True, False, True]


def test_every_batch_is_rehearsed_before_it_is_changed_and_its_items_are_compared() -> None:
    fleet = fleet_of("a", "b")
    approved = approving("a", "b")
    playbook = Rehearsed(fleet)
    assert [result.problem for result in held(fleet, playbook, approved)] == [None, None]
    assert [(list(run.variables), run.is_dry) for run in playbook.runs] == [
        (["a"], True),
        (["a"], False),
        (["b"], True),
        (["b"], False),
    ]
    other = approved.targets[1].model_copy(update={"items": ()})
    fleet = fleet_of("a", "b")
    playbook = Rehearsed(fleet)
    _, second = held(fleet, playbook, approved.model_copy(update={"targets": (approved.targets[0], other)}))
    assert playbook.changed == ["a"]
    assert second.problem is not None
    assert "now needed as well" in second.problem


def test_the_only_batch_is_not_rehearsed_again_for_a_plan_that_has_just_been_compared() -> None:
    fleet = fleet_of("a", "b")
    playbook = Rehearsed(fleet)
    held(fleet, playbook, approving("a", "b"), is_compared=True, batches=["100%"])
    assert [run.is_dry for run in playbook.runs] == [False]


def test_in_the_only_batch_a_control_that_was_not_approved_is_not_remedied() -> None:
    fleet = Fleet(a=WORSE, b=ILL)
    playbook = Rehearsed(fleet)
    first, second = held(fleet, playbook, approving("a", "b"), is_compared=True, batches=["100%"])
    assert playbook.changed == ["b"]
    assert first.problem == "not changed, the approved plan no longer holds: alpha-two fails now"
    assert second.problem is None


class Unrehearsable(Rehearsed):
    """A playbook that cannot be rehearsed on any target, and would run all the same."""

    def __call__(self, run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        done = super().__call__(run)
        return {name: replace(item, problem="no check mode" if run.is_dry else None) for name, item in done.items()}


def test_a_target_of_which_it_was_approved_that_nothing_would_be_done_is_not_touched() -> None:
    fleet = fleet_of("a")
    playbook = Unrehearsable(fleet)
    approved = make_plans(conductor(fleet), targets("a"), settings(playbook))
    (result,) = held(fleet, playbook, approved)
    assert result.problem == "not changed: could not be rehearsed: no check mode"
    assert (playbook.changed, fleet.keeper("a").calls) == ([], [])


def test_nobody_is_restarted_who_was_not_asked_for() -> None:
    assert Stages().reboot is RebootPolicy.NEVER
