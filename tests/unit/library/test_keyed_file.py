"""What the module ``keyed_file`` makes of a file: its keys, once each, and every other line as it was."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.library.keyed_file import HEADER, diff, lines_with, main, text_of
from tests.unit.library.running import NEEDS_ROOT, STRANGER, run, state, theirs, victim

KEYS = st.sampled_from(["PermitRootLogin", "* hard core", "install cramfs", "net.ipv4.ip_forward", "Storage"])
LINES = st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20), max_size=6)


def test_a_key_is_replaced_where_it_stands_and_its_repetitions_go() -> None:
    text = "# words\nMaxAuthTries 6\nUsePAM yes\nMaxAuthTries 9\n"
    assert diff(text, {"MaxAuthTries": "4"}, " ", None) == "# words\nMaxAuthTries 4\nUsePAM yes\n"


def test_a_missing_key_is_appended_and_a_new_file_says_whose_it_is() -> None:
    assert diff("", {"a": "1", "b": ""}, " = ", None) == f"{HEADER}a = 1\nb\n"


def test_a_file_without_a_final_newline_gets_one() -> None:
    assert diff("a 1", {"b": "2"}, " ", None) == "a 1\nb 2\n"


@pytest.mark.parametrize(
    ("line", "key", "separator"),
    [
        ("net.ipv4.ip_forward=1", "net.ipv4.ip_forward", " = "),
        ("*   hard\tcore  unlimited", "* hard core", " "),
        ("install  cramfs /bin/true", "install cramfs", " "),
        ("inet_interfaces = all", "inet_interfaces", " = "),
    ],
)
def test_a_line_is_known_however_it_is_spaced(line: str, key: str, separator: str) -> None:
    assert diff(f"{line}\n", {key: "x"}, separator, None) == f"{key}{separator}x\n"


def test_a_longer_key_and_a_comment_are_other_lines() -> None:
    text = "install hfsplus /bin/false\n# install hfs\n"
    assert diff(text, {"install hfs": "/bin/false"}, " ", None) == f"{text}install hfs /bin/false\n"


def test_case_matters_unless_it_does_not() -> None:
    assert diff("usepam no\n", {"UsePAM": "yes"}, " ", None) == "usepam no\nUsePAM yes\n"
    assert diff("usepam no\n", {"UsePAM": "yes"}, " ", None, fold=True) == "UsePAM yes\n"


def test_a_key_of_a_section_leaves_other_sections_alone() -> None:
    text = "[Other]\nStorage=external\n[Coredump]\n#Storage=external\n[Last]\nStorage=x\n"
    assert diff(text, {"Storage": "none"}, "=", "Coredump") == (
        "[Other]\nStorage=external\n[Coredump]\n#Storage=external\nStorage=none\n[Last]\nStorage=x\n"
    )
    assert diff("", {"Storage": "none"}, "=", "Coredump") == f"{HEADER}[Coredump]\nStorage=none\n"


@pytest.mark.parametrize(
    ("value", "text"), [(["a", "b"], "a,b"), (0, "0"), ("", ""), (None, None), ("no", "no"), (False, "no")]
)
def test_values_are_spelled_as_the_file_spells_them(value: object, text: str | None) -> None:
    assert text_of(value) == text


@given(lines=LINES, wanted=st.dictionaries(KEYS, st.sampled_from(["0", "yes", "/bin/false"]), min_size=1))
def test_twice_is_once_every_key_stands_once_and_foreign_lines_stay(lines: list[str], wanted: dict[str, str]) -> None:
    foreign = [f"# {line}" for line in lines]
    text = "".join(f"{line}\n" for line in foreign) or HEADER
    once = diff(text, wanted, " ", None)
    assert diff(once, wanted, " ", None) == once
    assert [line for line in once.splitlines() if line.startswith("#")] == text.splitlines()
    for key, value in wanted.items():
        assert once.splitlines().count(f"{key} {value}") == 1


def test_no_value_drops_every_line_of_a_key() -> None:
    text = "pool a iburst\nuser x\npool b\n"
    assert diff(text, {"pool": None, "server": None, "user": "_chrony"}, " ", None) == "user _chrony\n"


def test_the_lines_of_a_key_are_told_without_those_of_other_sections() -> None:
    text = "[Other]\nStorage=external\n[Coredump]\nStorage=a\nStorage=b\n"
    assert lines_with(text, "Storage", "=", "Coredump") == "Storage=a\nStorage=b"
    assert lines_with("", "Storage", "=", "Coredump") == ""
    assert lines_with("[Other]\nStorage=external\n", "Storage", "=", "Coredump") == ""


def set_key(path: Path, *, check: bool = False) -> dict[str, Any]:
    return run(main, path=str(path), values={"key": "value"}, mode="0600", check=check)


def test_a_file_is_made_with_its_mode_and_check_mode_tells_the_same(tmp_path: Path) -> None:
    path = tmp_path / "new.d/file"
    planned = set_key(path, check=True)
    assert not path.parent.exists()
    done = set_key(path)
    assert planned["diff"] == done["diff"]
    assert (path.read_text(), path.stat().st_mode & 0o7777) == (f"{HEADER}key value\n", 0o600)
    assert not set_key(path)["changed"]


def test_bytes_that_are_no_text_stay_and_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"# \xe4\r\nkey \xff\n")
    answer = set_key(path)
    assert [(item["before"], item["after"]) for item in answer["diff"]] == [("key \\xff", "key value")]
    assert path.read_bytes() == b"# \xe4\r\nkey value\n"


@NEEDS_ROOT
@pytest.mark.parametrize("planted", ["link", "hard link"])
def test_a_file_that_is_planted_is_neither_told_nor_changed(tmp_path: Path, planted: str) -> None:
    secret, path = victim(tmp_path), theirs(tmp_path / "home") / "file"
    before = state(secret)
    if planted == "link":
        path.symlink_to(secret)
    else:
        os.link(secret, path)
    answer = set_key(path)
    assert re.search(r"left alone: .*(not root's own|hard link)", *answer["warnings"])
    assert answer["diff"] == []
    assert state(secret) == before


@NEEDS_ROOT
def test_the_file_of_a_service_stays_its_own(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("key old\n")
    os.chown(path, STRANGER, STRANGER)
    path.chmod(0o4711)
    assert set_key(path)["changed"]
    assert state(path) == (b"key value\n", STRANGER, STRANGER, 0o711)
