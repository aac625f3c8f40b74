"""What the module ``log_files`` takes from logs, and what it leaves to those who write and read them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import open_files, ownership, secure_paths
from hypothesis import given
from hypothesis import strategies as some

from playbooks.library import log_files
from tests.unit.library.running import NEEDS_ROOT, STRANGER, held_open, run, state, theirs, victim

KINDS: dict[str, Any] = {
    "*": {"mode": "0640", "owners": ["root", "syslog"], "groups": ["root", "adm"]},
    "*.journal": {"mode": "0640", "owners": ["root"], "groups": ["systemd-journal", "root"]},
    "/var/log/apt/*": {"mode": "0644", "owners": ["root"], "groups": ["root", "adm"]},
    "wtmp*": {"mode": "0664", "owners": ["root"], "groups": ["utmp", "root"]},
}
NAMES = some.sampled_from(["root", "syslog", "adm", "postgres", "nobody", "4711"])
MODES = some.integers(min_value=0, max_value=0o7777)


def file(mode: int, owner: str = "root", group: str = "root") -> dict[str, Any]:
    return {"mode": mode, "owner": owner, "group": group}


@given(mode=MODES, owner=NAMES, group=NAMES, kind=some.sampled_from(list(KINDS)))
def test_no_bit_is_added_and_once_is_enough(mode: int, owner: str, group: str, kind: str) -> None:
    target = log_files.diff(file(mode, owner, group), KINDS[kind])
    assert target["mode"] & ~mode == 0
    assert target["mode"] & ~(int(KINDS[kind]["mode"], 8) | 0o060) == 0
    assert log_files.diff(target, KINDS[kind]) == target


@pytest.mark.parametrize(
    ("now", "mode"),
    [
        (file(0o644, "root", "adm"), 0o640),
        (file(0o640, "syslog", "adm"), 0o640),
        (file(0o600, "nobody", "users"), 0o600),
        (file(0o777, "4711", "4711"), 0o660),
        (file(0o666, "postgres", "postgres"), 0o660),
        (file(0o666, "postgres", "adm"), 0o640),
    ],
)
def test_no_owner_is_changed_and_a_group_that_is_not_known_keeps_what_it_may(now: dict[str, Any], mode: int) -> None:
    assert log_files.diff(now, KINDS["*"]) == {**now, "mode": mode}


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
def test_whoevers_a_log_is_it_stays_his(tmp_path: Path) -> None:
    path = log(theirs(tmp_path / "log/service") / "a.log")
    os.chown(path, STRANGER, STRANGER)
    path.chmod(0o6757)
    answer = closed(tmp_path / "log")
    assert [(item["before"], item["after"]) for item in answer["diff"]] == [("6757 54321 54321", "0640 54321 54321")]
    assert state(path)[1:] == (STRANGER, STRANGER, 0o640)


@NEEDS_ROOT
@pytest.mark.parametrize(
    ("mode", "way", "left"),
    [(0o666, os.O_WRONLY, True), (0o644, os.O_RDONLY, True), (0o662, os.O_RDWR, True), (0o644, os.O_WRONLY, False)],
)
def test_who_has_a_log_open_goes_on_and_the_log_is_told(tmp_path: Path, mode: int, way: int, left: bool) -> None:
    path = log(tmp_path / "a.log", mode)
    for check in (True, False):
        with held_open(path, way, STRANGER, STRANGER):
            answer = closed(tmp_path, check=check)
        if left:
            assert subjects(answer) == []
            said = f"{path}: left alone: in use by who would be cut off: user {STRANGER}"
            assert answer["warnings"] == [said]
        else:
            assert subjects(answer) == [str(path)]
    assert path.stat().st_mode & 0o7777 == (mode if left else 0o640)


def test_where_root_may_not_look_at_a_process_nothing_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log(tmp_path / "a.log")
    names: Callable[[str], list[str]] = secure_paths.kernel_names

    def refused(top: str) -> list[str]:
        if top == f"/proc/{os.getpid()}/fdinfo":
            raise PermissionError
        return names(top)

    monkeypatch.setattr(open_files, "kernel_names", refused)
    for uid, left in ((STRANGER, True), (0, False)):
        monkeypatch.setattr(open_files, "_user", lambda _, uid=uid: uid)
        answer = closed(tmp_path)
        assert subjects(answer) == ([] if left else [str(path)])
        assert bool(answer["warnings"]) == left


def test_where_the_kernel_does_not_say_which_file_is_open_nothing_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(tmp_path / "a.log")
    text: Callable[[str], str] = secure_paths.kernel_text
    old = "pos:\t0\nflags:\t0100002\nmnt_id:\t15\n"
    monkeypatch.setattr(open_files, "kernel_text", lambda path: old if "/fdinfo/" in path else text(path))
    answer = closed(tmp_path)
    assert subjects(answer) == []
    assert answer["warnings"] == [f"{path}: left alone: perhaps in use: not every process lets root look"]


@NEEDS_ROOT
@pytest.mark.parametrize("uid", [0, STRANGER])
def test_who_gets_in_as_root_or_as_its_owner_needs_no_more(tmp_path: Path, uid: int) -> None:
    path = log(tmp_path / "a.log")
    os.chown(path, STRANGER, 0)
    with held_open(path, os.O_RDWR, uid, STRANGER):
        assert subjects(closed(tmp_path)) == [str(path)]
    assert state(path)[1:] == (STRANGER, 0, 0o640)


def test_a_name_that_is_no_text_is_told_and_closed(tmp_path: Path) -> None:
    path = log(tmp_path / os.fsdecode(b"\xff.log"))
    assert subjects(closed(tmp_path)) == [f"{tmp_path}/\\xff.log"]
    assert path.stat().st_mode & 0o7777 == 0o640


def test_file_systems_of_other_hosts_and_of_programs_are_known() -> None:
    table = "/dev/vda / ext4 rw 0 0\nhost:/x /var/log/a\\040b nfs4 rw 0 0\nx /var/log/own\x0c\r\x85 fuse.evil rw 0 0\n"
    assert log_files.remote_mounts(table) == ["/var/log/a b", "/var/log/own\x0c\r\x85"]
