"""What runs on a target tells bytes in one way, and takes for a line what the programs do that read its files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTEAD = {
    r"\bfail_json\b": "telling.fail",
    r"\bexit_json\b": "telling.finish",
    r"\bcheck_rc\b": "telling.output_of",
    r"\b(surrogateescape|backslashreplace|surrogatepass)\b": "lossless",
}
"""What an answer could fail of, or lose bytes by → what is there for it."""
THE_ONE_WAY = {"telling.py", "lossless.py"}
SOURCES = sorted(
    path
    for folder in ("playbooks/library", "playbooks/module_utils", "hardener/checkpoint")
    for path in (ROOT / folder).glob("*.py")
    if path.name not in THE_ONE_WAY
)
LINKED = ("hardener", "playbooks/module_utils")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_tells_in_the_one_way(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [f"{found[0]}: instead {way}" for what, way in INSTEAD.items() for found in re.finditer(what, text)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks/library").glob("*.py")), ids=lambda path: path.stem)
def test_a_module_that_edits_sees_the_lines_that_are_there(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not ("_to_edit" in text and "splitlines" in text), "lossless.lines_of is there for it"


def test_the_one_spelling_is_one_file_that_all_have() -> None:
    for folder in LINKED:
        assert (ROOT / folder / "lossless.py").samefile(ROOT / "hardener/checkpoint/lossless.py")
    assert len(SOURCES) > 40
