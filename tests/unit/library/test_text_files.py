"""What the module ``text_files`` writes, and what it leaves as it is."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from playbooks.library.text_files import diff, read

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]))


@given(TEXTS)
def test_a_second_time_changes_nothing(text: str) -> None:
    first = diff({"/f": None}, {"/f": text})
    assert diff(dict(first), {"/f": text}) == {}


def test_only_the_files_that_differ_are_written_and_lines_end() -> None:
    assert diff({"/a": "x\n", "/b": "y\n", "/c": None}, {"/a": "x", "/b": "x", "/c": "x\n"}) == {
        "/b": "x\n",
        "/c": "x\n",
    }


def test_a_link_is_no_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x\n")
    (tmp_path / "link").symlink_to(tmp_path / "text")
    assert read(str(tmp_path / "text")) == "x\n"
    assert read(str(tmp_path / "link")) is None
    assert read(str(tmp_path / "none")) is None
