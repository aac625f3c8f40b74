"""Units: what systemd says of them, and which are started, stopped and told to read their configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hardener.checkpoint import state, units
from hardener.checkpoint.system import State

LISTING = """\
Id=ssh.service
ActiveState=active
UnitFileState=enabled
StateChangeTimestampMonotonic=100

Id=cups.service
ActiveState=inactive
UnitFileState=masked
StateChangeTimestampMonotonic=7

Id=session-3.scope
ActiveState=active
UnitFileState=transient
StateChangeTimestampMonotonic=9

Id=dbus.service
ActiveState=active
UnitFileState=static
StateChangeTimestampMonotonic=9
"""


class Systemd:
    """What was asked of systemctl."""

    def __init__(self, listing: str) -> None:
        self.listing, self.said, self.looked = listing, list[str](), 0
        self.sockets: dict[str, str] = {}
        """Service → the socket that starts it."""

    def __call__(self, words: Sequence[str], **_options: object) -> str:
        if "--property=Triggers" in words:
            return f"{words[-1].removesuffix('.socket')}.service\n"
        if "--property=Id,TriggeredBy" in words:
            services = words[words.index("--") + 1 :]
            return "\n".join(f"Id={name}\nTriggeredBy={self.sockets.get(name, '')}\n" for name in services)
        if words[1] == "show":
            self.looked += 1
            return self.listing
        self.said.append(" ".join(word for word in words if word not in {"systemctl", "--quiet", "--"}))
        return ""


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch) -> Systemd:
    made = Systemd(LISTING)
    monkeypatch.setattr(units, "output", made)
    return made


@pytest.mark.usefixtures("systemd")
def test_only_active_units_that_are_nobodys_login_count() -> None:
    assert units.capture() == {"ssh.service": {"file": "enabled", "since": 100}}


def test_what_ran_runs_again_and_what_did_not_stops(systemd: Systemd) -> None:
    running = {"file": "enabled", "since": 1}
    assert units.restore({"cups.service": running, "ssh.service": None}, units.capture(), []) == []
    assert systemd.said == ["daemon-reload", "stop ssh.service", "reset-failed cups.service", "start cups.service"]


def test_a_service_makes_way_for_its_socket(systemd: Systemd) -> None:
    listening = {"file": "enabled", "since": 1}
    units.restore({"ssh.socket": listening}, units.capture(), [])
    assert systemd.said[2:] == ["stop ssh.service", "start ssh.socket ssh.service"]


def test_what_changed_its_state_reads_its_configuration_again(systemd: Systemd) -> None:
    before, now = ({"ssh.service": {"file": "enabled", "since": since}} for since in (50, 100))
    assert units.touched(before, now) == ["ssh.service"]
    assert units.touched(now, now) == []
    assert units.restore({}, now, ["ssh.service", "gone.service"]) == []
    assert systemd.said == ["daemon-reload", "try-reload-or-restart ssh.service"]


def test_what_did_not_survive_reading_its_configuration_is_started(systemd: Systemd) -> None:
    now = {name: {"file": "enabled", "since": 1} for name in ("cron.service", "ssh.service", "rsyslog.service")}
    assert units.restore({}, now, list(now)) == []
    assert systemd.said[-1] == "restart cron.service rsyslog.service"
    assert systemd.looked == 1


@pytest.mark.parametrize("is_active", [True, False])
def test_what_a_socket_started_is_restarted_instead_of_reloaded(systemd: Systemd, is_active: bool) -> None:
    """At a reload sshd loses that socket, and ends some time later, when nobody looks any more."""
    systemd.sockets = {"ssh.service": "ssh.socket"}
    names = ("ssh.service", "cron.service", *(("ssh.socket",) if is_active else ()))
    now = {name: {"file": "enabled", "since": 1} for name in names}
    units.restore({}, now, ["ssh.service", "cron.service"])
    expected = ["restart ssh.service", "try-reload-or-restart cron.service"]
    assert systemd.said[1:3] == (
        expected if is_active else ["try-reload-or-restart ssh.service cron.service", systemd.said[-1]]
    )


def test_nothing_to_do_asks_systemd_for_nothing(systemd: Systemd) -> None:
    assert units.restore({}, {}, []) == []
    assert systemd.said == []


def wanted(**kinds: dict[str, Any]) -> State:
    empty = ("files", "units", "packages", "sysctls", "mounts", "modules", "rulesets", "routes")
    return {**{kind: {} for kind in empty}, **kinds}


def test_what_comes_by_itself_is_no_difference() -> None:
    static: dict[str, Any] = {"systemd-hostnamed.service": {"file": "static", "since": 1}}
    enabled: dict[str, Any] = {"cups.service": {"file": "enabled", "since": 1}}
    assert state.differing(wanted(), wanted(units=static)) == []
    assert state.differing(wanted(), wanted(units=enabled)) == [("units", "cups.service")]
    assert state.differing(wanted(modules={"dccp": True}), wanted()) == [("modules", "dccp")]
    assert state.differing(wanted(), wanted(modules={"dccp": True}, routes={"-4 default": True})) == []
    log: dict[str, Any] = {"/var/log/new.log": {"type": "file", "mode": 0o600, "uid": 0, "gid": 0, "xattrs": {}}}
    assert state.differing(wanted(), wanted(files=log)) == []
