"""Which failures waivers cover, what follows from that in every flow, and what a review has to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hardener.catalogue.waivers import DeclaredWaiver
from hardener.conductor import ApplySettings, exit_code, make_plans
from hardener.errors import ExitCode, Unreachable
from hardener.model import Outcome, Target, TargetResult, Waiver, score
from hardener.selection import Selection
from hardener.waiving import Review
from tests.unit.builders import answer, catalogue, healthy, selection, target
from tests.unit.fleet import Fleet, Playbook, applied, conductor, settings
from tests.unit.store.nights import night
from tests.unit.test_planning import Rehearsal
from tests.unit.waivers import EFFECTIVE, EXPIRES, NOW, waiver

ILL = healthy() | {"number one": answer("99\n")}


def under(*waivers: Waiver, **changes: Any) -> Selection:
    return replace(selection(), waivers=waivers, started=NOW, **changes)


def node(name: str = "ill", *scopes: str) -> Target:
    return target(name, scopes=frozenset(scopes or ("all",)))


def audited(chosen: Selection, host: Target | None = None) -> TargetResult:
    (result,) = conductor(Fleet(ill=ILL), selection=chosen).audit([host or node()])
    return result


def test_a_waived_failure_keeps_its_outcome_and_is_no_finding() -> None:
    result = audited(under(waiver()))
    (finding,) = [item for item in result.findings if item.waiver]
    assert (finding.control, finding.outcome, finding.waiver) == ("alpha-one", Outcome.FAIL, "w")
    assert (result.failing, result.waived, exit_code([result])) == (0, 1, ExitCode.COMPLIANT)


def test_the_score_is_known_with_and_without_waivers() -> None:
    findings = audited(under(waiver())).findings
    totals = [score(findings, with_waivers=flag) for flag in (True, False)]
    assert [(item.compliant, item.scored) for item in totals] == [(3, 3), (3, 4)]


@pytest.mark.parametrize(
    "other",
    [
        waiver(controls="alpha-two"),
        waiver(scope="web"),
        waiver(observed=98),
        waiver(observed="9?9"),
        waiver(observed=True),
        waiver(expires=NOW),
        waiver(effective=NOW + timedelta(seconds=1)),
    ],
    ids=["control", "scope", "value", "pattern", "type", "expired", "not yet in effect"],
)
def test_what_a_waiver_is_not_about_fails(other: Waiver) -> None:
    result = audited(under(other))
    assert (result.failing, result.waived, exit_code([result])) == (1, 0, ExitCode.FINDINGS)


@pytest.mark.parametrize(
    "other",
    [
        waiver(controls="alpha-*"),
        waiver(scope="web"),
        waiver(observed=99),
        waiver(observed="9?"),
        waiver(expires=NOW + timedelta(microseconds=1)),
        waiver(effective=NOW),
    ],
    ids=["pattern", "scope", "value", "text", "last moment", "first moment"],
)
def test_what_a_waiver_is_about_does_not(other: Waiver) -> None:
    assert audited(under(other), node("ill", "all", "web")).waived == 1


def test_the_first_of_two_waivers_covers() -> None:
    result = audited(under(waiver("a"), waiver("b")))
    assert [item.waiver for item in result.findings if item.waiver] == ["a"]


def test_what_could_not_be_looked_at_is_never_waived() -> None:
    chosen = under(waiver(controls="*"))
    fleet = Fleet(dead=Unreachable("no route"), odd=healthy() | {"number one": answer("many\n")})
    dead, odd = conductor(fleet, selection=chosen).audit([node("dead"), node("odd")])
    assert (dead.waived, odd.waived) == (0, 0)
    assert exit_code([odd]) == ExitCode.INCOMPLETE


def test_an_apply_leaves_what_is_waived_alone() -> None:
    fleet = Fleet(ill=ILL)
    playbook = Playbook(fleet, healthy())
    _, (after,) = applied(conductor(fleet, selection=under(waiver())), [node()], settings(playbook))
    assert playbook.runs == []
    assert after.waived == 1


def test_unless_it_is_told_to_include_it() -> None:
    fleet = Fleet(ill=ILL)
    playbook = Playbook(fleet, healthy())
    chosen = under(waiver(), include_waived=True)
    (before,), (after,) = applied(conductor(fleet, selection=chosen), [node()], settings(playbook))
    assert playbook.runs[0].variables["ill"]["hardening_controls"] == ["alpha-one"]
    assert (before.waived, after.waived, after.count(Outcome.FIXED)) == (1, 0, 1)


@pytest.mark.parametrize("include_waived", [False, True])
def test_a_plan_says_what_is_waived(include_waived: bool) -> None:
    chosen = under(waiver(), include_waived=include_waived)
    plans = make_plans(
        conductor(Fleet(ill=ILL), selection=chosen),
        [node()],
        ApplySettings(inventories=["hosts.yml"], playbook=Rehearsal()),
    )
    (plan,) = plans.targets
    assert [item.control for item in plan.changes] == (["alpha-one"] if include_waived else [])
    assert [item.control for item in plan.waived] == ([] if include_waived else ["alpha-one"])
    assert "alpha-one" not in [item.control for item in plan.for_a_person]
    assert plans.waivers == (waiver(),)


# --- the review -------------------------------------------------------------------------------------------------------


def remarks(*waivers: Waiver, newest: bool = False, hosts: Sequence[Target] = ()) -> list[str]:
    """What a review of these waivers says, without the place."""
    declared = [DeclaredWaiver(item, f"waivers.yml:{index}") for index, item in enumerate(waivers)]
    result = audited(under(*waivers))
    review = Review(
        catalogue=catalogue(),
        targets=hosts or [node("ill", "all"), node("web1", "all", "web")],
        moment=NOW,
        within=timedelta(days=30),
        newest=night(1, result, id="newest", started=NOW, waivers=waivers) if newest else None,
    )
    return [f"{item.waiver}: {item.text}" for item in review.remarks(declared)]


def test_a_waiver_in_use_is_nothing_to_talk_about() -> None:
    assert remarks(waiver(), newest=True) == []


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (waiver(expires=NOW), "w: expired at 2026-11-21T04:00:00+00:00"),
        (waiver(expires=NOW + timedelta(days=7)), "w: expires at 2026-11-28T04:00:00+00:00, in 7 days"),
        (waiver(scope="printers"), "w: its scope 'printers' names no target"),
        (waiver(controls="alpha-two"), "w: covered nothing in run newest"),
        (waiver(observed=5), "w: covered nothing in run newest"),
    ],
    ids=["expired", "expiring", "no target", "unused", "unused value"],
)
def test_a_waiver_that_needs_somebody_is_told(other: Waiver, told: str) -> None:
    assert remarks(other, newest=True) == [told]


@pytest.mark.parametrize(
    "narrow",
    [
        waiver("narrow"),
        waiver("narrow", scope="web"),
        waiver("narrow", observed=99),
        waiver("narrow", effective=EFFECTIVE + timedelta(days=1), expires=EXPIRES - timedelta(days=1)),
    ],
    ids=["same", "scope", "observed", "time"],
)
def test_a_waiver_in_the_shadow_of_another_is_told(narrow: Waiver) -> None:
    assert remarks(waiver("wide"), narrow) == ["narrow: waiver wide covers all it covers"]


def test_whether_a_waiver_is_used_is_said_only_where_somebody_looked() -> None:
    assert remarks(waiver(scope="web"), newest=True) == []
    assert remarks(waiver(controls="alpha-two"), newest=False) == []
