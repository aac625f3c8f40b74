"""Which profiles count as confining, and which as meant to confine nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hardener.catalogue.control import CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.catalogue.observations import unit_files_question
from hardener.content import roles_directory
from hardener.controls import apparmor
from hardener.model import Connection, Question
from hardener.transport.local import LocalTransport
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "apparmor" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("apparmor", apparmor.CONTROLS)])
UNIT_FILES = unit_files_question()
CHROME = "/etc/apparmor.d/chrome:profile chrome /opt/google/chrome/chrome flags=(unconfined) {\n"
SHIPPED = " /etc/apparmor.d/chrome aaaa\n /etc/apparmor.d/lsb_release bbbb\n"
PRESENT = "aaaa  /etc/apparmor.d/chrome\nffff  /etc/apparmor.d/lsb_release\n"


def host(
    profiles: Mapping[str, str],
    processes: Mapping[str, Any] | None = None,
    *,
    rc: int = 0,
    unit: str = "enabled",
    present: str = PRESENT,
) -> RecordedHost:
    status = json.dumps({"version": "2", "profiles": profiles, "processes": processes or {}}) if rc == 0 else ""
    return RecordedHost(
        {
            apparmor.STATUS: (rc, status.replace('": "', '" is "'), "failed" if rc else ""),
            apparmor.UNCONFINED: (0, CHROME, ""),
            apparmor.SHIPPED_DIGESTS: (0, SHIPPED, ""),
            apparmor.DIGESTS: (0, present, ""),
            UNIT_FILES: (0, f"apparmor.service {unit} enabled\n", ""),
        }
    )


def complaints(name: str, on: RecordedHost) -> Any:
    control = CATALOGUE[f"apparmor-{name}"]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(on))


ESCAPED = {"/usr/sbin/rsyslogd": [{"profile": "rsyslogd", "pid": "7", "status": "unconfined"}]}
NAMED = {"/opt/google/chrome/chrome": [{"profile": "chrome", "pid": "8", "status": "unconfined"}]}


@pytest.mark.parametrize(
    ("on", "confined", "enforced"),
    [
        (host({"a": "enforce", "b": "kill"}), (), ()),
        (host({"a": "complain"}), (), ("not enforced a is complain",)),
        (host({"a": "unconfined"}), ("not enforced a is unconfined",), ("not enforced a is unconfined",)),
        (host({"a": "enforce", "chrome": "unconfined"}, NAMED), (), ()),
        (
            host({"a": "enforce", "chrome": "unconfined"}, present=PRESENT.replace("aaaa", "cccc")),
            ("not enforced chrome is unconfined",),
            ("not enforced chrome is unconfined",),
        ),
        (
            host({"rsyslogd": "enforce"}, ESCAPED),
            ("programs without their profile has /usr/sbin/rsyslogd",),
            ("programs without their profile has /usr/sbin/rsyslogd",),
        ),
        (host({}, rc=1), ("profiles is 0",), ("profiles is 0",)),
        (host({}, rc=2), ("profiles is 0",), ("profiles is 0",)),
        (host({}, rc=127), ("profiles is 0",), ("profiles is 0",)),
    ],
)
def test_profiles_confine_or_are_names_as_shipped(
    on: RecordedHost, confined: tuple[str, ...], enforced: tuple[str, ...]
) -> None:
    assert complaints("confined", on) == confined
    assert complaints("enforced", on) == enforced


def test_loaded_now_and_after_a_reboot() -> None:
    assert complaints("loaded", host({"a": "enforce"})) == ()
    assert complaints("loaded", host({"a": "enforce"}, unit="disabled")) == ("after reboot is disabled",)
    assert complaints("loaded", host({}, rc=2)) == ("now is 0",)


def test_a_status_that_may_not_be_read_is_no_pass() -> None:
    with pytest.raises(CouldNotLook):
        CATALOGUE["apparmor-confined"].observe(host({}, rc=4))


def test_profiles_named_like_secrets_have_their_modes(tmp_path: Path) -> None:
    """What aa-status would say is in a file here; what the question makes of it passes the mask."""
    profiles = {"1password": "unconfined", "MongoDB Compass": "unconfined", "unix-chkpwd": "complain", "a": "enforce"}
    processes = {"/usr/bin/1password": [{"profile": "1password", "pid": "7", "status": "enforce"}]}
    said = tmp_path / "status"
    said.write_text(json.dumps({"version": "2", "profiles": profiles, "processes": processes}))
    question = Question(command=apparmor.STATUS.replace("aa-status --json", f"cat {said}"))
    (answer,) = LocalTransport(Connection(kind="local", host="localhost")).ask([question]).values()
    assert apparmor.status_of(answer.stdout.decode()) == (profiles, {"/usr/bin/1password": {"1password": "enforce"}})


def test_where_nothing_is_unconfined_no_file_is_read() -> None:
    on = host({"a": "enforce"})
    CATALOGUE["apparmor-enforced"].observe(on)
    assert on.asked == [apparmor.STATUS, apparmor.STATUS]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("profile chrome /opt/google/chrome/chrome flags=(unconfined) {", "chrome"),
        ('profile "VS Code" /usr/share/code/bin/code flags=(unconfined) {', "VS Code"),
        ("/{,usr/}sbin/dhclient flags=(attach_disconnected,unconfined) {", "/{,usr/}sbin/dhclient"),
        ("", ""),
    ],
)
def test_the_name_a_profile_begins_with(line: str, name: str) -> None:
    assert apparmor.profile_begun_by(line) == name


MODES = st.sampled_from(["enforce", "complain", "unconfined", "kill"])


@given(
    st.dictionaries(st.text(max_size=9), MODES),
    st.dictionaries(
        st.text(max_size=9),
        st.lists(
            st.fixed_dictionaries({"profile": st.text(max_size=9), "pid": st.just("1"), "status": MODES}), min_size=1
        ),
    ),
)
def test_a_status_is_read_without_the_numbers_of_processes(
    profiles: dict[str, str], processes: dict[str, list[dict[str, str]]]
) -> None:
    read, states = apparmor.status_of(json.dumps({"profiles": profiles, "processes": processes}))
    assert read == profiles
    assert set(states) == set(processes)
