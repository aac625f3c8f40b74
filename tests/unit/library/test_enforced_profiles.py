"""Which profiles the module ``enforced_profiles`` changes: those that complain, and their flag only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.library.enforced_profiles import complaining_in, diff, enforced

LISTING = "/{,usr/}sbin/dhclient (enforce)\nUXTerm profile (complain)\nlsb_release (complain)\nchrome (unconfined)\n"


def test_names_may_hold_blanks_and_braces() -> None:
    assert complaining_in(LISTING) == {"UXTerm profile", "lsb_release"}
    assert complaining_in("") == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("profile a /bin/a flags=(complain) {\n}\n", "profile a /bin/a {\n}\n"),
        ("/bin/a flags=(attach_disconnected, complain) {\n", "/bin/a flags=(attach_disconnected) {\n"),
        ("/bin/a flags = (complain,mediate_deleted) {\n", "/bin/a flags = (mediate_deleted) {\n"),
        ("  profile child flags=(complain) {\n", "  profile child {\n"),
        ("# flags=(complain)\nprofile a {\n", "# flags=(complain)\nprofile a {\n"),
        ("profile a flags=(unconfined) {\n", "profile a flags=(unconfined) {\n"),
    ],
)
def test_the_flag_goes_and_others_stay(before: str, after: str) -> None:
    assert enforced(before) == after


@given(st.text())
def test_whatever_does_not_complain_is_left_as_it_is(text: str) -> None:
    assert enforced(enforced(text)) == enforced(text)
    if "complain" not in text:
        assert enforced(text) == text


def test_only_the_files_of_complaining_profiles_are_loaded_again() -> None:
    files = {"/a": "profile lsb_release flags=(complain) {}", "/b": "profile b flags=(complain) {}", "/c": "/bin/c {}"}
    assert diff(files, {"lsb_release"}) == {"/a": "profile lsb_release {}"}
    assert diff(files, {"/bin/c//child"}) == {"/c": "/bin/c {}"}
    assert diff(files, set()) == {}
