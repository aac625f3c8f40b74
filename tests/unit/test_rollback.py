"""A rollback takes a run back under a guard of its own, and says what it left."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hardener.conductor import Rollback, RollbackRequest, Start, exit_code, make_run
from hardener.errors import ExitCode, Unreachable
from hardener.model import Answer, Change, ChangeKind, CheckpointState, Run, RunKind, TargetResult
from tests.unit.builders import healthy, selection
from tests.unit.fleet import RUN, Fleet, Playbook, conductor, settings, targets

SETTING = Change(
    role="alpha",
    task="Set",
    module="keyed_file",
    kind=ChangeKind.SETTING,
    subject="/etc/x",
    key="one",
    before="one 1",
    after="one 10",
    controls=("alpha-one",),
)
SHARED = SETTING.model_copy(update={"key": "all", "controls": ("alpha-one", "alpha-two")})


def undone(*changes: Change) -> Run:
    """An apply that made some changes on the target a."""
    results = [TargetResult(target="a", changes=changes, checkpoint=CheckpointState.RELEASED)]
    return make_run(Start(RunKind.APPLY), selection(), results)


def rolled_back(fleet: Fleet, run: Run, **how: object) -> Sequence[TargetResult]:
    """The results after a rollback of everything the fleet has."""
    request = RollbackRequest(undone=run, **how)  # type: ignore[arg-type]
    chosen = settings(Playbook(fleet, healthy()))
    rollback = Rollback(conductor(fleet), chosen, request, RUN, targets(*fleet.hosts))
    rollback.go()
    return rollback.results()[1]


def fleet_of(**hosts: dict[str, Answer] | Unreachable) -> Fleet:
    return Fleet(**{"a": healthy(), **hosts})


def test_a_rollback_is_kept_and_guarded_like_an_apply() -> None:
    fleet = fleet_of()
    fleet.keeper("a").rollback["undone"] = [["files", "/etc/x"], ["units", "cups.service"]]
    (after,) = rolled_back(fleet, undone(SETTING))
    assert fleet.keeper("a").calls == ["take", "rollback", "release"]
    assert after.checkpoint is CheckpointState.RELEASED
    assert [(item.kind, item.subject) for item in after.changes] == [
        (ChangeKind.FILE, "/etc/x"),
        (ChangeKind.UNIT, "cups.service"),
    ]
    assert exit_code([after]) == ExitCode.COMPLIANT


def asked(fleet: Fleet, run: Run, **how: object) -> list[str]:
    """The words with which the target was asked to roll back."""
    words: list[str] = []
    keeper = fleet.keeper("a")
    answered = keeper.answer

    def noted(given: Sequence[str]) -> Answer:
        words.extend(given if given[0] == "rollback" else ())
        return answered(given)

    keeper.answer = noted  # type: ignore[method-assign, assignment]
    rolled_back(fleet, run, **how)
    return words


def test_everything_goes_back_unless_some_controls_are_named() -> None:
    run = undone(SETTING, SHARED)
    assert asked(fleet_of(), run) == ["rollback", run.id, "null", "keep"]
    _, _, changes, force = asked(fleet_of(), run, controls="alpha-one", force=True)
    assert force == "force"
    (change,) = json.loads(changes)
    assert change == {"kind": "setting", "subject": "/etc/x", "key": "one", "before": "one 1", "after": "one 10"}


def test_conflicts_and_what_cannot_come_back_make_it_incomplete() -> None:
    fleet = fleet_of()
    fleet.keeper("a").rollback |= {"conflicts": [["files", "/etc/issue"]], "left": ["audit rules: locked"]}
    (after,) = rolled_back(fleet, undone(SETTING))
    assert after.problem == (
        "changed since by somebody else, left alone: /etc/issue; could not be brought back: audit rules: locked"
    )
    assert after.checkpoint is CheckpointState.RELEASED
    assert exit_code([after]) == ExitCode.INCOMPLETE


def test_what_was_made_for_other_controls_too_stays_and_is_named() -> None:
    other = SETTING.model_copy(update={"subject": "/etc/y", "controls": ("alpha-three",)})
    assert rolled_back(fleet_of(), undone(SETTING, SHARED), controls="alpha-one")[0].problem is None, "the role's"
    (after,) = rolled_back(fleet_of(), undone(SETTING, SHARED, other), controls="alpha-one")
    assert after.problem == "made for other controls too, left alone: /etc/x"


def test_a_target_on_which_the_controls_changed_nothing_is_not_touched() -> None:
    fleet = fleet_of()
    (after,) = rolled_back(fleet, undone(SETTING, SHARED), controls="alpha-tow")
    assert fleet.keeper("a").calls == []
    assert after.problem is not None
    assert after.problem.endswith("changed nothing there for alpha-tow alone")
    assert exit_code([after]) == ExitCode.INCOMPLETE


def test_a_target_that_keeps_no_checkpoint_of_the_run_stays_as_it_is() -> None:
    fleet = fleet_of()
    fleet.keeper("a").refuses["rollback"] = "R1: this target keeps no released checkpoint of that run"
    (after,) = rolled_back(fleet, undone(SETTING))
    assert fleet.keeper("a").calls == ["take", "rollback", "restore"]
    assert after.checkpoint is CheckpointState.RESTORED
    assert after.problem == "restored its checkpoint: R1: this target keeps no released checkpoint of that run"


def test_a_target_that_cannot_be_reached_stops_nobody() -> None:
    fleet = fleet_of(dead=Unreachable("no route"))
    well, dead = rolled_back(fleet, undone(SETTING))
    assert well.problem is None
    assert dead.problem == "no route"
    assert fleet.keeper("dead").calls == []


def test_another_run_under_way_is_not_disturbed() -> None:
    fleet = fleet_of()
    fleet.keeper("a").holder = {"run": "R9", "operator": "bob"}
    (after,) = rolled_back(fleet, undone(SETTING))
    assert after.problem == "another run is under way there: R9 of bob"
