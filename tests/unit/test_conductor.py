"""The flows over many targets, with recorded targets and a recorded playbook in place of the real ones."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hardener.catalogue.control import CouldNotLook, Host
from hardener.conductor import Start, exit_code, make_run
from hardener.errors import ExitCode, Unreachable
from hardener.model import (
    Answer,
    CheckpointState,
    Connection,
    Facts,
    HeldBack,
    Outcome,
    Question,
    RunKind,
    TargetResult,
    Values,
)
from hardener.selection import Selection
from hardener.transport.recorded import RecordedTransport
from tests.unit.builders import answer, facts_answers, healthy, number_control, selection
from tests.unit.fleet import Fleet, Playbook, Watched, applied, conductor, settings, targets

BOTH_ILL = healthy() | {"number one": answer("99\n"), "number metal": answer("99\n")}


def test_the_first_target_takes_two_trips_and_the_next_ones_take_one() -> None:
    fleet = Fleet(a=healthy(), b=healthy(), c=healthy())
    results = conductor(fleet).audit(targets("a", "b", "c"))
    assert [result.transcript.round_trips for result in results] == [2, 1, 1]
    assert [name for name, _ in fleet.trips] == ["a", "a", "b", "c"]


def test_a_target_that_cannot_be_reached_is_error_throughout_and_stops_nobody() -> None:
    watched = Watched()
    fleet = Fleet(dead=Unreachable("no route to host"), well=healthy())
    dead, well = conductor(fleet, progress=watched).audit(targets("dead", "well"))
    assert dead.problem == "no route to host"
    assert {finding.outcome for finding in dead.findings} == {Outcome.ERROR}
    assert {finding.reason for finding in dead.findings} == {"no route to host"}
    assert well.problem is None
    assert exit_code([dead, well]) == ExitCode.INCOMPLETE
    assert ("dead", "no route to host") in watched.finished


def test_no_more_targets_are_this_machine_at_once_than_it_has_processors() -> None:
    inside: list[str] = []
    most: list[int] = []

    class Counting(RecordedTransport):
        def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
            inside.append("one")
            subprocess.run(["true"], check=True)  # long enough for all others to come in
            most.append(len(inside))
            inside.pop()
            return super().ask(questions)

    here = Connection(kind="local", host="localhost")
    alike = [target.model_copy(update={"connection": here}) for target in targets(*"abcdefghijklmnop")]
    flows = conductor(Fleet(), connect=lambda _: nullcontext(Counting(healthy())), workers=16)
    assert [result.problem for result in flows.audit(alike)] == [None] * 16
    assert max(most) <= (os.cpu_count() or 1)


def test_a_target_that_dies_in_mid_batch_is_error_only_for_what_was_not_answered() -> None:
    lost = Answer(exit_status=None, problem="the connection was lost before the answer")
    (result,) = conductor(Fleet(a=healthy() | {"number two": lost})).audit(targets("a"))
    found = {finding.control: finding.outcome for finding in result.findings}
    assert found["alpha-two"] is Outcome.ERROR
    assert found["alpha-one"] is Outcome.PASS
    assert exit_code([result]) == ExitCode.INCOMPLETE


def test_an_apply_touches_only_failing_controls_of_failing_targets() -> None:
    fleet = Fleet(well=healthy(), ill=healthy() | {"number one": answer("99\n")})
    playbook = Playbook(fleet, healthy())
    before, after = applied(conductor(fleet), targets("well", "ill"), settings(playbook))
    (run,) = playbook.runs
    assert list(run.variables) == ["ill"]
    assert run.variables["ill"]["hardening_controls"] == ["alpha-one"]
    assert run.variables["ill"]["alpha_numbers"] == {"one": 10}
    assert {finding.control: finding.outcome for finding in after[1].findings}["alpha-one"] is Outcome.FIXED
    assert (after[1].tasks, [change.controls for change in after[1].changes]) == (4, [("alpha-one",)])
    assert after[0] == before[0]
    assert exit_code(after) == ExitCode.COMPLIANT


def test_a_compliant_fleet_runs_no_ansible() -> None:
    fleet = Fleet(a=healthy())
    playbook = Playbook(fleet, healthy())
    before, after = applied(conductor(fleet), targets("a"), settings(playbook))
    assert playbook.runs == []
    assert before == after


def test_a_target_that_cannot_be_reached_is_not_changed() -> None:
    fleet = Fleet(dead=Unreachable("no route"))
    playbook = Playbook(fleet, healthy())
    applied(conductor(fleet), targets("dead"), settings(playbook))
    assert playbook.runs == []


def test_a_failed_playbook_is_a_problem_of_its_target() -> None:
    ill = healthy() | {"number one": answer("99\n")}
    fleet = Fleet(ill=ill)
    _, (after,) = applied(conductor(fleet), targets("ill"), settings(Playbook(fleet, ill, problem="Write: disk full")))
    assert after.problem == "Write: disk full; restored its checkpoint: Write: disk full"
    assert after.checkpoint is CheckpointState.RESTORED
    assert after.changes == ()
    assert exit_code([after]) == ExitCode.INCOMPLETE


def refused(answers: dict[str, Answer], **changes: Any) -> TargetResult:
    fleet = Fleet(ill=answers | {"number one": answer("99\n")})
    playbook = Playbook(fleet, healthy())
    _, (after,) = applied(conductor(fleet, **changes), targets("ill"), settings(playbook))
    assert playbook.runs == []
    return after


def test_without_root_or_python_nothing_is_changed_and_the_reason_is_told() -> None:
    assert (
        refused(healthy() | facts_answers(root=False)).problem == "refused, admin is not root there: set ansible_become"
    )
    without = refused(healthy() | facts_answers(python=False))
    assert without.problem == "refused, the target has no python3, which Ansible needs"


def a_door(**more: Any) -> Selection:
    """A selection in which the remedy of ``alpha-one`` would harm the target of the operator ``admin``."""
    chosen = selection()

    def door(_: Host, facts: Facts, __: Values) -> HeldBack | None:
        return HeldBack(reason=f"{facts.operator} would stand outside", go_on="bring a key")

    chosen.catalogue["alpha-one"] = number_control("one", role="alpha", hazards=[door], **more)
    return chosen


def test_what_would_harm_is_held_back_and_everything_else_is_done() -> None:
    fleet = Fleet(ill=healthy() | {"number one": answer("99\n"), "number metal": answer("99\n")})
    playbook = Playbook(fleet, healthy() | {"number one": answer("99\n")})
    _, (after,) = applied(conductor(fleet, selection=a_door()), targets("ill"), settings(playbook))
    assert [run.variables["ill"]["hardening_controls"] for run in playbook.runs] == [["beta-metal"]]
    found = {finding.control: finding for finding in after.findings}
    assert found["beta-metal"].outcome is Outcome.FIXED
    assert (found["alpha-one"].outcome, after.problem) == (Outcome.FAIL, None)
    assert found["alpha-one"].held_back == HeldBack(reason="admin would stand outside", go_on="bring a key")
    assert exit_code([after]) == ExitCode.FINDINGS


def test_a_target_of_which_everything_is_held_back_is_not_touched() -> None:
    after = refused(healthy(), selection=a_door())
    assert (after.problem, after.checkpoint) == (None, None)


def test_all_or_nothing_refuses_a_target_on_which_something_is_held_back() -> None:
    fleet = Fleet(ill=healthy() | {"number one": answer("99\n"), "number metal": answer("99\n")})
    playbook = Playbook(fleet, healthy())
    strict = replace(settings(playbook), all_or_nothing=True)
    _, (after,) = applied(conductor(fleet, selection=a_door()), targets("ill"), strict)
    assert playbook.runs == []
    assert after.problem == (
        "refused, not everything can be done: alpha-one: admin would stand outside; to go on: bring a key"
    )


def test_a_hazard_that_cannot_be_looked_at_holds_back() -> None:
    chosen = selection()

    def door(host: Host, _: Facts, __: Values) -> HeldBack | None:
        raise CouldNotLook(f"no door at {host}"[:10])

    chosen.catalogue["alpha-one"] = number_control("one", role="alpha", hazards=[door])
    after = refused(healthy(), selection=chosen)
    (finding,) = (finding for finding in after.findings if finding.control == "alpha-one")
    assert finding.held_back is not None
    assert finding.held_back.reason == "what it would do here could not be looked at: no door at"


def test_a_hazard_asks_only_where_the_control_fails() -> None:
    chosen = selection()

    def door(host: Host, _: Facts, __: Values) -> HeldBack | None:
        return HeldBack(reason="shut", go_on="open it") if host.run("is the door open").rc else None

    chosen.catalogue["alpha-one"] = number_control("one", role="alpha", hazards=[door])
    closed = healthy() | {"number one": answer("99\n"), "is the door open": answer("", 1)}
    well, ill = conductor(Fleet(well=healthy(), ill=closed), selection=chosen).audit(targets("well", "ill"))
    assert "is the door open" not in well.transcript.answers
    assert [finding.control for finding in ill.findings if finding.held_back] == ["alpha-one"]


@pytest.mark.parametrize(
    ("release", "named"),
    [
        ('ID=ubuntu\nVERSION_ID="24.04"\nID_LIKE=debian\n', "ubuntu 24.04"),
        ('ID="rhel"\nVERSION_ID="9.4"\n', "rhel 9.4"),
        ("ID=alpine\nVERSION_ID=3.20.3\n", "alpine 3.20.3"),
        ('ID=debian\nVERSION_ID="11"\n', "debian 11"),
        ("ID=debian\n", "debian rolling"),
    ],
)
def test_of_another_system_nothing_is_judged_and_nothing_is_changed(release: str, named: str) -> None:
    other = BOTH_ILL | {"cat /etc/os-release": answer(release)}
    fleet = Fleet(other=other, ill=BOTH_ILL)
    playbook = Playbook(fleet, healthy())
    (seen, _), (after, well) = applied(conductor(fleet), targets("other", "ill"), settings(playbook))
    assert seen.problem == f"nothing here is about {named}: the controls are for debian 12 and debian 13"
    assert {finding.outcome for finding in seen.findings} == {Outcome.NOTAPPLICABLE}
    assert (after.problem, after.checkpoint) == (seen.problem, None)
    assert [list(run.variables) for run in playbook.runs] == [["ill"]]
    assert well.problem is None
    assert exit_code([seen]) == ExitCode.INCOMPLETE


def test_a_role_that_fails_is_left_out_of_a_second_try_and_named() -> None:
    watched = Watched()
    fleet = Fleet(ill=BOTH_ILL)
    playbook = Playbook(fleet, healthy(), failing=["alpha"])
    _, (after,) = applied(conductor(fleet, progress=watched), targets("ill"), settings(playbook))
    assert [run.variables["ill"]["hardening_roles"] for run in playbook.runs] == [["alpha", "beta"], ["beta"]]
    assert fleet.keeper("ill").calls == ["take", "begin-again", "release"]
    assert after.problem == "role alpha failed, and 1 control was left out: Write: alpha is broken"
    assert after.checkpoint is CheckpointState.RELEASED
    assert [change.role for change in after.changes] == ["beta"]
    assert watched.warnings == [("ill", f"{after.problem}; all else is done once more")]
    assert exit_code([after]) == ExitCode.INCOMPLETE


def test_what_fails_again_is_restored_and_both_are_named() -> None:
    fleet = Fleet(ill=BOTH_ILL)
    playbook = Playbook(fleet, BOTH_ILL, failing=["alpha", "beta"])
    _, (after,) = applied(conductor(fleet), targets("ill"), settings(playbook))
    assert len(playbook.runs) == 2
    assert fleet.keeper("ill").calls == ["take", "begin-again", "restore"]
    assert after.problem is not None
    assert after.problem.startswith(
        "role alpha failed, and 1 control was left out: Write: alpha is broken; then Write: beta is broken; restored"
    )
    assert (after.checkpoint, after.changes) == (CheckpointState.RESTORED, ())


@pytest.mark.parametrize("strict", [False, True])
def test_there_is_no_second_try_where_nothing_is_left_or_none_is_wanted(strict: bool) -> None:
    fleet = Fleet(ill=BOTH_ILL if strict else healthy() | {"number one": answer("99\n")})
    how = replace(settings(Playbook(fleet, BOTH_ILL, failing=["alpha"])), all_or_nothing=strict)
    _, (after,) = applied(conductor(fleet), targets("ill"), how)
    assert fleet.keeper("ill").calls == ["take", "restore"]
    assert after.checkpoint is CheckpointState.RESTORED


def test_there_is_no_second_try_where_something_does_not_come_back() -> None:
    fleet = Fleet(ill=BOTH_ILL)
    fleet.keeper("ill").left = ["packages nginx"]
    playbook = Playbook(fleet, BOTH_ILL, failing=["alpha"])
    _, (after,) = applied(conductor(fleet), targets("ill"), settings(playbook))
    assert len(playbook.runs) == 1
    assert after.checkpoint is CheckpointState.RESTORED
    assert "could not be brought back: packages nginx" in str(after.problem)


def test_a_second_try_on_one_target_keeps_no_other_waiting() -> None:
    """The guards of the others are released before it begins."""
    fleet = Fleet(well=healthy() | {"number metal": answer("99\n")}, ill=BOTH_ILL)
    order: list[str] = []
    fleet.keeper("well").meets["release"] = lambda: order.append("well released")
    playbook = Playbook(fleet, healthy(), failing=["alpha"], meanwhile=lambda: order.append("playbook"))
    _, (well, ill) = applied(conductor(fleet), targets("well", "ill"), settings(playbook))
    assert order == ["playbook", "well released", "playbook"]
    assert (well.problem, well.checkpoint, ill.checkpoint) == (None, *[CheckpointState.RELEASED] * 2)


def test_a_run_is_whole_and_its_id_sorts_by_time() -> None:
    started = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    (result,) = conductor(Fleet(a=healthy())).audit(targets("a"))
    run = make_run(Start(RunKind.AUDIT, at=started), selection(), [result])
    assert run.id.startswith("20261121T040000Z-")
    assert set(run.controls) >= {finding.control for finding in result.findings}
    assert run.finished >= run.started
