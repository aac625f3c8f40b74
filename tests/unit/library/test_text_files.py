"""What the module ``text_files`` writes, and what it leaves as it is."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from playbooks.library.text_files import diff, main, read
from tests.unit.library.running import NEEDS_ROOT, STRANGER, run, state, victim

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


@NEEDS_ROOT
def test_links_are_replaced_and_what_is_there_keeps_its_owner(tmp_path: Path) -> None:
    secret = victim(tmp_path)
    before = state(secret)
    for name, owner in (("link", 0), ("theirs", STRANGER)):
        (tmp_path / name).symlink_to(secret)
        os.chown(tmp_path / name, owner, owner, follow_symlinks=False)
    (tmp_path / "file").write_text("old")
    os.chown(tmp_path / "file", STRANGER, 0)
    paths = [str(tmp_path / name) for name in ("link", "theirs", "file", "new/file")]
    planned = run(main, texts=dict.fromkeys(paths, "text"), mode="0640", check=True)
    assert state(tmp_path / "link") == before
    done = run(main, texts=dict.fromkeys(paths, "text"), mode="0640")
    assert planned["diff"] == done["diff"]
    assert [item["before"] for item in done["diff"]] == ["", "", "old", ""]
    made = (b"text\n", 0, 0, 0o640)
    assert [state(Path(path)) for path in paths] == [made, made, (b"text\n", STRANGER, 0, 0o644), made]
    assert state(secret) == before
    assert not run(main, texts=dict.fromkeys(paths, "text"))["changed"]


def test_a_secret_is_written_and_never_told(tmp_path: Path) -> None:
    answer = run(main, secret_texts={str(tmp_path / "file"): "hash"})
    assert (tmp_path / "file").read_text() == "hash\n"
    assert "hash" not in str(answer["diff"])
