"""Which controls are judged with which values, what an apply hands to the roles, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from hardener.catalogue.discovery import catalogue_of
from hardener.errors import ConfigError
from hardener.model import Finding, HeldBack, Outcome, TargetResult, Trait
from hardener.plan import check_values, held_back, make_plan, remediable, role_variables, without_roles
from hardener.selection import Selection
from tests.unit.builders import DEFAULTS, FACTS, catalogue, leveled, number_control, selection, selection_of, target


def test_every_control_is_judged_or_excluded_with_a_reason() -> None:
    plan = make_plan(selection("alpha-*", levels=(1,)), target(), FACTS)
    judged = {control.id for control in plan.controls}
    excluded = {item.control: item.reason for item in plan.exclusions}
    assert judged == {"alpha-one", "alpha-chained"}
    assert judged | excluded.keys() == set(catalogue())
    assert excluded["alpha-two"] == "level 2 is not in profile sample"
    assert excluded["beta-metal"] == "not named by alpha-*"


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"platforms": frozenset({"debian-12"})}, None),
        ({"platforms": frozenset({"debian-13", "rhel"})}, "only on debian-13 or rhel"),
        ({"needs": frozenset({Trait.VM, Trait.KUBERNETES_WORKER})}, None),
        ({"needs": frozenset({Trait.GUI, Trait.CONTAINER})}, "only on container or gui"),
        ({"unless": {Trait.VM: "no metal"}, "needs": frozenset({Trait.VM})}, "vm: no metal"),
    ],
)
def test_a_control_applies_where_it_says(where: Mapping[str, Any], reason: str | None) -> None:
    chosen = selection_of(leveled(alpha=[number_control("one", **where)]))
    facts = FACTS.model_copy(update={"traits": frozenset({Trait.VM})})
    told = {item.control: item for item in make_plan(chosen, target(), facts).exclusions}
    assert (told["alpha-one"].reason if told else None) == reason
    assert not told or told["alpha-one"].outcome is Outcome.NOTAPPLICABLE
    assert not make_plan(chosen, target(), None).exclusions, "nobody has seen yet what it is"


def test_an_apply_works_on_what_fails_and_has_a_remedy() -> None:
    findings = (
        Finding(control="alpha-one", outcome=Outcome.FAIL),
        Finding(control="alpha-two", outcome=Outcome.ERROR),
        Finding(control="beta-manual", outcome=Outcome.INFORMATIONAL),
        Finding(control="beta-metal", outcome=Outcome.PASS),
    )
    result = TargetResult(target="a", facts=FACTS, findings=findings)
    assert [control.id for control in remediable(selection(), target(), result)] == ["alpha-one"]


def a_tool_and_what_needs_it(pattern: str = "*") -> Selection:
    """``alpha-tool``, which the remedies of ``alpha-use-one`` and ``-two`` need, and ``alpha-else``."""
    controls = [
        number_control("tool", enables=("alpha-use-*",)),
        *(number_control(subject) for subject in ("use-one", "use-two", "else")),
    ]
    return selection_of(leveled(alpha=controls), pattern)


def test_controls_chosen_by_name_bring_those_their_remedies_need() -> None:
    excluded = {item.control for item in make_plan(a_tool_and_what_needs_it("*-one"), target(), FACTS).exclusions}
    assert excluded == {"alpha-use-two", "alpha-else"}


def test_a_control_that_others_need_brings_none_of_them() -> None:
    excluded = {item.control for item in make_plan(a_tool_and_what_needs_it("*-tool"), target(), FACTS).exclusions}
    assert excluded == {"alpha-use-one", "alpha-use-two", "alpha-else"}


def remedied(**outcomes: Finding) -> Sequence[str]:
    result = TargetResult(target="a", facts=FACTS, findings=tuple(outcomes.values()))
    return [control.id for control in remediable(a_tool_and_what_needs_it(), target(), result)]


def test_a_remedy_is_left_out_where_what_it_needs_fails_and_stays_so() -> None:
    """As where a site waives AIDE: the rules for it would make the playbook fail, and the host restore all of it."""
    use, other = (Finding(control=f"alpha-{name}", outcome=Outcome.FAIL) for name in ("use-one", "else"))
    tool = Finding(control="alpha-tool", outcome=Outcome.FAIL)
    waived = tool.model_copy(update={"waiver": "w1"})
    assert remedied(tool=waived, use=use, other=other) == ["alpha-else"]
    assert remedied(tool=tool, use=use, other=other) == ["alpha-tool", "alpha-use-one", "alpha-else"]
    passing = tool.model_copy(update={"outcome": Outcome.PASS})
    assert remedied(tool=passing, use=use, other=other) == ["alpha-use-one", "alpha-else"]


def test_a_role_receives_only_the_items_of_its_failing_controls() -> None:
    controls = catalogue()
    facts = FACTS.model_copy(update={"traits": frozenset({Trait.VM}), "ssh_ports": (22, 2222)})
    variables = role_variables([controls["alpha-one"]], controls, DEFAULTS, facts)
    assert variables == {
        "hardening_roles": ["alpha"],
        "hardening_controls": ["alpha-one"],
        "alpha_numbers": {"one": 10},
        "alpha_words": {},
        "hardening_target": {"traits": ["vm"], "ssh_ports": [22, 2222]},
    }


def with_number(one: Any) -> Any:
    values = {**DEFAULTS, "alpha_numbers": {"one": one, "two": 20}}
    return target(origins={"alpha_numbers.one": "group_vars/all.yml:3"}).model_copy(update={"values": values})


def test_a_stricter_value_is_the_sites_own_business() -> None:
    check_values(selection(), with_number(7), DEFAULTS)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (50, r"group_vars/all.yml:3: node: alpha_numbers.one is 50, acceptable is at most 10 \(waive"),
        ("7", r"group_vars/all.yml:3: node: alpha_numbers.one is of type str, expected int"),
    ],
)
def test_a_value_no_compliant_host_could_have_is_refused_where_it_was_written(value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_values(selection(), with_number(value), DEFAULTS)


def test_a_missing_value_is_named() -> None:
    broken = target().model_copy(update={"values": {**DEFAULTS, "alpha_numbers": {"two": 20}}})
    with pytest.raises(ConfigError, match=r"node: no value for alpha_numbers\.one"):
        check_values(selection(), broken, DEFAULTS)


def test_a_value_of_a_control_that_is_not_selected_is_not_looked_at() -> None:
    check_values(selection("beta-*"), with_number(50), DEFAULTS)


def test_a_profile_is_named_as_the_origin_of_its_values() -> None:
    controls = catalogue()
    profile = replace(selection().profile, locations={"alpha_numbers": "site.yml:9"})
    chosen = Selection(controls, profile)
    values = {**DEFAULTS, "alpha_numbers": {"one": 99, "two": 20}}
    with pytest.raises(ConfigError, match=r"^site\.yml:9: "):
        check_values(chosen, target().model_copy(update={"values": values}), DEFAULTS)


HELD = HeldBack(reason="it would lock you out", go_on="bring a key")


def test_what_is_held_back_is_no_work_of_an_apply_nor_is_what_needs_it() -> None:
    findings = [Finding(control=f"alpha-{name}", outcome=Outcome.FAIL) for name in ("tool", "use-one", "else")]
    findings[0] = findings[0].model_copy(update={"held_back": HELD})
    result = TargetResult(target="a", facts=FACTS, findings=tuple(findings))
    chosen = a_tool_and_what_needs_it()
    assert [control.id for control in remediable(chosen, target(), result)] == ["alpha-else"]
    assert held_back(chosen, result) == findings[:1]


def test_what_a_waiver_covers_is_not_held_back_but_waived() -> None:
    waived = Finding(control="alpha-one", outcome=Outcome.FAIL, waiver="w1", held_back=HELD)
    result = TargetResult(target="a", facts=FACTS, findings=(waived,))
    assert held_back(selection(), result) == []
    including = replace(selection(), include_waived=True)
    assert held_back(including, result) == [waived]
    assert remediable(including, target(), result) == []


def test_without_a_role_goes_what_needs_it_and_what_needs_that() -> None:
    """A tool, what needs it, what needs that, and something else, of two roles."""
    controls = catalogue_of(
        [
            ("alpha", [number_control("tool", enables=("beta-first",)), number_control("other")]),
            ("beta", [number_control("first", enables=("beta-second",)), number_control("second")]),
            ("gamma", [number_control("else")]),
        ]
    )
    every = list(controls.values())
    assert [control.id for control in without_roles(every, {"alpha"})] == ["gamma-else"]
    assert [control.id for control in without_roles(every, {"beta"})] == ["alpha-tool", "alpha-other", "gamma-else"]
    assert without_roles(every, {"none"}) == every


def test_two_controls_of_one_id_are_refused() -> None:
    with pytest.raises(ConfigError, match="gate-door: two controls have this id, of the roles gate and gate"):
        catalogue_of([("gate", [number_control("door"), number_control("door")])])


def test_a_control_about_the_way_not_chosen_does_not_apply() -> None:
    controls = leveled(alpha=[number_control("one", chosen={"alpha_words.chained": "bad"}), number_control("two")])
    plan = make_plan(selection_of(controls), target(), None)
    assert [control.id for control in plan.controls] == ["alpha-two"]
    assert [(item.outcome, item.reason) for item in plan.exclusions] == [
        (Outcome.NOTAPPLICABLE, "alpha_words.chained is good, not bad")
    ]


def test_the_choice_reaches_the_role_with_the_control_that_hangs_on_it() -> None:
    controls = catalogue_of([("alpha", [number_control("one", chosen={"alpha_words.chained": "good"})])])
    variables = role_variables([controls["alpha-one"]], controls, DEFAULTS)
    assert (variables["alpha_numbers"], variables["alpha_words"]) == ({"one": 10}, {"chained": "good"})


def test_without_the_file_walk_what_needs_it_is_not_checked() -> None:
    controls = leveled(alpha=[number_control("one", needs_walk=True), number_control("two")])
    plan = make_plan(replace(selection_of(controls), walk=False), target(), None)
    assert [control.id for control in plan.controls] == ["alpha-two"]
    assert [(item.outcome, item.reason) for item in plan.exclusions] == [
        (Outcome.NOTCHECKED, "the file walk was skipped")
    ]
