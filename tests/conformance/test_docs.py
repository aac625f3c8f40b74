"""Holds the documentation to the code: generated parts are fresh, exit codes and links are real."""

import re
from pathlib import Path

import pytest

from hardener.errors import ExitCode
from tests.conformance.generated import ROOT, generated_files

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def test_generated_parts_are_fresh() -> None:
    stale = [path.name for path, text in generated_files().items() if path.read_text("utf-8") != text]
    assert stale == [], "run: make docs"


def test_the_readme_has_a_place_for_the_help() -> None:
    assert "Usage: hardener" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = _LINK.findall(page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_exit_code_is_explained() -> None:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|", text, re.MULTILINE)
    assert [int(row) for row in rows] == [code.value for code in ExitCode]


def test_every_test_that_the_security_page_names_exists() -> None:
    named = set(re.findall(r"\btest_\w+\.py", (ROOT / "docs" / "security.md").read_text("utf-8")))
    assert named
    assert named - {path.name for path in ROOT.glob("tests/**/test_*.py")} == set()
