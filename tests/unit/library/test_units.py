"""What the module ``units`` does to units, from what systemd says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playbooks.library import units

SHOW = """\
LoadState=masked
ActiveState=inactive
UnitFileState=masked

LoadState=not-found
ActiveState=inactive
UnitFileState=
"""


def state(load: str, active: str, file: str, *, own: bool = False, socket: bool = False) -> dict[str, Any]:
    properties = {"LoadState": load, "ActiveState": active, "UnitFileState": file}
    return {**properties, "has_own_file": own, "has_socket": socket}


ENABLED = state("loaded", "active", "enabled")


def test_the_answer_of_systemctl_is_one_block_a_unit() -> None:
    properties = units.parsed(SHOW, ["avahi-daemon.service", "nosuch.service"])
    assert properties["avahi-daemon.service"]["UnitFileState"] == "masked"
    assert properties["nosuch.service"] == {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}


def test_a_missing_block_is_no_answer() -> None:
    with pytest.raises(ValueError, match="described 2 units, not 3"):
        units.parsed(SHOW, ["a.service", "b.service", "c.service"])


@pytest.mark.parametrize(
    ("current", "actions"),
    [
        (ENABLED, ["stop", "mask"]),
        (state("loaded", "inactive", "disabled"), ["mask"]),
        (state("loaded", "activating", "generated"), ["stop", "mask"]),
        (state("loaded", "failed", "static"), ["mask"]),
        (state("masked", "inactive", "masked"), []),
        (state("masked", "active", "masked"), ["stop"]),
        (state("masked", "inactive", "masked-runtime"), ["mask"]),
        (state("not-found", "inactive", ""), []),
        (state("not-found", "active", ""), ["stop"]),
        (state("loaded", "active", "enabled", own=True), ["stop", "disable"]),
        (state("loaded", "inactive", "disabled", own=True), []),
    ],
)
def test_masking_stops_first_and_does_only_what_is_left(current: dict[str, Any], actions: list[str]) -> None:
    assert list(units.diff({"a.service": current}, {"a.service": "masked"})) == actions


def test_many_units_share_one_call_of_a_kind() -> None:
    actions = units.diff({"a.socket": ENABLED, "a.service": ENABLED}, {"a.socket": "masked", "a.service": "masked"})
    assert actions == {"stop": ["a.socket", "a.service"], "mask": ["a.socket", "a.service"]}


@pytest.mark.parametrize("wanted", ["restarted", "reloaded"])
def test_only_what_runs_is_restarted_or_reloaded(wanted: str) -> None:
    assert units.diff({"ssh.service": ENABLED}, {"ssh.service": wanted}) == {wanted: ["ssh.service"]}
    assert units.diff({"ssh.service": state("loaded", "inactive", "enabled")}, {"ssh.service": wanted}) == {}


def test_what_a_socket_started_is_restarted_instead_of_reloaded_and_told_so() -> None:
    """Sshd behind ssh.socket ends of a reload, and with it the way in."""
    behind = state("loaded", "active", "enabled", socket=True)
    assert units.diff({"ssh.service": behind}, {"ssh.service": "reloaded"}) == {"restarted": ["ssh.service"]}
    assert units.item("ssh.service", behind, behind, "reloaded")["after"] == "restarted"
    stopped = state("loaded", "inactive", "disabled", socket=True)
    assert units.diff({"ssh.service": stopped}, {"ssh.service": "reloaded"}) == {}


@pytest.mark.parametrize(
    ("current", "actions"),
    [
        (ENABLED, []),
        (state("loaded", "activating", "enabled"), []),
        (state("loaded", "active", "static"), []),
        (state("loaded", "failed", "enabled"), ["start"]),
        (state("loaded", "inactive", "disabled"), ["enable", "start"]),
        (state("masked", "inactive", "masked"), ["unmask", "enable", "start"]),
        (state("masked", "active", "masked-runtime"), ["unmask", "enable"]),
        (state("not-found", "inactive", ""), ["enable", "start"]),
    ],
)
def test_what_has_to_run_is_unmasked_first_and_started_last(current: dict[str, Any], actions: list[str]) -> None:
    assert list(units.diff({"cron.service": current}, {"cron.service": "running"})) == actions


def test_check_mode_tells_what_the_states_will_be() -> None:
    before = {"a.service": ENABLED}
    after = units._expected(before, units.diff(before, {"a.service": "masked"}))
    assert units.item("a.service", before["a.service"], after["a.service"], "masked") == {
        "kind": "unit",
        "subject": "a.service",
        "before": "enabled, active",
        "after": "masked, inactive",
    }


def test_a_restart_is_told_as_such_and_a_failed_unit_as_one_that_does_not_run() -> None:
    gone, failed = state("not-found", "inactive", ""), state("loaded", "failed", "enabled")
    assert units.item("a.service", ENABLED, ENABLED, "restarted")["after"] == "restarted"
    assert units.item("a.service", gone, failed, "running")["before"] == "absent, inactive"
    assert units.item("a.service", gone, failed, "running")["after"] == "enabled, inactive"


def test_a_link_that_leads_nowhere_is_in_the_way_of_a_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "ADMINISTERED", str(tmp_path))
    (tmp_path / "loop.service").symlink_to("loop.service")
    (tmp_path / "masked.service").symlink_to("/dev/null")
    (tmp_path / "file").touch()
    names = ("loop.service", "masked.service", "none.service", "file/below.service")
    assert [units.has_own_file(name) for name in names] == [True, False, False, True]
