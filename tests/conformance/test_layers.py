"""Reads every import and holds it to the table in docs/architecture.md: what may import what, and who alone may."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "hardener"

LAYERS = {
    "words": [
        "model",
        "errors",
        "content",
        "documents",
        "lossless",
        "masking",
        "ownership",
        "platforms",
        "private",
        "untrusted",
    ],
    "declarations": ["catalogue", "controls", "project"],
    "adapters": ["inventory", "transport", "transcript", "playbook", "store", "lab", "schedule", "telling"],
    "on the target": ["checkpoint"],
    "engines": [
        "selection",
        "plan",
        "audit",
        "facts",
        "changes",
        "effects",
        "approval",
        "drift",
        "causes",
        "requirements",
        "waiving",
        "alerting",
        "evidence",
    ],
    "readers": ["reports"],
    "conductor": ["conductor"],
    "edge": ["cli", "pytest_plugin", "__main__"],
}
"""Layer → the modules and packages of ``hardener`` that live in it."""

MAY_IMPORT = {
    "words": {"words"},
    "declarations": {"words", "declarations"},
    "adapters": {"words"},
    "engines": {"words", "declarations", "engines", "transcript"},
    "on the target": set(),
    "readers": {"words"},
    "conductor": {"words", "declarations", "adapters", "on the target", "engines", "readers"},
    "edge": set(LAYERS),
}
"""Layer → the layers, or single modules, it may import; every package may also import itself."""

SOLE_IMPORTERS = {
    "alembic": {"store"},
    "ansible": {"inventory"},
    "ansible_runner": {"playbook"},
    "apprise": {"telling"},
    "concurrent": {"conductor", "checkpoint"},
    "cryptography": {"evidence"},
    "jinja2": {"reports"},
    "multiprocessing": {"conductor"},
    "paramiko": {"transport"},
    "pytest": {"pytest_plugin"},
    "rich": {"reports"},
    "sqlalchemy": {"store"},
    "subprocess": {"checkpoint", "inventory", "transport", "playbook", "store", "lab", "schedule", "telling"},
    "testinfra": {"transcript"},
    "threading": {"conductor"},
    "typer": {"cli"},
    "xlsxwriter": {"reports"},
}
"""Imported package → who alone may import it."""

WIDELY_USED = {"pydantic", "yaml"}
"""Third-party packages any layer may import."""

LAYER_OF = {unit: layer for layer, units in LAYERS.items() for unit in units}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def unit_of(path: Path) -> str:
    """The module or package directly below ``hardener`` that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_names(path: Path) -> Iterator[str]:
    """Dotted names a file imports, wherever in it; ``from a import b`` counts as ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 1 and path.name.startswith("secure_"):
                continue  # shared with Ansible's modules, which know the package by another name
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_units(path: Path) -> set[str]:
    """The other modules and packages of ``hardener`` that a file imports."""
    names = [name.split(".") for name in imported_names(path)]
    return {parts[1] for parts in names if parts[0] == "hardener" and len(parts) > 1} & set(LAYER_OF) - {unit_of(path)}


def outside_packages(path: Path) -> set[str]:
    """The packages other than ``hardener`` that a file imports."""
    return {name.split(".")[0] for name in imported_names(path)} - {"hardener"}


def short(path: Path) -> str:
    """A file's name in a test's id."""
    return str(path.relative_to(PACKAGE))


def test_every_module_has_a_layer() -> None:
    assert {unit_of(path) for path in MODULES} <= set(LAYER_OF)


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_module_imports_only_from_the_layers_below(path: Path) -> None:
    allowed = MAY_IMPORT[LAYER_OF[unit_of(path)]]
    assert {unit for unit in own_units(path) if not {unit, LAYER_OF[unit]} & allowed} == set()


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_an_outside_thing_has_one_importer(path: Path) -> None:
    unit = unit_of(path)
    assert {name for name in outside_packages(path) if unit not in SOLE_IMPORTERS.get(name, {unit})} == set()


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_third_party_package_is_in_the_table(path: Path) -> None:
    assert outside_packages(path) - sys.stdlib_module_names - WIDELY_USED - set(SOLE_IMPORTERS) == set()
