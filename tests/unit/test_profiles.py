"""Profiles: chains that only add, and errors that name file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.catalogue.benchmarks import Benchmark, Recommendation
from hardener.catalogue.discovery import Catalogue
from hardener.catalogue.profiles import built_in_profiles, load_profile
from hardener.errors import ProfileError
from hardener.model import Platform
from hardener.platforms import KNOWN
from tests.unit.builders import catalogue

DEBIAN_12, DEBIAN_13 = KNOWN


def write(folder: Path, text: str, name: str = "site.yml") -> str:
    file = folder / name
    file.write_text(text)
    return str(file)


def test_level_2_adds_to_level_1() -> None:
    controls = catalogue()
    first, second = load_profile("cis-level1", controls), load_profile("cis-level2", controls)
    assert first.selected(DEBIAN_12) == set(controls) - {"alpha-two"}
    assert second.selected(DEBIAN_12) == set(controls)


def two_systems() -> Catalogue:
    """On Debian 13 ``alpha-one`` is of level 2, and the benchmark there has none of ``beta``; a third is nobody's."""
    controls = catalogue()
    items = {
        "1": Recommendation(level=2, judged_by="machine", controls=["alpha-one"]),
        "2": Recommendation(level=1, judged_by="machine", controls=["alpha-chained"]),
        "3": Recommendation(level=1, judged_by="machine"),
    }
    other = Benchmark("other-1", "Other", items, reference="other", platform=DEBIAN_13)
    own = Benchmark("policy-3", "Policy", {"P1": Recommendation(level=1, controls=["beta-metal"])}, reference="policy")
    controls.benchmarks = [*controls.benchmarks, other, own]
    return controls


def test_a_level_is_that_of_the_benchmark_of_the_targets_own_system() -> None:
    controls = two_systems()
    first = load_profile("cis-level1", controls)
    assert first.selected(DEBIAN_12) == set(controls) - {"alpha-two"}
    assert first.selected(DEBIAN_13) == {"alpha-chained"}
    assert first.why_not("alpha-one", DEBIAN_13) == "level 2 is not in profile cis-level1"
    assert first.why_not("beta-metal", DEBIAN_13) == "no number of other-1 asks for it"


@pytest.mark.parametrize("platform", [None, Platform(family="debian", release="11")])
def test_where_the_system_is_not_known_whatever_is_asked_for_on_any_is_selected(platform: Platform | None) -> None:
    controls = two_systems()
    assert load_profile("cis-level1", controls).selected(platform) == set(controls) - {"alpha-two"}


def test_the_newest_benchmark_for_a_system_is_the_one_that_counts_there() -> None:
    controls = catalogue()
    (old,) = controls.benchmarks
    new = Benchmark("sample-1.10", "New", {"1": old.recommendations["1.2.4"]}, platform=DEBIAN_12)
    controls.benchmarks = [new, old]
    assert load_profile("cis-level2", controls).selected(DEBIAN_12) == {"alpha-two"}


@pytest.mark.parametrize("platform", [DEBIAN_12, DEBIAN_13])
@pytest.mark.parametrize("name", ["policy", "policy-3"])
def test_a_benchmark_that_a_profile_names_counts_on_every_target(tmp_path: Path, name: str, platform: Platform) -> None:
    named = load_profile(write(tmp_path, f"title: x\nbenchmark: {name}\nlevels: [1]\n"), two_systems())
    whole = load_profile(write(tmp_path, f"title: x\nbenchmark: {name}\n"), two_systems())
    assert named.selected(platform) == whole.selected(platform) == {"beta-metal"}
    assert named.why_not("alpha-one", platform) == "no number of policy-3 asks for it"


def test_everything_there_is_has_a_profile_of_its_own() -> None:
    controls = two_systems()
    everything = load_profile("beyond-cis", controls)
    assert everything.selected(DEBIAN_13) == everything.selected(DEBIAN_12) == set(controls)


def test_a_control_of_no_benchmark_and_no_name_is_just_not_in_the_profile(tmp_path: Path) -> None:
    profile = load_profile(write(tmp_path, "title: x\ncontrols: [alpha-one]\n"), catalogue())
    assert profile.why_not("alpha-two", DEBIAN_12) == "not in profile site"


def test_every_profile_that_comes_with_the_tool_loads() -> None:
    for name in built_in_profiles():
        assert load_profile(name, catalogue()).name == name


def test_a_sites_profile_extends_one_of_ours_with_controls_and_values(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "title: ours\nextends: cis-level1\ncontrols: ['alpha-t*']\nparameters:\n  alpha_numbers: {one: 5}\n",
    )
    profile = load_profile(path, catalogue())
    assert "alpha-two" in profile.selected(DEBIAN_12)
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
        ("title: x\nlevels:\n  - 1\n  - 7\n", 4, "there is no level 7 in sample-1"),
        ("title: x\nbenchmark: iso\n", 2, "no benchmark 'iso'; there are sample-1"),
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
    with pytest.raises(ProfileError, match="beyond-cis, cis-level1, cis-level2"):
        load_profile("nope", catalogue())
    with pytest.raises(ProfileError, match="No such file"):
        load_profile(str(tmp_path / "nope.yml"), catalogue())
