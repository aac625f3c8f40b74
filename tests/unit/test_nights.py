"""Thirty nights of three hosts, with a controller that is killed at any moment: nothing is forgotten, or told twice.

Each regression is told once, with reminders, and stands until its end. What is killed is a process of its own, between
two statements to the database. Only a message that was sent and could not be kept comes twice: test_cli_notify.py.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from hardener.cli import telling
from hardener.drift import find_drift
from hardener.model import Alert, News, TargetResult
from hardener.project.recipients import Recipient
from hardener.store import Store
from tests.unit.store.nights import FIRST_NIGHT, dead, finding, night, result

HOSTS = ("web", "db", "mail")
NIGHTS = 30
REMIND_DAYS = 7
PATIENCE = telling.Patience(silent_nights=3, remind_days=REMIND_DAYS)
READER = Recipient(label="json (1)", url="json://127.0.0.1")
DEEDS = ("nothing", "nothing", "worse", "better", "repaired", "waived", "accepted", "silent", "reinstalled")
KILLED = 9


@dataclass
class Host:
    """What is true of a host, and what has to be told of it."""

    name: str
    shown: int = 5
    machines: int = 1
    is_waived: bool = False
    is_silent: bool = False
    seen_machine: int = 1
    reference: int | None = None
    """What it showed when nobody had to act, 0 while it held; ``None`` before anybody looked."""
    accepted: int | None = None
    since: int | None = None
    """The night since which a regression stands."""
    is_live: bool = False
    """Whether there is something to tell that is not over."""
    is_known: bool = False
    """Whether that, or something before it, was told."""
    is_recovered: bool = False
    told: int | None = None
    """The least that was shown since it was told."""
    told_at: int = 0
    seen: int = 5
    """What the last audit saw that it answered."""

    @property
    def machine(self) -> str:
        return f"{self.name}-{self.machines}"

    def result(self) -> TargetResult:
        if self.is_silent:
            return dead(self.name, "alpha-one")
        seen = finding("alpha-one", self.shown)
        if self.is_waived and seen.is_failing:
            seen = seen.model_copy(update={"waiver": "w"})
        return result(self.name, self.machine, alpha_one=self.shown).model_copy(update={"findings": (seen,)})

    def do(self, deed: str) -> None:
        """Before a night's audit."""
        self.is_silent = deed == "silent"
        if deed == "worse":
            self.shown = max(self.shown, 10) + 7
        elif deed == "better":
            self.shown = max(self.shown - 9, 5)
        elif deed == "repaired":
            self.shown = 5
        elif deed == "waived":
            self.is_waived = not self.is_waived
        elif deed == "reinstalled":
            self.machines += 1

    def seen_on(self, number: int) -> None:
        """A night's audit was kept."""
        if self.is_silent:
            self.is_live &= self.since is not None
            return
        self.seen = self.shown
        if self.seen_machine != self.machines:
            self.seen_machine, self.reference, self.accepted = self.machines, None, None
            self.end()
        if self.shown <= 10:
            self.is_recovered |= self.is_live
        if self.shown <= 10 or self.is_waived:
            self.reference, self.accepted = 0, None
            self.end()
        elif self.accepted is not None:
            self.stand(number) if self.shown > self.accepted else self.end()
        elif self.reference is not None and (self.reference == 0 or self.shown > self.reference):
            self.stand(number)
        else:
            self.reference = self.shown
            self.end()

    def stand(self, number: int) -> None:
        self.since = self.since or number
        self.is_live = True
        self.told = self.told and min(self.told, self.shown)

    def end(self) -> None:
        """Nothing stands any more."""
        self.since = self.told = None
        self.is_live = False

    def accept(self, *, was_followed: bool) -> None:
        """After an audit; whoever has followed that already notices with the next one."""
        self.accepted, self.since = self.seen, None
        self.is_live &= was_followed

    def tell(self, number: int) -> dict[str, bool]:
        """What has to be told of it after a night, by the part of the message."""
        is_first = self.is_live and self.told is None
        held = self.reference == 0 and self.accepted is None
        parts = {
            "regressed": is_first and held,
            "worse": (is_first and not held) or (self.is_live and self.told is not None and self.seen > self.told),
            "recovered": self.is_known and self.is_recovered and not self.is_live,
        }
        is_due = self.is_live and not any(parts.values()) and number - self.told_at >= REMIND_DAYS
        if self.is_live and (is_due or any(parts.values())):
            self.told, self.told_at = self.seen, number
        self.is_known, self.is_recovered = self.is_live, False
        return {**parts, "standing": is_due}


def killed(statements: int, work: Callable[[], object]) -> bool:
    """Do something in a process that dies before a statement to the database; whether it did."""
    child = os.fork()
    if child == 0:
        left = statements

        def count(*_arguments: Any) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(KILLED)

        try:
            event.listen(Engine, "before_cursor_execute", count)
            event.listen(Engine, "commit", count)
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001  (whatever it is, it must not run on as a second test)
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, KILLED}
    return code == KILLED


@dataclass
class Site:
    """A store over the nights, and what has been told."""

    store: Store
    hosts: list[Host] = field(default_factory=lambda: [Host(name) for name in HOSTS])
    sent: list[News] = field(default_factory=list)

    def keep(self, number: int, killed_after: int | None) -> bool:
        """A night's audit; whether it was kept."""
        run = night(number, *(host.result() for host in self.hosts))
        if self.is_done(lambda: self.store.save(run), killed_after):
            for host in self.hosts:
                host.seen_on(number)
            return True
        return False

    def is_done(self, work: Callable[[], object], killed_after: int | None) -> bool:
        if killed_after is None:
            work()
            return True
        return not killed(killed_after, work)

    def check_standing(self, number: int) -> None:
        """The nightly result has all that stands, with its age, and nothing else."""
        regressions = find_drift(self.store.compare()).regressions
        ages = {item.name: number - item.since + 1 for item in self.hosts if item.since is not None}
        assert {item.target: item.nights for item in regressions} == ages
        assert len(regressions) == len(ages)

    def check_telling(self, number: int) -> None:
        """What is told is exactly what has to be."""
        comparison = self.store.compare()
        self.sent.clear()
        telling.tell([READER], self.store, (comparison, find_drift(comparison)), PATIENCE, is_dry_run=False)
        expected = {host.name: host.tell(number) for host in self.hosts}
        for part in ("regressed", "worse", "recovered", "standing"):
            alerts: list[Alert] = [alert for news in self.sent for alert in getattr(news, part) if alert.control]
            assert sorted(alert.target for alert in alerts) == sorted(
                name for name, parts in expected.items() if parts[part]
            ), part

    def accept(self, host: Host, number: int, killed_after: int | None, *, was_followed: bool) -> None:
        """Somebody accepts what stands on a host, if anything does."""
        moment = FIRST_NIGHT + timedelta(days=number)
        if host.since is not None and self.is_done(
            lambda: self.store.accept(host.name, "*", "why", "ann", moment), killed_after
        ):
            host.accept(was_followed=was_followed)


MOMENT = st.none() | st.integers(0, 40)
"""Before which statement the controller is killed, if at all."""
NIGHT = st.fixed_dictionaries(
    {
        "deeds": st.tuples(*[st.sampled_from(DEEDS)] * len(HOSTS)),
        "audit": MOMENT,
        "is_told": st.booleans() | st.just(True),
        "accept": MOMENT,
        "prune": st.none() | st.tuples(st.integers(1, 9), MOMENT),
    }
)


@given(st.lists(NIGHT, min_size=NIGHTS, max_size=NIGHTS))
@settings(max_examples=10, deadline=None, suppress_health_check=[*HealthCheck], phases=[Phase.explicit, Phase.generate])
def test_each_regression_is_told_once_and_stands_until_its_end(plan: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        site = Site(Store(Path(folder) / "runs.sqlite"))
        patched.setattr(telling, "message", lambda news: news)
        patched.setattr(telling, "send", lambda _url, news: site.sent.append(news))
        for number, happens in enumerate(plan, start=1):
            for host, deed in zip(site.hosts, happens["deeds"], strict=True):
                host.do(deed)
            if not site.keep(number, happens["audit"]):
                continue
            site.check_standing(number)
            if happens["is_told"]:
                site.check_telling(number)
            for host, deed in zip(site.hosts, happens["deeds"], strict=True):
                if deed == "accepted":
                    site.accept(host, number, happens["accept"], was_followed=happens["is_told"])
            site.check_standing(number)
            if happens["prune"]:
                kept, moment = happens["prune"]
                site.is_done(partial(site.store.prune, keep_runs=kept), moment)
                site.check_standing(number)
        assert site.store.problems() == []
