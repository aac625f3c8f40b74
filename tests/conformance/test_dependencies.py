"""All that is installed has one version and known hashes, and the two lists of it say the same."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FILES = ("constraints.txt", "requirements.txt")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(name: str) -> Iterator[tuple[Requirement, frozenset[str]]]:
    """Each requirement of a file, and its hashes."""
    for line in (ROOT / name).read_text("utf-8").replace("\\\n", " ").splitlines():
        if not line.startswith("#"):
            requirement, *hashes = re.split(r"\s+(?=--hash)", line.strip())
            yield Requirement(requirement), frozenset(hashes)


def pins(name: str) -> Mapping[str, tuple[Requirement, frozenset[str]]]:
    return {canonicalize_name(requirement.name): (requirement, hashes) for requirement, hashes in entries(name)}


@pytest.mark.parametrize("name", FILES)
def test_everything_has_one_version_and_hashes(name: str) -> None:
    found = list(entries(name))
    assert len(found) == len(pins(name))
    for requirement, hashes in found:
        assert [item.operator for item in requirement.specifier] == ["=="], requirement
        assert requirement.url is None
        assert hashes
        assert all(HASH.fullmatch(item) for item in hashes), requirement


def test_no_line_says_where_files_come_from() -> None:
    assert not [name for name in FILES if "://" in (ROOT / name).read_text("utf-8")]


def test_what_the_tool_needs_is_part_of_all_there_is() -> None:
    everything = pins("constraints.txt")
    for name, (requirement, hashes) in pins("requirements.txt").items():
        assert str(everything[name][0].specifier) == str(requirement.specifier)
        assert everything[name][1] == hashes


@pytest.mark.parametrize("name", FILES)
def test_the_project_and_its_build_ask_for_nothing_else(name: str) -> None:
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    if name == "constraints.txt":
        wanted += [line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra]
    pinned = pins(name)
    for requirement in map(Requirement, wanted):
        (version,) = pinned[canonicalize_name(requirement.name)][0].specifier
        assert requirement.specifier.contains(version.version), requirement
