"""A rollout goes batch by batch, and stops before it does harm to more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.conductor import RebootPolicy, Rollout, Stages, exit_code, resumed
from hardener.conductor.rollout import batches_of, ordered, share
from hardener.errors import ConfigError, ExitCode
from hardener.model import TargetResult
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


def test_nobody_is_restarted_who_was_not_asked_for() -> None:
    assert Stages().reboot is RebootPolicy.NEVER
