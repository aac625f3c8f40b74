"""Whom the module ``allowed_users`` lists: never fewer than before, and nobody who was shut out."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from playbooks.library.allowed_users import diff, owners_of, read

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
    assert read(str(tmp_path / "none")) is None
