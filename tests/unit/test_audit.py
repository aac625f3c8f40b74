"""What an audit says from the answers so far, and what it still wants to know."""

from __future__ import annotations

from hardener.audit import examine
from hardener.model import Answer, Outcome, Question, Trait
from tests.unit.builders import answer, facts_answers, healthy, selection, target


def outcomes(answers: dict[str, Answer]) -> dict[str, Outcome]:
    examination = examine(selection(), target(), answers)
    assert not examination.missing
    return {finding.control: finding.outcome for finding in examination.findings}


def test_the_first_look_wants_every_fact_and_every_controls_first_question() -> None:
    missing = examine(selection(), target(), {}).missing
    assert Question(command="number one") in missing
    assert Question(command="cat /etc/os-release") in missing
    assert Question(command="read '/etc/a b'") not in missing
    assert len(missing) == len(set(missing))


def test_a_question_that_depends_on_an_answer_comes_in_the_next_round() -> None:
    answers = healthy()
    del answers["read '/etc/a b'"]
    assert examine(selection(), target(), answers).missing == [Question(command="read '/etc/a b'")]


def test_a_healthy_target_passes_and_a_manual_control_never_does() -> None:
    assert outcomes(healthy()) == {
        "alpha-one": Outcome.PASS,
        "alpha-two": Outcome.PASS,
        "alpha-chained": Outcome.PASS,
        "beta-manual": Outcome.INFORMATIONAL,
        "beta-metal": Outcome.PASS,
    }


def test_a_failure_shows_what_was_seen_what_was_expected_and_what_it_rests_on() -> None:
    examination = examine(selection(), target(), healthy() | {"number one": answer("11\n")})
    finding = next(item for item in examination.findings if item.control == "alpha-one")
    assert (finding.outcome, finding.observed, finding.expected) == (Outcome.FAIL, 11, "at most 10")
    assert finding.reason == "is 11"
    assert finding.questions == ("number one",)


def test_an_incomplete_answer_is_an_error_and_costs_only_the_controls_that_need_it() -> None:
    lost = Answer(exit_status=None, problem="the connection was lost before the answer")
    found = outcomes(healthy() | {"number one": lost})
    assert found["alpha-one"] is Outcome.ERROR
    assert found["alpha-two"] is Outcome.PASS


def test_an_answer_nobody_foresaw_is_an_error_of_that_control() -> None:
    examination = examine(selection(), target(), healthy() | {"number one": answer("many\n")})
    finding = next(item for item in examination.findings if item.control == "alpha-one")
    assert finding.outcome is Outcome.ERROR
    assert "ValueError" in finding.reason


def test_a_container_is_not_judged_by_what_belongs_to_its_host() -> None:
    examination = examine(selection(), target(), healthy() | facts_answers(container=True))
    finding = next(item for item in examination.findings if item.control == "beta-metal")
    assert finding.outcome is Outcome.NOTAPPLICABLE
    assert finding.reason == "container: belongs to the host"
    assert examination.facts is not None
    assert Trait.CONTAINER in examination.facts.traits


def test_a_trait_of_the_inventory_counts_like_an_observed_one() -> None:
    examination = examine(selection(), target(traits=frozenset({Trait.CONTAINER})), healthy())
    finding = next(item for item in examination.findings if item.control == "beta-metal")
    assert finding.outcome is Outcome.NOTAPPLICABLE


def test_findings_come_in_catalogue_order_with_a_reason_for_what_was_not_selected() -> None:
    examination = examine(selection(levels=(1,)), target(), healthy())
    assert [item.control for item in examination.findings] == [
        "alpha-one",
        "alpha-two",
        "alpha-chained",
        "beta-manual",
        "beta-metal",
    ]
    assert examination.findings[1].outcome is Outcome.NOTSELECTED
    assert examination.findings[1].reason == "level 2 is not in profile sample"


def test_a_target_that_is_no_linux_is_named_as_such() -> None:
    examination = examine(selection(), target(), healthy() | {"cat /etc/os-release": answer("", 1)})
    assert examination.facts is None
    assert examination.problem is not None
    assert "could not be identified" in examination.problem
