"""A restart is waited for, and only where something waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Barrier
from typing import Self

import pytest

from hardener.catalogue.expectations import AFTER_REBOOT, NOW
from hardener.conductor import RebootPolicy, rollout
from hardener.conductor.rebooting import BOOT, READY, RESTART, needs_reboot, reboot
from hardener.errors import TimedOut, Unreachable
from hardener.model import Answer, Connection, Disruption, Finding, Outcome, Question, TargetResult
from hardener.transport.recorded import RecordedTransport
from tests.unit.builders import answer, healthy, number_control, selection
from tests.unit.fleet import Fleet, Playbook, applied, conductor, settings, targets


class Machine(RecordedTransport):
    """A target that is away for some connections after it was told to restart."""

    def __init__(self, away: int) -> None:
        super().__init__({})
        self.away, self.boots, self.asked = away, 1, list[str]()
        self.is_going = False

    def __call__(self, connection: Connection) -> Self:  # noqa: ARG002  (a Connect)
        if self.is_going and self.away > 0:
            self.away -= 1
            raise Unreachable("connection refused")
        if self.is_going:
            self.boots, self.is_going = self.boots + 1, False
        return self

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        (question,) = questions
        self.asked.append(question.command)
        if question == RESTART:
            self.is_going = True
            raise Unreachable("the connection was lost")
        return {question.command: answer(f"boot {self.boots}\n")}


def test_a_restart_is_over_when_the_new_system_has_started_its_units() -> None:
    machine = Machine(away=3)
    reboot(machine, Connection(host="a"), pause=lambda _seconds: None)
    assert machine.asked == [BOOT.command, RESTART.command, BOOT.command, READY.command]


def test_a_machine_that_does_not_come_back_is_told_as_such() -> None:
    moments = iter(range(0, 10_000, 100))
    with pytest.raises(TimedOut, match="not back within 900 s"):
        reboot(Machine(away=99), Connection(host="a"), clock=lambda: next(moments), pause=lambda _seconds: None)


def result(reason: str) -> TargetResult:
    return TargetResult(target="a", findings=(Finding(control="alpha-one", outcome=Outcome.FAIL, reason=reason),))


def test_only_what_is_right_for_the_next_boot_waits_for_it() -> None:
    catalogue = selection().catalogue
    catalogue["alpha-one"] = number_control("one", role="alpha", disruption=Disruption.REBOOT)
    assert needs_reboot(catalogue, result(f"{NOW} is 1"))
    assert not needs_reboot(catalogue, result(f"{AFTER_REBOOT} is 1"))
    assert not needs_reboot(selection().catalogue, result(f"{NOW} is 1"))


class Waiting:
    """An apply after which one control holds only once its target was restarted, and a machine that can be."""

    def __init__(self, *names: str, drained: int = 0) -> None:
        self.chosen = selection()
        self.chosen.catalogue["alpha-one"] = number_control("one", role="alpha", disruption=Disruption.REBOOT)
        self.ill = healthy() | {"number one": answer("99\n")}
        boot = {BOOT.command: answer("boot 1\n"), RESTART.command: answer(""), READY.command: answer("running\n")}
        self.names = names or ("a",)
        self.fleet = Fleet(**dict.fromkeys(self.names, self.ill | boot))
        self.fleet.commands = {f"drain {name}": drained for name in self.names} | {
            f"uncordon {name}": 0 for name in self.names
        }
        self.asked: list[str] = []

    def applied(self, answer_of_operator: bool = True, **stages: object) -> TargetResult:
        """The first target after it."""
        return self.all_applied(answer_of_operator, **stages)[0]

    def all_applied(self, answer_of_operator: bool = True, **stages: object) -> Sequence[TargetResult]:
        """Every target after it."""

        def confirm(question: str) -> bool:
            self.asked.append(question)
            return answer_of_operator

        _, after = applied(
            conductor(self.fleet, selection=self.chosen),
            targets(*self.names),
            settings(Playbook(self.fleet, self.fleet.hosts[self.names[0]])),
            drain="drain {target}",
            undrain="uncordon {target}",
            confirm=confirm,
            **stages,
        )
        return after


def test_without_leave_nobody_is_drained_or_restarted() -> None:
    waiting = Waiting()
    assert waiting.applied().problem is None
    assert waiting.applied(answer_of_operator=False, reboot=RebootPolicy.ASK).problem is None
    assert waiting.fleet.ran == []
    assert waiting.asked == ["Restart a now?"]


def test_a_target_that_cannot_be_drained_is_not_restarted() -> None:
    waiting = Waiting(drained=1)
    after = waiting.applied(reboot=RebootPolicy.WHEN_NEEDED)
    assert after.problem == "not restarted: the drain command failed: no quorum"
    assert waiting.fleet.ran == ["drain a"]


def test_what_came_back_is_looked_at_and_undrained(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Waiting()
    monkeypatch.setattr(rollout, "reboot", lambda *_: waiting.fleet.hosts.update(a=healthy()))
    after = waiting.applied(reboot=RebootPolicy.WHEN_NEEDED)
    assert after.problem is None
    assert not after.failing
    assert waiting.fleet.ran == ["drain a", "uncordon a"]


def test_what_does_not_come_back_stays_drained_and_takes_nobody_along(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise TimedOut("not back within 900 s")

    monkeypatch.setattr(rollout, "reboot", gone)
    waiting = Waiting("a", "b", "c")
    a, b, c = waiting.all_applied(reboot=RebootPolicy.WHEN_NEEDED)
    assert a.problem == "restarted, and not back: not back within 900 s"
    assert b.problem == c.problem == "not restarted: 1 of 3 targets failed (a)"
    assert waiting.fleet.ran == ["drain a"]


def test_as_many_restart_at_once_as_was_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    side_by_side = Barrier(2, timeout=30)
    monkeypatch.setattr(rollout, "reboot", lambda *_: side_by_side.wait())
    results = Waiting("a", "b", "c", "d").all_applied(reboot=RebootPolicy.WHEN_NEEDED, reboot_batch="50%")
    assert [result.problem for result in results] == [None] * 4
