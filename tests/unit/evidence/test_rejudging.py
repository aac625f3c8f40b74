"""Recorded answers judged anew: the same findings, or each difference by name."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from hardener.audit import examine
from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.content import roles_directory
from hardener.documents import merged
from hardener.evidence import Difference, rejudge
from hardener.inventory import role_defaults
from hardener.masking import MASK
from hardener.model import Finding, Outcome, Run, TargetResult, Transcript
from hardener.plan import own_values, with_own_values
from tests.unit.builders import DEFAULTS, catalogue, healthy, number_control, selection, target
from tests.unit.fleet import Fleet, conductor
from tests.unit.store.nights import night

RECORDED = Path(__file__).parents[2] / "transcripts"


@cache
def audited() -> Run:
    """A run over two targets that answer the same; the site accepts less of the second than by default."""
    values = merged(DEFAULTS, {"alpha_numbers": {"one": 7}})
    fleet = Fleet(a=healthy(), b=healthy())
    results = conductor(fleet, defaults=DEFAULTS).audit(
        [target("a"), target("b").model_copy(update={"values": values})]
    )
    return night(1, controls={}, results=results)


def judged(run: Run, installed: Any = None) -> list[Difference]:
    return list(rejudge(run, installed or catalogue(), DEFAULTS))


def changed(run: Run, **changes: Any) -> Run:
    """The run with its first finding changed on every target."""
    results = [
        item.model_copy(update={"findings": (item.findings[0].model_copy(update=changes), *item.findings[1:])})
        for item in run.results
    ]
    return run.model_copy(update={"results": tuple(results)})


def test_a_result_remembers_only_what_is_accepted_otherwise_than_by_default() -> None:
    a, b = audited().results
    assert a.values == {}
    assert b.values == {"alpha_numbers.one": 7}


def test_the_same_controls_judge_the_same_with_the_values_of_then() -> None:
    run = audited()
    assert [item.outcome for item in run.results[1].findings if item.control == "alpha-one"] == [Outcome.FAIL]
    assert judged(run) == []


def test_a_finding_that_was_rewritten_differs() -> None:
    found = judged(changed(audited(), outcome=Outcome.NOTAPPLICABLE, observed=3))
    assert [(item.target, item.control, item.reason) for item in found] == [
        ("a", "alpha-one", "outcome, observed"),
        ("b", "alpha-one", "outcome, observed"),
    ]
    assert found[0].now is not None
    assert found[0].now.outcome is Outcome.PASS


def test_what_was_fixed_holds() -> None:
    run = audited()
    a = changed(run, outcome=Outcome.FIXED).results[0]
    assert judged(run.model_copy(update={"results": (a,)})) == []


def test_a_control_that_is_gone_or_asks_more_cannot_be_judged() -> None:
    run = audited()
    silent = run.results[0].model_copy(update={"transcript": Transcript()})
    found = judged(run.model_copy(update={"results": (silent,)}))
    assert {(item.now, item.reason) for item in found} == {(None, "asks by now what the target was not asked then")}
    (gone,) = judged(
        night(
            1, TargetResult(target="x", findings=[Finding(control="old-one", outcome=Outcome.PASS, questions=("q",))])
        )
    )
    assert (gone.control, gone.reason) == ("old-one", "is not in the installed catalogue")


def test_what_rests_on_no_answer_is_no_matter_of_judgement() -> None:
    unseen = Finding(control="alpha-one", outcome=Outcome.NOTSELECTED, reason="level 2 is not in profile x")
    assert judged(night(1, TargetResult(target="x", findings=[unseen]))) == []


def test_a_secret_value_is_known_to_be_there_and_not_which() -> None:
    control = number_control("one")
    (parameter,) = control.parameters
    secret = number_control(
        "one", role="alpha", parameters=[type(parameter)("numbers", ("one",), parameter.judge, True)]
    )
    own = own_values([secret], {"alpha_numbers": {"one": 7}}, DEFAULTS)
    assert own == {"alpha_numbers.one": MASK}
    assert with_own_values([secret], own, DEFAULTS)["alpha_numbers"] == {"one": MASK, "two": 20}


def test_whole_audits_of_real_nodes_are_judged_the_same() -> None:
    installed, defaults = discover(), role_defaults(roles_directory())
    chosen = selection().__class__(catalogue=installed, profile=load_profile("beyond-cis", installed))
    results = []
    for file in sorted(RECORDED.glob("*.json.gz")):
        transcript = Transcript.model_validate(json.loads(gzip.decompress(file.read_bytes())))
        seen = examine(chosen, target(file.name).model_copy(update={"values": defaults}), transcript.answers)
        results.append(TargetResult(target=file.name, facts=seen.facts, findings=seen.findings, transcript=transcript))
    run = night(1, controls={}, results=tuple(results))
    assert list(rejudge(run, installed, defaults)) == []
    stricter = merged(defaults, {"sshd_options": {"maxauthtries": 1}})
    assert {item.control for item in rejudge(run, installed, stricter)} == {"sshd-maxauthtries"}
