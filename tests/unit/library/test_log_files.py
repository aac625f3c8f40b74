"""What the module ``log_files`` takes from logs, and what it leaves to services."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import ownership
from hypothesis import given
from hypothesis import strategies as some

from playbooks.library import log_files
from tests.unit.library.running import NEEDS_ROOT, STRANGER, run, state, theirs, victim

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


LOGS = {"*": {"mode": "0640", "owners": ["root"], "groups": ["root", "adm"]}}


def closed(top: Path, *, check: bool = False, **more: Any) -> dict[str, Any]:
    """What the module answers of a directory of logs."""
    return run(log_files.main, path=str(top), kinds=LOGS, check=check, **more)


def subjects(answer: dict[str, Any]) -> list[str]:
    """What is told to change, but for what may come."""
    return [item["subject"] for item in answer["diff"] if not item.get("conditional")]


def log(path: Path, mode: int = 0o666) -> Path:
    path.touch()
    path.chmod(mode)
    return path


def test_only_regular_files_are_closed_and_some_directories_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pods").mkdir()
    log(tmp_path / "pods/a.log")
    path = log(tmp_path / "b.log")
    target = log(tmp_path / "target", 0o640)
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    without = [str(tmp_path / "pods")]
    planned = closed(tmp_path, check=True, without=without)
    assert path.stat().st_mode & 0o7777 == 0o666
    done = closed(tmp_path, without=without)
    assert subjects(planned) == subjects(done) == [str(path)]
    assert path.stat().st_mode & 0o7777 == 0o640
    assert (tmp_path / "pods/a.log").stat().st_mode & 0o7777 == 0o666
    assert not closed(tmp_path, without=without)["changed"]


@NEEDS_ROOT
def test_a_file_with_further_names_is_left_alone_where_others_write_and_told(tmp_path: Path) -> None:
    secret = victim(tmp_path)
    secret.chmod(0o644)
    before = state(secret)
    planted = theirs(tmp_path / "log/service") / "a\nb.log"
    os.link(secret, planted)
    for check in (True, False):
        answer = closed(tmp_path / "log", check=check)
        assert subjects(answer) == []
        assert answer["warnings"] == [
            f"{planted.parent}/a\\x0ab.log: left alone: a hard link in a directory of somebody else"
        ]
    assert state(secret) == before


@NEEDS_ROOT
@pytest.mark.parametrize("put_there", ["link", "hard link", "nothing"])
def test_what_takes_the_place_of_a_log_is_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put_there: str
) -> None:
    secret = victim(tmp_path)
    secret.chmod(0o644)
    before = state(secret)
    mine = log(theirs(tmp_path / "log/service") / "a.log")
    change = ownership.change

    def swapped(*given: Any) -> None:
        mine.unlink()
        if put_there == "link":
            mine.symlink_to(secret)
        elif put_there == "hard link":
            os.link(secret, mine)
        change(*given)

    monkeypatch.setattr(log_files, "change", swapped)
    closed(tmp_path / "log")
    assert state(secret) == before


@NEEDS_ROOT
def test_a_log_that_gets_another_owner_gives_nobody_the_rights_of_that_one(tmp_path: Path) -> None:
    path = log(theirs(tmp_path / "log/service") / "a.log")
    os.chown(path, STRANGER, STRANGER)
    path.chmod(0o6755)
    loose = {"*": {**LOGS["*"], "mode": "7777"}}
    answer = run(log_files.main, path=str(tmp_path / "log"), kinds=loose)
    assert [(item["before"], item["after"]) for item in answer["diff"]] == [("6755 54321 54321", "0755 root root")]
    assert state(path)[1:] == (0, 0, 0o755)


def test_a_name_that_is_no_text_is_told_and_closed(tmp_path: Path) -> None:
    path = log(tmp_path / os.fsdecode(b"\xff.log"))
    assert subjects(closed(tmp_path)) == [f"{tmp_path}/\\xff.log"]
    assert path.stat().st_mode & 0o7777 == 0o640


def test_file_systems_of_other_hosts_and_of_programs_are_known() -> None:
    table = "/dev/vda / ext4 rw 0 0\nhost:/x /var/log/a\\040b nfs4 rw 0 0\nx /var/log/own\x0c\r\x85 fuse.evil rw 0 0\n"
    assert log_files.remote_mounts(table) == ["/var/log/a b", "/var/log/own\x0c\r\x85"]


def test_this_machine_has_services_and_root_is_none() -> None:
    services = log_files.service_accounts()
    assert "daemon" in services
    assert not services & {"root", "nobody"}
