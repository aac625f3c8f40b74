"""Profiles: chains that only add, and errors that name file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.catalogue.profiles import built_in_profiles, load_profile
from hardener.errors import ProfileError
from tests.unit.builders import catalogue


def write(folder: Path, text: str, name: str = "site.yml") -> str:
    file = folder / name
    file.write_text(text)
    return str(file)


def test_level_2_adds_to_level_1() -> None:
    controls = catalogue()
    first, second = load_profile("cis-level1", controls), load_profile("cis-level2", controls)
    assert {item.id for item in controls.records.values() if first.selects(item)} == set(controls) - {"alpha-two"}
    assert all(second.selects(item) for item in controls.records.values())


def test_every_profile_that_comes_with_the_tool_loads() -> None:
    for name in built_in_profiles():
        assert load_profile(name, catalogue()).name == name


def test_a_sites_profile_extends_one_of_ours_with_controls_and_values(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "title: ours\nextends: cis-level1\ncontrols: ['alpha-t*']\nparameters:\n  alpha_numbers: {one: 5}\n",
    )
    profile = load_profile(path, catalogue())
    assert profile.selects(catalogue().records["alpha-two"])
    assert profile.parameters == {"alpha_numbers": {"one": 5}}
    assert profile.locations["alpha_numbers"] == f"{path}:5"


def test_a_profile_extends_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, "title: base\nlevels: [1]\nparameters: {alpha_numbers: {one: 5, two: 6}}\n", "base.yml")
    path = write(tmp_path, "title: top\nextends: ./base.yml\nparameters: {alpha_numbers: {one: 4}}\n")
    assert load_profile(path, catalogue()).parameters == {"alpha_numbers": {"one": 4, "two": 6}}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("title: x\ncontrols:\n  - nope-*\n", 3, "no control is called 'nope-*'"),
        ("title: x\nparameters:\n  nope: 1\n", 3, "no control has the parameter 'nope'"),
        ("title: x\ntitle: y\n", 2, "duplicate key 'title'"),
        ("title: x\nlevels: [one]\n", 2, "levels.0: Input should be a valid integer"),
        ("title: x\ncolour: red\n", 2, "colour: Extra inputs are not permitted"),
        ("levels: [1]\n", 1, "title: Field required"),
        ("title: x\nextends: nope\n", 2, "no profile 'nope'"),
        ("title: x\nextends: ./site.yml\n", 2, "a profile cannot extend itself"),
        ("title: [x\n", 2, "expected ',' or ']'"),
        ("- title\n", 1, "expected a mapping at the top"),
        ("title: !!python/object:os.system x\n", 1, "could not determine a constructor"),
    ],
)
def test_a_wrong_profile_is_one_line_with_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ProfileError) as caught:
        load_profile(path, catalogue())
    where, _, what = str(caught.value).partition(": ")
    assert Path(where.rpartition(":")[0]).name == "site.yml"
    assert where.endswith(f":{line}")
    assert message in what
    assert "\n" not in str(caught.value)


def test_a_profile_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cis-level1, cis-level2"):
        load_profile("nope", catalogue())
    with pytest.raises(ProfileError, match="No such file"):
        load_profile(str(tmp_path / "nope.yml"), catalogue())
