"""Plans of many targets: what the audit tells, and what a playbook that changes nothing adds to it."""

from __future__ import annotations

from collections.abc import Mapping

from hardener.conductor import ApplySettings, make_plans
from hardener.errors import Unreachable
from hardener.model import Change, ChangeKind
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun
from tests.unit.builders import answer, facts_answers, healthy
from tests.unit.fleet import Fleet, conductor, targets

ITEM = Change(role="alpha", task="Set", module="keyed_file", kind=ChangeKind.SETTING, subject="/etc/x", key="one")
ILL = healthy() | {"number one": answer("99\n")}


class Rehearsal:
    """A playbook that tells an item for each target, or fails on all."""

    def __init__(self, problem: str | None = None) -> None:
        self.problem = problem
        self.runs: list[PlaybookRun] = []

    def __call__(self, run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        self.runs.append(run)
        return {name: PlaybookOutcome(changes=[ITEM], problem=self.problem) for name in run.variables}


def settings(rehearsal: Rehearsal) -> ApplySettings:
    return ApplySettings(inventories=["hosts.yml"], playbook=rehearsal)


def test_a_plan_says_what_an_apply_would_do_and_why_the_rest_stays() -> None:
    rehearsal = Rehearsal()
    fleet = Fleet(a=ILL | facts_answers(container=True))
    (plan,) = make_plans(conductor(fleet), targets("a"), settings(rehearsal)).targets
    assert [item.control for item in plan.changes] == ["alpha-one"]
    assert [item.control for item in plan.for_a_person] == ["beta-manual"]
    assert plan.nothing_to_do == ("alpha-two", "alpha-chained")
    assert {item.control: item.reason for item in plan.exclusions} == {"beta-metal": "container: belongs to the host"}
    assert plan.items == (ITEM.model_copy(update={"controls": ("alpha-one",)}),)


def test_only_targets_that_need_something_are_rehearsed_and_nothing_is_changed() -> None:
    rehearsal = Rehearsal()
    fleet = Fleet(well=healthy(), ill=ILL, dead=Unreachable("no route"))
    plans = make_plans(conductor(fleet), targets("well", "ill", "dead"), settings(rehearsal)).targets
    (run,) = rehearsal.runs
    assert run.is_dry
    assert list(run.variables) == ["ill"]
    assert [(plan.target, len(plan.items), plan.problem) for plan in plans] == [
        ("well", 0, None),
        ("ill", 1, None),
        ("dead", 0, "no route"),
    ]


def test_a_fleet_without_failures_runs_no_ansible() -> None:
    rehearsal = Rehearsal()
    make_plans(conductor(Fleet(a=healthy())), targets("a"), settings(rehearsal))
    assert rehearsal.runs == []


def test_a_rehearsal_that_fails_is_a_problem_of_the_plan() -> None:
    (plan,) = make_plans(conductor(Fleet(a=ILL)), targets("a"), settings(Rehearsal("Set: disk full"))).targets
    assert plan.problem == "could not be rehearsed: Set: disk full"


def test_plans_for_other_values_can_be_told_apart() -> None:
    one, two = targets("a", "a")
    two = two.model_copy(update={"values": {**two.values, "alpha_numbers": {"one": 9, "two": 20}}})
    fleet = Fleet(a=ILL)
    made = [make_plans(conductor(fleet), [item], settings(Rehearsal())) for item in (one, one, two)]
    digests = {plans.targets[0].values for plans in made}
    assert len(digests) == 2
