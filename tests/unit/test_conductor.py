"""The flows over many targets, with recorded targets and a recorded playbook in place of the real ones."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from hardener.conductor import Start, exit_code, make_run
from hardener.errors import ExitCode, Unreachable
from hardener.model import Answer, CheckpointState, Connection, Facts, Outcome, Question, RunKind, TargetResult
from hardener.transport.recorded import RecordedTransport
from tests.unit.builders import answer, facts_answers, healthy, number_control, selection
from tests.unit.fleet import Fleet, Playbook, Watched, applied, conductor, settings, targets


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


def test_a_change_that_would_lock_the_operator_out_is_refused_as_a_whole() -> None:
    chosen = selection()

    def door(facts: Facts, _values: Mapping[str, Any]) -> str:
        return f"{facts.operator} would stand outside"

    chosen.catalogue["alpha-one"] = number_control("one", role="alpha", would_lock_out=door)
    after = refused(healthy(), selection=chosen)
    assert after.problem == "refused, it would lock you out: alpha-one: admin would stand outside"
    assert exit_code([after]) == ExitCode.INCOMPLETE


def test_a_run_is_whole_and_its_id_sorts_by_time() -> None:
    started = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    (result,) = conductor(Fleet(a=healthy())).audit(targets("a"))
    run = make_run(Start(RunKind.AUDIT, at=started), selection(), [result])
    assert run.id.startswith("20261121T040000Z-")
    assert set(run.controls) >= {finding.control for finding in result.findings}
    assert run.finished >= run.started
