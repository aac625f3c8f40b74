"""What holds for every control and every role, whichever they are."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter

import pytest
import yaml

from hardener.catalogue import walk
from hardener.catalogue.benchmark_files import BUILT_IN
from hardener.catalogue.benchmarks import Benchmark, benchmark_named, by_number
from hardener.catalogue.control import Control
from hardener.catalogue.coverage import Answered, places
from hardener.catalogue.discovery import discover
from hardener.catalogue.reference import questions
from hardener.content import roles_directory
from hardener.documents import merged
from hardener.inventory import role_defaults
from hardener.model import Disruption
from hardener.plan import role_variables
from tests.conformance.risks import Risk, risks

GAPS = {
    "cis-debian-13-1.0.0": "1.1.1.9 1.2.1.2 1.2.1.3 1.2.1.4 1.2.1.5 1.2.1.6 1.2.1.7 1.2.1.8 1.2.1.9 1.3.1.4 1.5.1 "
    "1.5.2 1.5.5 1.5.6 1.5.7 1.5.8 1.7.11 2.1.16 2.4.1.7 3.2.1 3.2.2 3.3.1.3 3.3.2.2 5.1.13 6.1.2.9 6.1.2.10 6.1.2.11 "
    "6.2.3.35"
}
"""Benchmark → its numbers that no control answers yet."""
OF_TWO_LEVELS = {"cis-debian-13-1.0.0": {"kernel-ip-forwarding"}}
"""Benchmark → controls that answer numbers of two levels, and count from the lower one: two names of one setting."""
CATALOGUE = discover()
DEFAULTS = role_defaults(roles_directory())

every_control = pytest.mark.parametrize("control", list(CATALOGUE.values()), ids=list(CATALOGUE))
every_role = pytest.mark.parametrize("role", CATALOGUE.roles())
every_benchmark = pytest.mark.parametrize("benchmark", CATALOGUE.benchmarks, ids=lambda item: item.name)


@every_control
def test_its_id_is_its_role_and_its_subject_in_kebab_case(control: Control) -> None:
    assert re.fullmatch(rf"{control.role}(-[a-z0-9]+)+", control.id)


@every_control
def test_it_says_what_and_why_in_sentences(control: Control) -> None:
    assert re.fullmatch(r"\S.*[^.]", control.title), "a title has no full stop"
    assert re.fullmatch(r"[A-Z/a-z].*\.", control.why), "a reason is a sentence"
    assert re.fullmatch(r"[A-Z].*\.", control.remedy)


@every_control
def test_it_can_be_broken_and_mended_or_says_why_not(control: Control) -> None:
    if control.is_manual:
        assert control.violation is None
        assert not control.is_remediable
        return
    assert control.violation is not None
    assert control.violation.commands
    if not control.is_remediable:
        assert control.violation.undo, "nobody else brings back what the violation took"
        assert control.remedy.startswith("None: ")


@every_control
def test_its_values_are_in_its_roles_defaults_and_acceptable_to_itself(control: Control) -> None:
    for parameter in control.parameters:
        value = parameter.value(control.role, DEFAULTS)
        assert not parameter.judge(value).complaints(value), parameter.label(control.role)


@pytest.mark.parametrize("control", [item for item in CATALOGUE.values() if item.enables], ids=lambda item: item.id)
def test_what_needs_it_is_there_of_no_lower_level_and_comes_later(control: Control) -> None:
    for pattern in control.enables:
        assert fnmatch.filter(CATALOGUE, pattern), f"no control is called {pattern}"
    needing = [item for name, item in CATALOGUE.records.items() if control.is_needed_by(name)]
    first = {"packages"} | {item.role for item in needing if {other.role for other in needing} == {item.role}}
    assert control.role in first, "of their own role, or the one the playbook applies before all others"
    assert min(item.level for item in needing) >= CATALOGUE.records[control.id].level, (
        "what a level rests on would be told of a deeper one"
    )


@every_benchmark
def test_a_control_has_one_level_in_a_benchmark_and_is_judged_by_whom_it_says(benchmark: Benchmark) -> None:
    levels: dict[str, set[int | None]] = {}
    for item in benchmark.recommendations.values():
        for name in item.controls:
            levels.setdefault(name, set()).add(item.level)
            assert item.judged_by in {None, "person" if CATALOGUE[name].is_manual else "machine"}, name
    assert {name for name, found in levels.items() if len(found) > 1} == OF_TWO_LEVELS.get(benchmark.name, set())


def test_every_control_serves_something_and_has_a_level_in_one_place_of_ours() -> None:
    assert not [name for name, record in CATALOGUE.records.items() if "nist-800-53" not in record.references]
    beyond = benchmark_named("hardener", CATALOGUE.benchmarks, location="").recommendations
    numbered = {
        item for item, record in CATALOGUE.records.items() if any("cis-debian" in key for key in record.references)
    }
    assert beyond.keys() == CATALOGUE.keys() - numbered


@every_benchmark
def test_its_file_is_sorted_and_names_each_control_once(benchmark: Benchmark) -> None:
    said = yaml.safe_load((BUILT_IN / f"{benchmark.name}.yml").read_text())
    (numbers,) = (said[key] for key in ("recommendations", "requirements", "levels") if key in said)
    assert list(numbers) == sorted(numbers, key=by_number)
    for number, item in benchmark.recommendations.items():
        assert [*item.controls] == sorted(set(item.controls)), number


@every_benchmark
def test_every_recommendation_has_its_place(benchmark: Benchmark) -> None:
    found = places(benchmark, CATALOGUE.records)
    assert [place.number for place in found if place.answered is Answered.GAP] == GAPS.get(benchmark.name, "").split()


@pytest.mark.parametrize(
    ("name", "levels", "judged_by"),
    [
        ("cis-debian-12", {1: 249, 2: 61}, {"machine": 289, "person": 21}),
        ("cis-debian-13", {1: 258, 2: 85}, {"machine": 327, "person": 16}),
    ],
)
def test_a_benchmark_of_cis_is_listed_whole(name: str, levels: Counter[int], judged_by: Counter[str]) -> None:
    everything = benchmark_named(name, CATALOGUE.benchmarks, location="").recommendations.values()
    assert Counter(item.level for item in everything) == levels
    assert Counter(item.judged_by for item in everything) == judged_by


@every_role
def test_every_default_belongs_to_a_control(role: str) -> None:
    of_role = {name: value for name, value in DEFAULTS.items() if name.startswith(f"{role}_")}
    used = role_variables([item for item in CATALOGUE.values() if item.role == role], CATALOGUE, DEFAULTS)
    assert merged({}, of_role) == {name: value for name, value in used.items() if name.startswith(f"{role}_")}


@every_role
def test_its_argument_specs_name_every_default_once(role: str) -> None:
    meta = yaml.safe_load((roles_directory() / role / "meta" / "argument_specs.yml").read_text())
    options = meta["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((roles_directory() / role / "defaults" / "main.yml").read_text())
    assert set(options) == set(defaults)
    assert {option["type"] for option in options.values()} == {"dict"}
    assert not [name for name, option in options.items() if "default" in option], "a value lives once, in the defaults"


def test_every_role_has_its_controls_and_every_module_of_controls_its_role() -> None:
    assert CATALOGUE.roles() == sorted(path.name for path in roles_directory().iterdir() if path.is_dir())


@pytest.mark.parametrize("risk", risks(CATALOGUE, DEFAULTS), ids=lambda risk: f"{risk.role}: {risk.task}")
def test_a_task_that_takes_something_away_carries_its_disruption(risk: Risk) -> None:
    assert risk.controls, "a task that no control asks for"
    assert not [control.id for control in risk.controls if control.disruption is Disruption.NONE]


@every_control
def test_it_says_whether_it_needs_the_file_walk(control: Control) -> None:
    assert control.needs_walk == (walk.COMMAND in questions(control))
