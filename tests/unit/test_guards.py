"""Guards: armed before anything is touched, put off meanwhile, released only by a fresh connection."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import Any

import pytest

from hardener.conductor import Rollout, Stages, exit_code, resumed
from hardener.conductor.checkpoints import FOLDER
from hardener.conductor.guards import Guards
from hardener.errors import ExitCode, Unreachable
from hardener.model import Answer, CheckpointState, Outcome
from tests.unit.builders import answer, healthy
from tests.unit.fleet import RUN, Fleet, Playbook, Watched, applied, conductor, settings, targets


def ill() -> dict[str, Answer]:
    """A target on which one control fails."""
    return healthy() | {"number one": answer("99\n")}


def test_a_target_is_kept_before_it_is_touched_and_released_over_a_fresh_connection() -> None:
    fleet = Fleet(a=ill())
    _, (after,) = applied(conductor(fleet), targets("a"), settings(Playbook(fleet, healthy())))
    assert fleet.keeper("a").calls == ["take", "release"]
    assert after.checkpoint is CheckpointState.RELEASED
    assert fleet.keeper("a").status["operator"] == "ann"


def test_a_target_that_needs_nothing_keeps_no_checkpoint() -> None:
    fleet = Fleet(a=healthy())
    _, (after,) = applied(conductor(fleet), targets("a"), settings(Playbook(fleet, healthy())))
    assert fleet.keeper("a").calls == []
    assert after.checkpoint is None


def test_every_module_is_started_by_what_marks_it_as_the_runs_own() -> None:
    fleet = Fleet(a=ill())
    playbook = Playbook(fleet, healthy())
    applied(conductor(fleet), targets("a"), settings(playbook))
    assert playbook.runs[0].variables["a"]["ansible_python_interpreter"] == f"{FOLDER}/{RUN}/python"


def test_a_second_run_is_refused_and_told_whose_the_first_is() -> None:
    fleet = Fleet(a=ill())
    fleet.keeper("a").holder = {"run": "R1", "operator": "bob"}
    playbook = Playbook(fleet, healthy())
    _, (after,) = applied(conductor(fleet), targets("a"), settings(playbook))
    assert playbook.runs == []
    assert after.problem == "another run is under way there: R1 of bob"
    assert exit_code([after]) == ExitCode.INCOMPLETE


def test_a_target_that_cannot_keep_a_checkpoint_is_not_touched_and_stops_nobody() -> None:
    fleet = Fleet(full=ill(), well=ill())
    fleet.keeper("full").refuses["take"] = "No space left on device"
    playbook = Playbook(fleet, healthy())
    _, (full, well) = applied(conductor(fleet), targets("full", "well"), settings(playbook))
    assert list(playbook.runs[0].variables) == ["well"]
    assert full.problem == "No space left on device"
    assert well.problem is None


def test_a_failed_playbook_is_taken_back() -> None:
    fleet = Fleet(a=ill())
    _, (after,) = applied(conductor(fleet), targets("a"), settings(Playbook(fleet, ill(), problem="Write: disk full")))
    assert fleet.keeper("a").calls == ["take", "restore"]
    assert after.checkpoint is CheckpointState.RESTORED
    assert after.problem == "Write: disk full; restored its checkpoint: Write: disk full"


def test_what_could_not_be_brought_back_is_said() -> None:
    fleet = Fleet(a=ill())
    keeper = fleet.keeper("a")

    def lost() -> None:
        keeper.status |= {"state": "restored", "reason": "too late", "left": ["audit rules: locked"]}

    _, (after,) = applied(conductor(fleet), targets("a"), settings(Playbook(fleet, ill(), meanwhile=lost)))
    assert after.problem == "restored its checkpoint: too late; could not be brought back: audit rules: locked"


def test_what_is_cut_short_while_it_is_released_is_unfinished() -> None:
    fleet = Fleet(a=ill())
    keeper = fleet.keeper("a")
    answered = keeper.answer

    def interrupting(words: Sequence[str]) -> Answer:
        if words[0] == "release":
            raise KeyboardInterrupt
        return answered(words)

    keeper.answer = interrupting  # type: ignore[method-assign]
    rollout = Rollout(conductor(fleet), settings(Playbook(fleet, healthy())), Stages(), RUN, targets("a"))
    with pytest.raises(KeyboardInterrupt):
        rollout.go()
    _, after = rollout.results()
    assert after[0].problem == "cut short while it was under way: its next audit says what became of it"
    assert resumed(targets("a"), after) == targets("a")


def test_a_target_that_does_not_answer_keeps_the_word_from_nobody() -> None:
    fleet = Fleet(silent=ill(), well=ill())
    asked, answers, heard = Event(), Event(), Event()

    def silent() -> None:
        asked.set()
        answers.wait(30)

    fleet.keeper("silent").meets["heartbeat"] = silent
    fleet.keeper("well").meets["heartbeat"] = heard.set
    guards = Guards(fleet, Watched(), RUN, "ann", seconds=1, workers=2)
    try:
        assert guards.arm({"silent": {}, "well": {}}, targets("silent", "well")) == {}
        assert asked.wait(30)
        heard.clear()
        assert heard.wait(30), "the others' guards are put off while it is silent"
        guards.quiet()
        assert guards.release(["well"])["well"].state is CheckpointState.RELEASED
    finally:
        answers.set()
        guards.close()


def test_a_guard_is_put_off_from_the_moment_it_is_armed_however_long_others_take() -> None:
    fleet = Fleet(slow=ill(), quick=ill())
    heard = Event()
    fleet.keeper("quick").meets["heartbeat"] = heard.set
    fleet.keeper("slow").meets["take"] = lambda: heard.wait(30)
    guards = Guards(fleet, Watched(), RUN, "ann", seconds=3600, workers=2)
    try:
        assert guards.arm({"slow": {}, "quick": {}}, targets("slow", "quick")) == {}
        assert heard.is_set()
    finally:
        guards.close()


def test_the_guard_of_a_slow_target_waits_longer_and_the_operator_is_told() -> None:
    fleet = Fleet(a=ill())
    clock, progress, heard = Clock({}), Watched(), Event()
    fleet.keeper("a").meets = {"take": lambda: clock.pause(25), "heartbeat": heard.set}
    guards = Guards(fleet, progress, RUN, "ann", seconds=12, clock=clock, pause=clock.pause)
    try:
        guards.arm({"a": {}}, targets("a"))
        assert heard.wait(30)
    finally:
        guards.close()
    assert fleet.keeper("a").heartbeats[0] == 75
    assert ("a", "its guard waits 75 s instead of 12: its checkpoint took 25 s") in progress.warnings


def test_the_first_word_that_is_lost_is_told() -> None:
    fleet = Fleet(a=ill())
    told = Event()

    class Telling(Watched):
        def warn(self, target: str, text: str) -> None:
            super().warn(target, text)
            if "was not reached" in text:
                told.set()

    def lost() -> None:
        fleet.hosts["a"] = Unreachable("no route to host")

    fleet.keeper("a").meets["heartbeat"] = lost
    progress = Telling()
    guards = Guards(fleet, progress, RUN, "ann", seconds=1)
    try:
        guards.arm({"a": {}}, targets("a"))
        assert told.wait(30)
    finally:
        guards.close()
    words = "its guard was not reached (the connection was lost), and restores it unless it is within 1 s"
    assert ("a", words) in progress.warnings


@pytest.mark.parametrize("trouble", [TypeError("nobody foresaw this"), OSError("no file descriptor left")])
def test_a_fault_of_our_own_stops_no_heartbeat(trouble: Exception) -> None:
    fleet = Fleet(a=ill())
    again = Event()
    keeper = fleet.keeper("a")

    def breaks_once() -> None:
        if len(keeper.heartbeats) == 1:
            raise trouble
        again.set()

    keeper.meets["heartbeat"] = breaks_once
    guards = Guards(fleet, Watched(), RUN, "ann", seconds=60)
    try:
        guards.arm({"a": {}}, targets("a"))
        assert again.wait(30)
    finally:
        guards.close()


def test_a_word_that_could_not_be_written_down_is_told_and_said_again() -> None:
    fleet = Fleet(a=ill())
    again = Event()
    keeper = fleet.keeper("a")

    def full() -> None:
        keeper.status["state"] = "lost" if len(keeper.heartbeats) == 1 else "armed"
        if len(keeper.heartbeats) == 2:
            again.set()

    keeper.meets["heartbeat"] = full
    progress = Watched()
    guards = Guards(fleet, progress, RUN, "ann", seconds=1)
    try:
        guards.arm({"a": {}}, targets("a"))
        assert again.wait(30)
    finally:
        guards.close()
    assert any("could not write down" in text for _, text in progress.warnings)


def test_what_could_not_be_kept_is_named() -> None:
    fleet = Fleet(a=ill())
    progress = Watched()
    unkept = {f"/home/{name}": "a file system of type nfs4" for name in ("ann", "bob", "eve", "joe")}
    fleet.keeper("a").unkept = unkept
    guards = Guards(fleet, progress, RUN, "ann", seconds=60)
    try:
        guards.arm({"a": {}}, targets("a"))
    finally:
        guards.close()
    (words,) = [text for _, text in progress.warnings if text.startswith("not kept")]
    assert words.startswith("not kept, and not to be changed: /home/ann (a file system of type nfs4), /home/bob")
    assert words.endswith(" …")


def test_a_fault_of_our_own_at_one_target_is_that_ones() -> None:
    fleet = Fleet(odd=ill(), well=ill())

    def breaks() -> None:
        raise TypeError("nobody foresaw this")

    fleet.keeper("odd").meets["take"] = breaks
    guards = Guards(fleet, Watched(), RUN, "ann", seconds=60)
    try:
        problems = guards.arm({"odd": {}, "well": {}}, targets("odd", "well"))
        assert problems["odd"].words.startswith("a fault of our own: TypeError: nobody foresaw this")
        assert guards.armed == ["well"]
        fleet.keeper("well").meets["release"] = breaks
        ended = guards.release(["well"])["well"]
        assert ended.is_our_fault
    finally:
        guards.close()


class Clock:
    """Time that passes only where somebody waits; what happens at a moment is up to the test."""

    def __init__(self, events: dict[float, Any]) -> None:
        self.now, self.events = 0.0, dict(sorted(events.items()))

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        for moment in [moment for moment in self.events if moment <= self.now]:
            self.events.pop(moment)()


def cut_off(fleet: Fleet, events: dict[float, Any]) -> Guards:
    """Guards of a target that nobody reaches any more once its playbook has run."""
    clock = Clock(events)
    guards = Guards(fleet, Watched(), RUN, "ann", seconds=20, workers=1, clock=clock, pause=clock.pause)
    assert guards.arm({"a": {}}, targets("a")) == {}
    guards.quiet()
    fleet.hosts["a"] = Unreachable("no route to host")
    return guards


def test_where_nobody_gets_in_we_wait_for_the_guard_and_tell_its_reason() -> None:
    fleet = Fleet(a=ill())
    keeper = fleet.keeper("a")

    def trip() -> None:
        keeper.status |= {"state": "restored", "reason": "nobody came", "left": []}
        fleet.hosts["a"] = ill()

    ended = cut_off(fleet, {20.0: trip}).release(["a"])["a"]
    assert ended.state is CheckpointState.RESTORED
    assert ended.problem == "no way in after the changes (no route to host): restored its checkpoint: nobody came"


def test_a_way_that_opens_again_in_time_releases() -> None:
    fleet = Fleet(a=ill())
    ended = cut_off(fleet, {5.0: lambda: fleet.hosts.update(a=ill())}).release(["a"])["a"]
    assert (ended.state, ended.problem) == (CheckpointState.RELEASED, None)


def test_a_target_that_never_comes_back_is_told_as_such() -> None:
    ended = cut_off(Fleet(a=ill()), {}).release(["a"])["a"]
    assert ended.state is None
    assert ended.problem == "no route to host; its guard has not brought it back within 920 s"


def test_an_interruption_takes_back_what_is_under_way() -> None:
    fleet = Fleet(a=ill())

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        applied(conductor(fleet), targets("a"), settings(Playbook(fleet, ill(), meanwhile=interrupted)))
    assert fleet.keeper("a").calls == ["take", "restore"]
    assert fleet.keeper("a").words[-1] == "interrupted"


def test_after_an_apply_what_failed_before_and_holds_now_is_fixed() -> None:
    fleet = Fleet(a=ill())
    _, (after,) = applied(conductor(fleet), targets("a"), settings(Playbook(fleet, healthy())))
    assert after.count(Outcome.FIXED) == 1


def test_what_the_playbook_left_as_it_is_stays_known() -> None:
    fleet = Fleet(a=ill())
    playbook = Playbook(fleet, ill(), left_as_is=["/etc/x: left alone: a link"])
    _, (after,) = applied(conductor(fleet), targets("a"), settings(playbook))
    assert after.left_as_is == ("/etc/x: left alone: a link",)
