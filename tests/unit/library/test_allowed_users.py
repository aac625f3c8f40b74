"""Whom the module ``allowed_users`` lists: never fewer than before, and nobody who was shut out."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from playbooks.library.allowed_users import diff, main, owners_of
from tests.unit.library.running import NEEDS_ROOT, run, state, theirs, victim

NAMES = st.lists(st.sampled_from(["root", "backup", "plain", "admin", "deploy"]), unique=True)


@given(before=NAMES, wanted=NAMES, owners=NAMES, denied=NAMES)
def test_a_list_that_exists_gains_the_wanted_users_and_nobody_else(
    before: list[str], wanted: list[str], owners: list[str], denied: list[str]
) -> None:
    text = diff("".join(f"{name}\n" for name in before), wanted, owners, denied)
    assert set(text.split()) == {*before, *wanted}
    assert diff(text, wanted, owners, denied) == text


@given(wanted=NAMES, owners=NAMES, denied=NAMES)
def test_a_new_list_keeps_those_who_have_jobs_unless_they_were_denied(
    wanted: list[str], owners: list[str], denied: list[str]
) -> None:
    listed = diff(None, wanted, owners, denied).split()
    assert set(listed) == {*wanted, *(set(owners) - set(denied) - {"root"})}
    assert len(listed) == len(set(listed))


def test_a_last_line_without_an_end_is_not_glued_to_the_next_name() -> None:
    assert diff("backup", ["root"], [], []) == "backup\nroot\n"


def test_jobs_tell_who_has_them(tmp_path: Path) -> None:
    (tmp_path / "job").touch()
    (tmp_path / ".SEQ").touch()
    assert owners_of(str(tmp_path)) == [pwd.getpwuid(os.getuid()).pw_name]
    assert owners_of(str(tmp_path / "none")) == []


@NEEDS_ROOT
def test_a_list_is_made_with_its_group_and_one_that_is_there_keeps_what_it_has(tmp_path: Path) -> None:
    list_, jobs, denied = tmp_path / "cron.allow", theirs(tmp_path / "jobs"), tmp_path / "cron.deny"
    (jobs / "link").symlink_to("/etc/passwd")
    os.mkfifo(jobs / "pipe")
    given: dict[str, Any] = {"path": str(list_), "jobs": str(jobs), "denied": str(denied), "group": "daemon"}
    assert run(main, **given, users=["root"], check=True)["changed"]
    assert not list_.exists()
    assert run(main, **given, users=["root"])["changed"]
    assert state(list_) == (b"root\n", 0, grp.getgrnam("daemon").gr_gid, 0o640)
    list_.chmod(0o600)
    os.chown(list_, 0, 0)
    assert not run(main, **given, users=["root"])["changed"]
    assert run(main, **given, users=["backup"])["changed"]
    assert state(list_) == (b"root\nbackup\n", 0, 0, 0o600)


@NEEDS_ROOT
def test_a_list_in_the_directory_of_somebody_else_is_not_written(tmp_path: Path) -> None:
    secret = victim(tmp_path)
    before = state(secret)
    home = theirs(tmp_path / "home")
    (home / "allow").symlink_to(secret)
    answer = run(main, path=str(home / "new"), jobs=str(tmp_path), denied="/none", users=["root"])
    assert "not written to a directory of somebody else" in answer["msg"]
    assert state(secret) == before
    assert [path.name for path in home.iterdir()] == ["allow"]


def test_a_name_is_a_whole_line_as_the_schedulers_read_it() -> None:
    assert diff("root\r\n\udce9\n", ["root"], [], []) == "root\r\n\udce9\nroot\n"
    assert diff("\N{BYTE ORDER MARK}root\n", ["root"], [], []) == "\N{BYTE ORDER MARK}root\nroot\n"
    assert diff("root\x0cx\nroot", ["root"], [], []) == "root\x0cx\nroot"


def test_jobs_that_cannot_be_looked_at_leave_everything_alone(tmp_path: Path) -> None:
    (tmp_path / "jobs").symlink_to("jobs")
    for check in (True, False):
        given = {"path": str(tmp_path / "allow"), "jobs": str(tmp_path / "jobs"), "denied": "/none"}
        answer = run(main, **given, users=["root"], check=check)
        assert answer["warnings"] == [f"{tmp_path}/jobs: left alone: Too many levels of symbolic links"]
        assert (answer["changed"], (tmp_path / "allow").exists()) == (False, False)
