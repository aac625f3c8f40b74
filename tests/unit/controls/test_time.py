"""What the controls of time see and say, from answers of Debian nodes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hardener.catalogue.control import CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import time
from hardener.documents import merged
from tests.unit.controls.recorded import Result

VALUES = yaml.safe_load((roles_directory() / "time" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("time", time.CONTROLS)])
CHRONY = {"time_choice": {"daemon": "chrony"}}
TIMESYNCD = "systemd-timesyncd.service"
CONFIGURATION = "pool 2.debian.pool.ntp.org iburst\nsourcedir /etc/chrony/sources.d\nserver 10.0.0.9 iburst\n"


class Answering:
    """Answers questions by how they begin."""

    def __init__(self, answers: dict[str, str | tuple[int, str]]) -> None:
        self.answers = answers

    def run(self, command: str, *_: str, seconds: int | None = None) -> Result:
        del seconds
        answer = next(answer for start, answer in self.answers.items() if command.startswith(start))
        return Result(0, answer) if isinstance(answer, str) else Result(answer[0], answer[1], answer[1])


def units(**states: tuple[str, str]) -> Answering:
    """A host with some time daemons: name → (active state, unit file state)."""
    files = "".join(f"{name.replace('_', '-')}.service {state[1]} enabled\n" for name, state in states.items())
    active = "".join(f"{name.replace('_', '-')}.service {state[0]}\n" for name, state in states.items())
    return Answering({"systemctl list-unit-files": files, "units=$(systemctl list-units": active})


def complaints(name: str, host: Any, **site: Any) -> Any:
    control = CATALOGUE[f"time-{name}"]
    expectation = control.expectation(merged(VALUES, site))
    assert expectation is not None
    return expectation.complaints(control.observe(host))


ON, OFF, MASKED = ("active", "enabled"), ("inactive", "disabled"), ("inactive", "masked")


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (units(systemd_timesyncd=ON), ()),
        (units(systemd_timesyncd=ON, chrony=MASKED), ()),
        (units(systemd_timesyncd=ON, chrony=OFF, chronyd=("inactive", "alias")), ()),
        (units(systemd_timesyncd=ON, openntpd=ON), ("openntpd.service now is active",)),
        (units(), ("systemd-timesyncd.service is missing",)),
        (units(systemd_timesyncd=OFF), (f"{TIMESYNCD} now is inactive", f"{TIMESYNCD} after reboot is disabled")),
    ],
)
def test_exactly_one_daemon(host: Any, said: tuple[str, ...]) -> None:
    assert complaints("one-daemon", host)[: len(said) or 1] == said


def test_the_choice_decides_which() -> None:
    assert complaints("one-daemon", units(chrony=ON), **CHRONY) == ()
    assert complaints("one-daemon", units(systemd_timesyncd=ON, chrony=MASKED), **CHRONY)


@pytest.mark.parametrize("choice", ["ntpd", ["timesyncd", "chrony"], "", "timesyncd,chrony"])
def test_there_is_no_other_choice(choice: object) -> None:
    acceptable = CATALOGUE["time-one-daemon"].parameters[0].judge("timesyncd")
    assert not acceptable.accepts(choice)


@pytest.mark.parametrize(
    ("wanted", "observed", "said"),
    [
        ("0.debian.pool.ntp.org", "ntp.example.org", ()),
        ("0.debian.pool.ntp.org", "", ("NTP is not set",)),
        ("10.0.0.9", "10.0.0.9", ()),
        ("10.0.0.9", "0.debian.pool.ntp.org", ("NTP is 0.debian.pool.ntp.org",)),
    ],
)
def test_servers_of_the_site_are_exact_and_the_public_pool_stands_in(
    wanted: str, observed: str, said: tuple[str, ...]
) -> None:
    host = Answering({"systemd-analyze": f"[Time]\nNTP={observed}\n"})
    found = complaints("ntp", host, time_servers={"NTP": wanted})
    assert tuple(f"NTP {text}" for text in found) == said


def test_a_site_may_name_any_servers_but_not_none() -> None:
    judge = CATALOGUE["time-ntp"].parameters[0].judge
    acceptable = judge(VALUES["time_servers"]["NTP"])
    assert acceptable.accepts("10.0.0.9")
    assert not acceptable.accepts("")


def chrony(configuration: str | tuple[int, str], users: str | tuple[int, str] = "_chrony\n_chrony\n") -> Answering:
    return Answering({"chronyd -p": configuration, "dpkg-query": "curl installed\n", "ps": users})


def test_chrony_asks_what_its_file_and_its_directories_name() -> None:
    assert CATALOGUE["time-chrony-sources"].observe(chrony(CONFIGURATION)) == "2.debian.pool.ntp.org 10.0.0.9"
    assert complaints("chrony-sources", chrony(CONFIGURATION)) == ()
    assert complaints("chrony-sources", chrony("driftfile /x\n")) == ("is not set",)
    assert complaints("chrony-sources", chrony(CONFIGURATION), time_servers={"NTP": "10.0.0.9"}) != ()


def test_a_chrony_that_is_not_installed_is_no_pass() -> None:
    assert complaints("chrony-sources", chrony((127, "chronyd: not found"))) == ("is not set",)
    with pytest.raises(CouldNotLook, match="bad line"):
        CATALOGUE["time-chrony-sources"].observe(chrony((1, "bad line")))


@pytest.mark.parametrize(
    ("configuration", "users", "said"),
    [
        (CONFIGURATION, "_chrony\n_chrony\n", ()),
        (CONFIGURATION + "user root\n", "_chrony\n", ("after reboot is root",)),
        (CONFIGURATION + "user root\nuser _chrony\n", "root\n_chrony\n", ("now is _chrony, root",)),
        (CONFIGURATION, (1, ""), ("now is unset",)),
    ],
)
def test_whom_chronyd_runs_as(configuration: str, users: Any, said: tuple[str, ...]) -> None:
    assert complaints("chrony-user", chrony(configuration, users)) == said
