"""The files the module ``dconf_settings`` keeps: its own keys and locks, and one line of a profile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.library.dconf_settings import HEADER, diff, is_stale, variant, with_database, with_locks, with_settings

IDLE = "/org/gnome/desktop/session/idle-delay"
KEYS = st.sampled_from([IDLE, "/org/gnome/a/b", "/org/gnome/a/c", "/org/gnome/login-screen/banner-message-text"])
VALUES = st.booleans() | st.integers(0, 2**32 - 1) | st.text(st.characters(blacklist_categories=["Cs", "Cc"]))


def chosen(**more: Any) -> dict[str, Any]:
    return {"profile": "user", "database": "local", "settings": {}, "locks": [], **more}


def test_a_first_time_makes_the_profile_the_keys_and_the_locks() -> None:
    assert diff({}, chosen(settings={IDLE: 900}, locks=[IDLE])) == {
        "/etc/dconf/profile/user": "user-db:user\nsystem-db:local\n",
        "/etc/dconf/db/local.d/zz-hardener": f"{HEADER}[org/gnome/desktop/session]\nidle-delay=uint32 900\n",
        "/etc/dconf/db/local.d/locks/zz-hardener": f"{HEADER}{IDLE}\n",
    }


def test_what_is_not_given_is_not_made() -> None:
    assert list(diff({}, chosen(locks=[IDLE]))) == [
        "/etc/dconf/profile/user",
        "/etc/dconf/db/local.d/locks/zz-hardener",
    ]


@given(first=st.dictionaries(KEYS, VALUES), second=st.dictionaries(KEYS, VALUES))
def test_keys_come_one_after_the_other_as_well_as_at_once(first: dict[str, Any], second: dict[str, Any]) -> None:
    by_turns = with_settings(with_settings("", first), second)
    assert by_turns == with_settings("", {**first, **second})
    assert with_settings(by_turns, second) == by_turns


@given(st.lists(KEYS), st.lists(KEYS))
def test_locks_only_grow(first: list[str], second: list[str]) -> None:
    text = with_locks(with_locks("", first), second)
    assert set(text.splitlines()[1:]) == {*first, *second}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("user-db:user\n", "user-db:user\nsystem-db:gdm\n"),
        ("user-db:user\nfile-db:/x", "user-db:user\nsystem-db:gdm\nfile-db:/x"),
        ("user-db:user\nsystem-db:site\nsystem-db:gdm\n", "user-db:user\nsystem-db:site\nsystem-db:gdm\n"),
        ("", "user-db:user\nsystem-db:gdm\n"),
    ],
)
def test_the_users_own_database_stays_first_and_others_stay(before: str, after: str) -> None:
    assert with_database(before, "gdm") == after


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (5, "uint32 5"), ("it's\n\\", r"'it\'s\n\\'"), ("a ", "'a'")]
)
def test_values_are_spelt_as_dconf_reads_them(value: object, text: str) -> None:
    expected = text if value != "it's\n\\" else r"'it\'s" + "\\n" + r"\\'"
    assert variant(value) == expected


def test_a_database_that_is_missing_or_old_is_compiled(tmp_path: Path) -> None:
    database = tmp_path / "local"
    (tmp_path / "local.d").mkdir()
    assert is_stale(str(database))
    database.touch()
    os.utime(tmp_path / "local.d", (1, 1))
    assert not is_stale(str(database))
    (tmp_path / "local.d" / "keys").touch()
    os.utime(database, (1, 1))
    assert is_stale(str(database))
