"""What the module ``log_files`` takes from logs, and what it leaves to services."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from playbooks.library import log_files

KINDS: dict[str, Any] = {
    "*": {"mode": "0640", "owners": ["root", "syslog"], "groups": ["root", "adm"]},
    "*.journal": {"mode": "0640", "owners": ["root"], "groups": ["systemd-journal", "root"]},
    "/var/log/apt/*": {"mode": "0644", "owners": ["root"], "groups": ["root", "adm"]},
    "wtmp*": {"mode": "0664", "owners": ["root"], "groups": ["utmp", "root"]},
}
SERVICES = frozenset({"postgres"})
NAMES = some.sampled_from(["root", "syslog", "adm", "postgres", "nobody", "4711"])
MODES = some.integers(min_value=0, max_value=0o7777)


def file(mode: int, owner: str = "root", group: str = "root") -> dict[str, Any]:
    return {"mode": mode, "owner": owner, "group": group}


@given(mode=MODES, owner=NAMES, group=NAMES, kind=some.sampled_from(list(KINDS)))
def test_no_bit_is_added_none_too_many_is_left_and_once_is_enough(mode: int, owner: str, group: str, kind: str) -> None:
    target = log_files.diff(file(mode, owner, group), KINDS[kind], SERVICES)
    assert target["mode"] & ~mode == 0
    assert target["mode"] & ~int(KINDS[kind]["mode"], 8) == 0
    assert log_files.diff(target, KINDS[kind], SERVICES) == target


@pytest.mark.parametrize(
    ("now", "target"),
    [
        (file(0o644, "root", "adm"), file(0o640, "root", "adm")),
        (file(0o640, "syslog", "adm"), file(0o640, "syslog", "adm")),
        (file(0o600, "nobody", "users"), file(0o600)),
        (file(0o600, "4711", "4711"), file(0o600)),
        (file(0o666, "postgres", "postgres"), file(0o640, "postgres", "postgres")),
    ],
)
def test_people_own_no_logs_and_services_keep_theirs(now: dict[str, Any], target: dict[str, Any]) -> None:
    assert log_files.diff(now, KINDS["*"], SERVICES) == target


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/var/log/syslog", "*"),
        ("/var/log/wtmp.1", "wtmp*"),
        ("/var/log/journal/1/system.journal", "*.journal"),
        ("/var/log/apt/history.log", "/var/log/apt/*"),
        ("/var/log/apt/wtmp", "/var/log/apt/*"),
    ],
)
def test_the_longest_pattern_counts(path: str, pattern: str) -> None:
    assert log_files.kind_of(path, KINDS) is KINDS[pattern]


def test_nothing_holds_for_a_path_no_pattern_names() -> None:
    assert log_files.kind_of("/var/log/syslog", {"wtmp*": KINDS["wtmp*"]}) is None


def test_only_regular_files_are_opened_and_some_directories_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pods").mkdir()
    (tmp_path / "pods" / "a.log").touch()
    (tmp_path / "b.log").touch()
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    found = [path for path, _ in log_files.opened(str(tmp_path), [str(tmp_path / "pods")])]
    assert found == [str(tmp_path / "b.log")]


def test_what_is_observed_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.touch()
    path.chmod(0o666)
    for _, descriptor in log_files.opened(str(tmp_path), []):
        now = log_files.observe(descriptor)
        assert now["mode"] == 0o666
        log_files.change(descriptor, now, {**now, "mode": 0o640})
    assert path.stat().st_mode & 0o7777 == 0o640


def test_this_machine_has_services_and_root_is_none() -> None:
    services = log_files.service_accounts()
    assert "daemon" in services
    assert not services & {"root", "nobody"}


def test_attributes_are_told_as_people_write_them() -> None:
    assert log_files.shown(file(0o640, group="adm")) == "0640 root adm"
