"""Holds the tree to its shape: sizes, docstrings, names that can be derived, and one list of Debian packages."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardener.lab import tools

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "constraints.txt",
    "docs",
    "hardener",
    "inventories",
    "molecule",
    "playbooks",
    "pyproject.toml",
    "requirements.txt",
    "roles",
    "tests",
}
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_AN_ANSIBLE_MODULE = 150
MOST_LINES_OF_A_FUNCTION = 40

PRODUCT = sorted([*ROOT.glob("hardener/**/*.py"), *ROOT.glob("playbooks/**/*.py")])
ANSIBLE_MODULES = sorted(ROOT.glob("playbooks/library/*.py"))
ROLES = sorted(path.name for path in ROOT.glob("roles/*") if path.is_dir())


def short(path: Path) -> str:
    """A file's name in a test's id."""
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_nothing_else_lies_at_the_top() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    top = {name.split("/")[0] for name in tracked}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("path", PRODUCT, ids=short)
def test_a_file_is_short(path: Path) -> None:
    assert lines_of(path) <= MOST_LINES_OF_A_FILE


@pytest.mark.parametrize("path", ANSIBLE_MODULES, ids=short)
def test_an_ansible_module_is_shorter(path: Path) -> None:
    assert lines_of(path) <= MOST_LINES_OF_AN_ANSIBLE_MODULE


@pytest.mark.parametrize("path", PRODUCT, ids=short)
def test_a_function_is_short(path: Path) -> None:
    sizes = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions(path)}
    assert {name: size for name, size in sizes.items() if size > MOST_LINES_OF_A_FUNCTION} == {}


@pytest.mark.parametrize("path", PRODUCT, ids=short)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_controls_of_its_name(role: str) -> None:
    controls = ROOT / "hardener" / "controls"
    assert (controls / f"{role}.py").is_file() or (controls / role / "__init__.py").is_file()


@pytest.mark.parametrize("path", ANSIBLE_MODULES, ids=short)
def test_an_ansible_module_has_tests_of_its_name(path: Path) -> None:
    assert (ROOT / "tests" / "unit" / "library" / f"test_{path.stem}.py").is_file()


def test_the_makefile_installs_every_tool_the_lab_runs() -> None:
    makefile = re.sub(r"\\\n", " ", (ROOT / "Makefile").read_text("utf-8"))
    listed = re.search(r"^PACKAGES := (.*)$", makefile, re.MULTILINE)
    assert listed is not None
    wanted = [set(tools._COMMON.values()), *(set(by_tool.values()) for by_tool in tools._BY_KIND.values())]
    assert set().union(*wanted) | {"grub-pc-bin"} <= set(listed[1].split())
