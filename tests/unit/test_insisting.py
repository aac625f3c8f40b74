"""A target that has just let us in and is busy is knocked at again, for as long as was said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest

from hardener.conductor import flows
from hardener.conductor.insisting import RETRY_SECONDS, insistent
from hardener.errors import AuthenticationFailed, HostKeyMismatch, TimedOut, TransportError, Unreachable
from hardener.model import Answer, CheckpointState, Connection, Outcome
from tests.unit.builders import answer, healthy
from tests.unit.fleet import Fleet, FleetTransport, Playbook, applied, conductor, settings, targets
from tests.unit.test_rollback import SETTING, rolled_back, undone


@dataclass
class Time:
    """A clock that only pauses move."""

    now: float = 0.0

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


class Busy(Fleet):
    """A fleet that lets some connections wait in vain, from a moment on."""

    def __init__(self, *waits: TransportError, **hosts: dict[str, Answer] | TransportError) -> None:
        super().__init__(**hosts)
        self.waits = [*waits]
        self.is_busy = False

    def __call__(self, connection: Connection) -> FleetTransport:
        if self.is_busy and self.waits:
            raise self.waits.pop(0)
        return super().__call__(connection)

    def become_busy(self) -> None:
        self.is_busy = True


LATE = TimedOut("no connection within 10 s")


def knock(fleet: Busy, seconds: float) -> Time:
    time = Time()
    insistent(fleet, seconds, clock=time.clock, pause=time.pause)(Connection(host="a"))
    return time


def busy(*waits: TransportError) -> Busy:
    fleet = Busy(*waits, a=healthy())
    fleet.become_busy()
    return fleet


def test_a_target_that_is_slow_to_let_us_in_is_knocked_at_again() -> None:
    assert knock(busy(LATE, Unreachable("connection reset"), LATE), 60).now == 3 * RETRY_SECONDS
    assert knock(busy(), 60).now == 0


def test_a_target_that_stays_away_is_told_as_such_when_the_time_is_over() -> None:
    fleet = busy(*[LATE] * 100)
    with pytest.raises(TimedOut, match="within 10 s"):
        knock(fleet, 10)
    assert len(fleet.waits) == 100 - 6


@pytest.mark.parametrize("error", [HostKeyMismatch("another key"), AuthenticationFailed("no key was accepted")])
def test_what_patience_does_not_help_is_told_at_once(error: TransportError) -> None:
    fleet = busy(error, LATE)
    with pytest.raises(type(error)):
        knock(fleet, 60)
    assert fleet.waits == [LATE]


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    monkeypatch.setattr(flows, "insistent", partial(insistent, clock=time.clock, pause=time.pause))


@pytest.mark.usefixtures("_quick")
def test_the_last_look_of_an_apply_has_the_patience_of_the_proof_of_access() -> None:
    fleet = Busy(LATE, LATE, a={**healthy(), "number one": answer("99\n")})
    fleet.keeper("a").meets["release"] = fleet.become_busy
    _, (after,) = applied(conductor(fleet), targets("a"), settings(Playbook(fleet, healthy())))
    assert fleet.waits == []
    assert (after.checkpoint, after.problem) == (CheckpointState.RELEASED, None)
    assert after.count(Outcome.FIXED) == 1


@pytest.mark.usefixtures("_quick")
def test_the_last_look_of_a_rollback_has_it_too() -> None:
    fleet = Busy(LATE, LATE, a=healthy())
    fleet.keeper("a").meets["release"] = fleet.become_busy
    (after,) = rolled_back(fleet, undone(SETTING))
    assert fleet.waits == []
    assert (after.checkpoint, after.problem) == (CheckpointState.RELEASED, None)
    assert after.count(Outcome.ERROR) == 0
