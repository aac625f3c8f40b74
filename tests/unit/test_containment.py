"""What breaks on one target stays with it, and what breaks anywhere leaves a run of all that is known by then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from pydantic import BaseModel

from hardener.cli import main
from hardener.cli.keeping import Flow, carried_out
from hardener.conductor import (
    Audit,
    Rollback,
    RollbackRequest,
    Rollout,
    Stages,
    Start,
    applying,
    exit_code,
    make_plans,
    make_run,
    planning,
    resumed,
)
from hardener.conductor import rollback as rolling_back
from hardener.errors import ExitCode
from hardener.facts import LAST_RUN
from hardener.model import (
    Answer,
    Change,
    CheckpointState,
    Connection,
    Facts,
    Outcome,
    Question,
    Run,
    RunKind,
    TargetResult,
)
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun
from hardener.store import Store
from hardener.transport import Transport
from hardener.transport.recorded import RecordedTransport
from tests.unit.builders import answer, healthy, number_control, selection
from tests.unit.fleet import RUN, Fleet, Playbook, Watched, applied, conductor, settings, targets

ROOT = Path(__file__).parents[2]
ILL = healthy() | {"number one": answer("99\n")}


def invalid() -> None:
    class Strict(BaseModel):
        number: int

    Strict.model_validate({"number": "many"})


def deep() -> None:
    deep()


def raising(error: Exception) -> Callable[[], None]:
    def broken() -> None:
        raise error

    return broken


FAULTS: Mapping[str, Callable[[], None]] = {
    "RecursionError": deep,
    "MemoryError": raising(MemoryError()),
    "AttributeError": raising(AttributeError("'list' object has no attribute 'get'")),
    "KeyError": raising(KeyError("before")),
    "ValidationError": invalid,
    "OSError": raising(OSError(5, "Input/output error")),
}
faults = pytest.mark.parametrize("kind", FAULTS)


class Broken(RecordedTransport):
    """A connection on which asking breaks."""

    def __init__(self, fault: Callable[[], None]) -> None:
        super().__init__({})
        self.fault = fault

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        self.fault()
        return super().ask(questions)


class Breaking:
    """A fleet on one target of which something breaks; ``ask``: not when it is connected to, but when it is asked."""

    def __init__(self, fleet: Fleet, name: str, fault: Callable[[], None], *, ask: bool = False) -> None:
        self.fleet, self.name, self.fault, self.ask = fleet, name, fault, ask

    def __call__(self, connection: Connection) -> Transport:
        if connection.host != self.name:
            return self.fleet(connection)
        if not self.ask:
            self.fault()
        return Broken(self.fault)


def is_told(result: TargetResult, kind: str) -> None:
    assert result.is_our_fault
    assert result.problem is not None
    assert result.problem.startswith(f"a fault of our own: {kind}")
    assert result.problem.endswith(" (HARDENER_DEBUG=1 shows where)")
    assert "\n" not in result.problem


@faults
@pytest.mark.parametrize("ask", [False, True])
def test_whatever_breaks_while_a_target_is_asked_costs_the_others_nothing(kind: str, ask: bool) -> None:
    fleet = Fleet(a=healthy(), b=healthy(), c=healthy())
    found = conductor(fleet, connect=Breaking(fleet, "b", FAULTS[kind], ask=ask)).audit(targets("a", "b", "c"))
    first, broken, last = found
    is_told(broken, kind)
    assert {item.outcome for item in broken.findings} == {Outcome.ERROR}
    assert (first.problem, last.problem) == (None, None)
    assert exit_code(found) is ExitCode.INTERNAL


@faults
def test_what_breaks_while_a_target_is_judged_keeps_what_it_answered(kind: str) -> None:
    chosen = selection()

    def expect(values: tuple[Any, ...]) -> Any:
        FAULTS[kind]()
        return values

    chosen.catalogue["alpha-one"] = number_control("one", role="alpha", expect=expect)
    broken = conductor(Fleet(a=healthy()), selection=chosen).audit(targets("a"))[0]
    is_told(broken, kind)
    assert broken.access is not None


def test_where_it_broke_is_shown_to_whoever_wants_to_know(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = Fleet(a=healthy())
    chosen = conductor(fleet, connect=Breaking(fleet, "a", FAULTS["KeyError"]))
    chosen.audit(targets("a"))
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("HARDENER_DEBUG", "1")
    chosen.audit(targets("a"))
    assert "Traceback" in capsys.readouterr().err


@pytest.fixture
def deciding_breaks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deciding about the target whose kernel is ``odd`` breaks."""

    def refusal(_: object, __: object, facts: Facts, **___: object) -> None:
        if facts.kernel == "odd":
            FAULTS[kind]()

    monkeypatch.setattr(applying, "refusal", refusal)
    monkeypatch.setattr(planning, "refusal", refusal)


@pytest.mark.parametrize(
    ("command", "said", "named"),
    [
        ("cat /etc/machine-id", "../../x\n", "machine_id: String should match pattern"),
        ("cat /etc/machine-id", "m" * 100 + "\n", "machine_id: String should match pattern"),
        (
            LAST_RUN,
            '{"run": "../../../../home/user/ck", "operator": "a", "state": "released"}',
            "run: String should match pattern",
        ),
        (LAST_RUN, '{"run": "-rf"}', "run: String should match pattern"),
    ],
)
def test_an_id_that_is_none_is_the_problem_of_the_target_that_says_it(command: str, said: str, named: str) -> None:
    fleet = Fleet(a=healthy() | {command: answer(said)}, b=healthy())
    odd, well = conductor(fleet).audit(targets("a", "b"))
    assert odd.problem is not None
    assert odd.problem.startswith(f"the target could not be identified: {named}")
    assert "\n" not in odd.problem
    assert not odd.is_our_fault
    assert well.problem is None


@faults
@pytest.mark.usefixtures("deciding_breaks")
def test_what_breaks_while_it_is_decided_what_to_do_leaves_that_target_alone(kind: str) -> None:
    fleet = Fleet(odd=ILL | {"uname -r": answer("odd\n")}, ill=ILL)
    playbook = Playbook(fleet, healthy())
    _, (odd, ill) = applied(conductor(fleet), targets("odd", "ill"), settings(playbook))
    assert [list(run.variables) for run in playbook.runs] == [["ill"]]
    is_told(odd, kind)
    assert odd.checkpoint is None
    assert (ill.problem, ill.checkpoint) == (None, CheckpointState.RELEASED)
    assert exit_code([odd, ill]) is ExitCode.INTERNAL


@faults
@pytest.mark.usefixtures("deciding_breaks")
def test_what_breaks_while_a_plan_is_made_costs_that_plan(kind: str) -> None:
    fleet = Fleet(odd=ILL | {"uname -r": answer("odd\n")}, ill=ILL)
    how = settings(Playbook(fleet, ILL))
    odd, ill = make_plans(conductor(fleet), targets("odd", "ill"), how).targets
    assert odd.is_our_fault
    assert odd.problem is not None
    assert odd.problem.startswith(f"a fault of our own: {kind}")
    assert (ill.problem, [item.control for item in ill.changes]) == (None, ["alpha-one"])


@faults
def test_what_was_changed_stays_known_where_it_breaks_afterwards(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def attributed(*_: object) -> list[Change]:
        FAULTS[kind]()
        return []

    monkeypatch.setattr(applying, "attributed", attributed)
    fleet = Fleet(a=ILL)
    _, (after,) = applied(conductor(fleet), targets("a"), settings(Playbook(fleet, healthy())))
    is_told(after, kind)
    assert after.checkpoint is CheckpointState.RELEASED
    assert [change.subject for change in after.changes] == ["/etc/x"]


@faults
def test_a_target_that_breaks_in_the_last_audit_can_be_rolled_back(kind: str) -> None:
    fleet = Fleet(a=ILL, b=ILL)
    breaks = Breaking(fleet, "none", FAULTS[kind], ask=True)
    fleet.keeper("a").meets["release"] = lambda: setattr(breaks, "name", "a")
    playbook = Playbook(fleet, healthy())
    before, after = applied(conductor(fleet, connect=breaks), targets("a", "b"), settings(playbook))
    is_told(after[0], kind)
    assert after[0].checkpoint is CheckpointState.RELEASED
    assert [change.subject for change in after[0].changes] == ["/etc/x"]
    assert (after[1].problem, after[1].checkpoint) == (None, CheckpointState.RELEASED)
    run = make_run(Start(RunKind.APPLY), selection(), after, before)
    how = RollbackRequest(undone=run)
    rollback = Rollback(conductor(fleet), settings(playbook), how, "R2", targets("a"))
    rollback.go()
    assert fleet.keeper("a").calls[-3:] == ["take", "rollback", "release"]


@faults
@pytest.mark.parametrize("moment", ["take", "release"])
def test_what_breaks_while_one_guard_is_handled_costs_the_others_nothing(kind: str, moment: str) -> None:
    fleet = Fleet(a=ILL, b=ILL)
    fleet.keeper("a").meets[moment] = FAULTS[kind]
    _, (odd, well) = applied(conductor(fleet), targets("a", "b"), settings(Playbook(fleet, healthy())))
    assert odd.problem is not None
    assert odd.problem.startswith(f"a fault of our own: {kind}")
    assert [change.subject for change in odd.changes] == (["/etc/x"] if moment == "release" else [])
    assert (well.problem, well.checkpoint) == (None, CheckpointState.RELEASED)
    assert exit_code([odd, well]) is ExitCode.INTERNAL


def of_apply(fleet: Fleet, playbook: Callable[[PlaybookRun], Mapping[str, PlaybookOutcome]], **stages: Any) -> Rollout:
    how = settings(playbook)  # type: ignore[arg-type]
    return Rollout(conductor(fleet), how, Stages(**stages), RUN, targets(*fleet.hosts))


def kept(flow: Flow, kind: RunKind, tmp_path: Path, error: type[BaseException]) -> Run:
    """The run that is left of a flow that ends with an error."""
    store = Store(tmp_path / "runs")
    start = Start(kind)
    with pytest.raises(error):
        carried_out(flow, selection(), start, store)
    assert store.problems() == []
    run = store.load("latest")
    assert run.id == start.id
    return run


@faults
def test_a_fault_within_the_playbook_takes_everything_back_and_is_kept(kind: str, tmp_path: Path) -> None:
    fleet = Fleet(a=ILL, b=ILL)
    flow = of_apply(fleet, Playbook(fleet, ILL, meanwhile=FAULTS[kind]))
    run = kept(flow, RunKind.APPLY, tmp_path, Exception)
    assert [item.checkpoint for item in run.results] == [CheckpointState.RESTORED] * 2
    assert all(f"a fault of our own: {kind}" in str(item.problem) for item in run.results)
    assert [item.target for item in run.before] == ["a", "b"]


@faults
def test_a_fault_of_the_rollout_itself_keeps_what_its_batches_did(kind: str, tmp_path: Path) -> None:
    fleet = Fleet(a=ILL, b=ILL)
    flow = of_apply(
        fleet, Playbook(fleet, healthy()), batches=["1"], pause=lambda _seconds: FAULTS[kind](), pause_seconds=1.0
    )
    first, second = kept(flow, RunKind.APPLY, tmp_path, Exception).results
    assert (first.problem, first.checkpoint) == (None, CheckpointState.RELEASED)
    assert [change.subject for change in first.changes] == ["/etc/x"]
    assert second.problem == "not started: the rollout was cut short"


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_audit_that_is_cut_short_is_kept(error: type[BaseException], tmp_path: Path) -> None:
    class Cut(Watched):
        def done(self, target: str, problem: str | None) -> None:
            super().done(target, problem)
            if len(self.finished) == 2:
                raise error

    fleet = Fleet(a=healthy(), b=healthy(), c=healthy())
    run = kept(Audit(conductor(fleet, progress=Cut()), targets("a", "b", "c")), RunKind.AUDIT, tmp_path, error)
    assert [item.problem for item in run.results] == [None, None, "not looked at: the audit was cut short"]
    assert {item.outcome for item in run.results[2].findings} == {Outcome.ERROR}


def test_an_interruption_while_targets_are_looked_at_again_keeps_what_was_done(tmp_path: Path) -> None:
    class Cut(Watched):
        def begin(self, title: str, targets: int) -> None:
            self.steps.append((title, str(targets)))
            if [name for name, _ in self.steps].count("audit") == 2:
                raise KeyboardInterrupt

    fleet = Fleet(a=ILL)
    flow = Rollout(conductor(fleet, progress=Cut()), settings(Playbook(fleet, healthy())), Stages(), RUN, targets("a"))
    (after,) = kept(flow, RunKind.APPLY, tmp_path, KeyboardInterrupt).results
    assert after.checkpoint is CheckpointState.RELEASED
    assert [change.subject for change in after.changes] == ["/etc/x"]
    assert after.problem == applying.CUT_SHORT


def test_a_rehearsal_that_is_interrupted_leaves_targets_that_a_resumed_run_goes_on_with() -> None:
    fleet = Fleet(a=ILL, b=ILL)
    approved = make_plans(conductor(fleet), targets("a", "b"), settings(Playbook(fleet, ILL)))

    def interrupted() -> None:
        raise KeyboardInterrupt

    how = settings(Playbook(fleet, ILL, meanwhile=interrupted), approved=approved)
    flow = Rollout(conductor(fleet), how, Stages(batches=["1"]), RUN, targets("a", "b"))
    with pytest.raises(KeyboardInterrupt):
        flow.go()
    assert [item.problem for item in flow.results()[1]] == [
        applying.NOT_YET,
        "not started: the rollout was cut short",
    ]
    assert [item.name for item in resumed(targets("a", "b"), flow.results()[1])] == ["a", "b"]


def test_a_second_interruption_waits_for_nothing() -> None:
    # No Event: an interruption in the middle of its set() leaves it locked for ever.
    over, me = SimpleQueue[None](), threading.get_ident()

    def stuck(run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        signal.pthread_kill(me, signal.SIGINT)
        while not run.is_cancelled():
            with suppress(Empty):
                over.get(timeout=0.01)
        signal.pthread_kill(me, signal.SIGINT)
        over.get()
        return {}

    fleet = Fleet(a=ILL)
    flow = of_apply(fleet, stuck)
    with pytest.raises(KeyboardInterrupt):
        flow.go()
    over.put(None)
    (after,) = flow.results()[1]
    assert after.problem == applying.CUT_SHORT
    assert "restore" not in fleet.keeper("a").calls


def undone() -> Run:
    changes = (Change(role="alpha", task="Set", module="keyed_file", subject="/etc/x", controls=("alpha-one",)),)
    results = [TargetResult(target=name, changes=changes, checkpoint=CheckpointState.RELEASED) for name in "ab"]
    return make_run(Start(RunKind.APPLY), selection(), results)


def of_rollback(fleet: Fleet, **how: Any) -> Rollback:
    request = RollbackRequest(undone=undone(), **how)
    return Rollback(conductor(fleet), settings(Playbook(fleet, healthy())), request, RUN, targets("a", "b"))


@faults
def test_what_breaks_while_one_target_is_taken_back_costs_the_other_nothing(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = rolling_back.chosen_changes

    def chosen(request: RollbackRequest, target: str) -> Any:
        if target == "a":
            FAULTS[kind]()
        return said(request, target)

    monkeypatch.setattr(rolling_back, "chosen_changes", chosen)
    fleet = Fleet(a=healthy(), b=healthy())
    flow = of_rollback(fleet, controls="alpha-*")
    flow.go()
    first, second = flow.results()[1]
    is_told(first, kind)
    assert fleet.keeper("a").calls == []
    assert (second.problem, second.checkpoint) == (None, CheckpointState.RELEASED)


ODD: tuple[Any, ...] = (
    [],
    None,
    7,
    {},
    {"undone": [["files"]], "conflicts": [], "left": []},
    {"undone": [["files", "/etc/x"]], "conflicts": {}, "left": 3},
    {"undone": [[["files"], "/etc/x"]], "conflicts": [], "left": []},
)


@pytest.mark.parametrize("said", ODD, ids=repr)
def test_whatever_a_target_says_of_its_rollback_is_its_own_problem(said: Any) -> None:
    fleet = Fleet(a=healthy(), b=healthy())
    fleet.keeper("a").rollback = said
    flow = of_rollback(fleet)
    flow.go()
    first, second = flow.results()[1]
    assert first.problem is not None
    assert "the checkpoint program's answer cannot be read" in first.problem
    assert first.checkpoint is CheckpointState.RESTORED
    assert (second.problem, second.checkpoint) == (None, CheckpointState.RELEASED)
    assert exit_code([first, second]) is ExitCode.INCOMPLETE


def test_a_kind_of_state_that_only_a_later_program_knows_is_a_change_as_well() -> None:
    fleet = Fleet(a=healthy(), b=healthy())
    fleet.keeper("a").rollback["undone"] = [["capabilities", "/usr/bin/ping"]]
    flow = of_rollback(fleet)
    flow.go()
    assert [(item.kind, item.subject) for item in flow.results()[1][0].changes] == [("action", "/usr/bin/ping")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_rollback_that_is_cut_short_is_kept(error: type[BaseException], tmp_path: Path) -> None:
    class Cut(Watched):
        def begin(self, title: str, targets: int) -> None:
            self.steps.append((title, str(targets)))
            if [name for name, _ in self.steps].count("audit") == 2:
                raise error

    fleet = Fleet(a=healthy(), b=healthy())
    fleet.keeper("a").rollback["undone"] = [["files", "/etc/x"]]
    flow = of_rollback(fleet)
    flow.conductor = conductor(fleet, progress=Cut())
    first, second = kept(flow, RunKind.ROLLBACK, tmp_path, error).results
    assert [change.subject for change in first.changes] == ["/etc/x"]
    assert first.checkpoint is second.checkpoint is CheckpointState.RELEASED


def test_a_restart_that_breaks_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def reboot(_connect: object, connection: Connection) -> None:
        if connection.host == "a":
            FAULTS["KeyError"]()

    monkeypatch.setattr("hardener.conductor.rollout.reboot", reboot)
    fleet = Fleet(a=healthy(), b=healthy())
    rollout = of_apply(fleet, Playbook(fleet, healthy()))
    rollout.go()
    rollout._restart_batch(rollout.targets)
    first, second = rollout.results()[1]
    is_told(first, "KeyError")
    assert second.problem is None


def test_the_command_line_tells_a_fault_of_one_target_keeps_the_run_and_ends_with_70(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all:\n  hosts:\n    one:\n      ansible_host: 192.0.2.1\n")

    def connector(**_: object) -> Callable[[Connection], Transport]:
        def connect(_connection: Connection) -> Transport:
            raise TypeError("nobody foresaw this")

        return connect

    monkeypatch.setattr("hardener.cli.request.connector", connector)
    store = str(tmp_path / "runs")
    assert main(["audit", "-i", str(inventory), "--store", store]) == ExitCode.INTERNAL
    told = capsys.readouterr()
    assert "a fault of our own: TypeError: nobody foresaw this (HARDENER_DEBUG=1 shows where)" in told.out
    assert "Traceback" not in told.err
    assert Store(store).load("latest").results[0].is_our_fault


def test_a_run_that_was_kept_before_there_was_such_a_mark_keeps_its_digest() -> None:
    result = TargetResult(target="a", problem="no route")
    assert "is_our_fault" not in result.model_dump(exclude_defaults=True)
    assert TargetResult.model_validate({"target": "a", "problem": "no route"}) == result


STUCK = """
import sys
from threading import Event
from hardener.cli import entry, request
from hardener.transport.recorded import RecordedTransport

class Stuck(RecordedTransport):
    def ask(self, questions):
        print("asked", flush=True)
        Event().wait()

request.connector = lambda **_: lambda _connection: Stuck({})
sys.argv = ["hardener", *sys.argv[1:]]
entry()
"""


def test_ctrl_c_ends_an_audit_of_targets_that_say_nothing_and_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    one:\n      ansible_host: 192.0.2.1\n")
    words = ["audit", "-i", str(tmp_path / "hosts.yml"), "--store", str(tmp_path / "runs")]
    with subprocess.Popen(
        [sys.executable, "-c", STUCK, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == ExitCode.INTERRUPTED, said
    run = Store(tmp_path / "runs").load("latest")
    assert [item.problem for item in run.results] == ["not looked at: the audit was cut short"]
