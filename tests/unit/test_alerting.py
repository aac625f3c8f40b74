"""What a recipient has to be told: audits go in one by one, news come out; nothing is told twice or forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hardener.alerting import Memory, follow, news
from hardener.drift import find_drift
from hardener.model import Alert, Comparison, Finding, News, Outcome, Pair, Scope, Seen
from tests.unit.store.nights import FIRST_NIGHT, finding
from tests.unit.test_drift import CONTROLS, view

Told = Sequence[Alert]
WAIVED = finding("alpha-one", 99).model_copy(update={"waiver": "w"})


def told(known: Told, *audits: tuple[Any, Any], **changes: Any) -> News:
    """What is told after audits of ``web``, each given by what it and its baseline saw of ``alpha-one``."""
    memory = Memory.of(known)
    for number, (before, after) in enumerate(audits):
        comparison, seen = audit(f"audit-{number}", before, after, **changes)
        drift = find_drift(comparison)
        memory = follow(memory, comparison, drift, seen)
    return news(memory, drift)


def audit(
    run: str,
    before: Any,
    after: Any,
    machine: str = "m",
    silent: dict[str, datetime | None] | None = None,
    problem: str | None = None,
) -> tuple[Comparison, Seen]:
    old, new = as_finding(before), as_finding(after)
    pair = Pair(
        target="web",
        before=view("old").model_copy(update={"findings": {"alpha-one": old}}),
        after=view(run, machine).model_copy(update={"findings": {"alpha-one": new}, "problem": problem}),
        since={"alpha-one": FIRST_NIGHT},
    )
    scope = Scope(inventories=("hosts.yml",))
    comparison = Comparison(
        run=run, started=FIRST_NIGHT, profile="cis-level1", scope=scope, controls=CONTROLS, pairs=(pair,)
    )
    return comparison, Seen(run=run, findings={"web": {"alpha-one": new}}, silent=silent or {})


def as_finding(seen: Any) -> Finding:
    return seen if isinstance(seen, Finding) else finding("alpha-one", seen)


def after_a_regression() -> Told:
    """What is known once a regression was told."""
    return told((), (5, 99)).known


def test_a_regression_is_told_with_all_that_is_needed_to_act() -> None:
    found = told((), (5, 99))
    (alert,) = found.regressed
    assert (alert.target, alert.control, alert.title) == ("web", "alpha-one", "The title of alpha-one")
    assert (alert.before, alert.after) == (finding("alpha-one", 5), finding("alpha-one", 99))
    assert (alert.since, alert.run) == (FIRST_NIGHT, "audit-0")
    assert alert.remedy == "hardener apply -i hosts.yml -l web --controls alpha-one"
    assert found.known == (alert,)
    assert not found.is_empty


def test_it_is_told_once_whatever_it_is_compared_with() -> None:
    known = after_a_regression()
    for before in (99, 5):
        found = told(known, (before, 99))
        assert found.is_empty
        assert found.known == known


def test_another_failure_is_told_with_what_was_told_before() -> None:
    for before in (99, 5):
        (alert,) = told(after_a_regression(), (before, 98)).regressed
        assert (alert.before, alert.after) == (finding("alpha-one", 99), finding("alpha-one", 98))
        assert alert.since == FIRST_NIGHT


def test_a_recovery_is_told_and_forgotten() -> None:
    for before in (99, 5):
        found = told(after_a_regression(), (before, 5))
        (alert,) = found.recovered
        assert (alert.control, alert.after) == ("alpha-one", finding("alpha-one", 5))
        assert (found.regressed, found.known) == ((), ())


def test_what_was_never_told_recovers_in_silence() -> None:
    assert told((), (99, 5)).is_empty
    assert told((), (5, 99), (99, 5)).is_empty


def test_what_regresses_again_is_told_again() -> None:
    found = told(after_a_regression(), (99, 5), (5, 99))
    assert (len(found.regressed), found.recovered) == (1, ())


def test_what_no_audit_in_between_told_is_told_later() -> None:
    found = told((), (5, 99), (99, 99))
    assert [alert.run for alert in found.regressed] == ["audit-0"]


def test_what_could_not_be_looked_at_has_not_recovered() -> None:
    known = after_a_regression()
    assert told(known, (99, Outcome.ERROR)).known == known
    assert told(known, (99, Outcome.ERROR), problem="no route").known == known
    assert told(known, (99, Outcome.ERROR), (Outcome.ERROR, 99)).is_empty


def test_what_is_waived_or_does_not_apply_is_dropped_without_a_word_and_comes_anew() -> None:
    for after in (WAIVED, Outcome.NOTAPPLICABLE):
        found = told(after_a_regression(), (99, after))
        assert (found.is_empty, found.known) == (True, ())
        assert len(told((), (after, 99)).regressed) == 1


def test_what_was_told_of_another_machine_is_dropped_without_a_word() -> None:
    found = told(after_a_regression(), (5, 5), machine="other")
    assert (found.is_empty, found.known) == (True, ())


def test_a_silent_target_is_told_once_and_told_when_it_answers_again() -> None:
    how: dict[str, Any] = {"silent": {"web": FIRST_NIGHT}, "problem": "no route"}
    found = told((), (5, Outcome.ERROR), **how)
    (alert,) = found.silent
    assert (alert.target, alert.control, alert.since, alert.reason) == ("web", None, FIRST_NIGHT, "no route")
    assert told(found.known, (5, Outcome.ERROR), **how).is_empty
    back = told(found.known, (5, 5))
    assert [item.target for item in back.recovered] == ["web"]
    assert back.known == ()


def test_the_worst_is_told_first() -> None:
    pair = Pair(
        target="web",
        before=view("old", alpha_one=5, alpha_two=5),
        after=view("new", alpha_one=99, alpha_two=99),
    )
    comparison = Comparison(run="new", started=FIRST_NIGHT, profile="p", controls=CONTROLS, pairs=(pair,))
    drift = find_drift(comparison)
    found = news(follow(Memory(), comparison, drift, Seen(run="new")), drift)
    assert [alert.control for alert in found.regressed] == ["alpha-two", "alpha-one"]


SEEN = st.lists(st.integers(9, 12) | st.sampled_from([Outcome.ERROR, Outcome.NOTAPPLICABLE]), min_size=2, max_size=8)


@given(SEEN, st.data())
def test_a_recipient_who_was_away_ends_up_knowing_the_same(nights: list[Any], data: Any) -> None:
    """However many audits are told at once, what is known in the end is what fails and regressed."""
    pairs = list(pairwise(nights))
    cut = data.draw(st.integers(0, len(pairs)))
    known: Told = ()
    for part in (pairs[:cut], pairs[cut:]):
        if part:
            known = told(known, *part).known
    once = told((), *pairs).known
    assert [(alert.key, alert.after) for alert in known] == [(alert.key, alert.after) for alert in once]
    if nights[-1] == 9:
        assert known == ()
    if nights[-1] in {11, 12} and nights[0] not in {11, 12}:
        assert [alert.after for alert in known] == [finding("alpha-one", nights[-1])]
