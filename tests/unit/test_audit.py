"""What an audit says from the answers so far, and what it still wants to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hardener.audit import examine
from hardener.catalogue.control import Control, CouldNotLook, Host
from hardener.catalogue.sshd_ports import LISTENERS
from hardener.facts import CONNECTION, LAST_RUN
from hardener.model import Answer, Outcome, Question, Trait
from hardener.selection import Selection
from tests.unit.builders import WORDS, answer, facts_answers, healthy, leveled, selection, selection_of, target


def outcomes(answers: dict[str, Answer]) -> dict[str, Outcome]:
    examination = examine(selection(), target(), answers)
    assert not examination.missing
    return {finding.control: finding.outcome for finding in examination.findings}


def odd_selection(observe: Callable[[Host], Any]) -> Selection:
    """One control that only a person judges, and that observes what it is given."""
    control = Control(
        subject="odd",
        observe=observe,
        expect=None,
        **{**WORDS, "violation": None},
        is_remediable=False,
    )
    return selection_of(leveled(alpha=[control]))


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


@pytest.mark.parametrize(
    "told",
    ["[]", "[" * 100_000, '{"run": 1}', '{"run": []}', "1" * 5000, '"text"', "null", "NaN", '{"run": "\\ud8', "{} {}"],
)
def test_a_last_run_that_is_none_is_that_targets_problem(told: str) -> None:
    examination = examine(selection(), target(), healthy() | {LAST_RUN: answer(told)})
    assert examination.facts is None
    assert examination.problem is not None
    assert "the target's last run cannot be read" in examination.problem


def test_a_last_run_is_told_in_lines_that_can_be_kept() -> None:
    told = '{"run": "R1", "operator": "ann\\u001b[2J\\n", "state": "armed", "left": [1], "since": 1.5}'
    facts = examine(selection(), target(), healthy() | {LAST_RUN: answer(told)}).facts
    assert facts is not None
    assert facts.last_run is not None
    assert (facts.last_run.run, facts.last_run.operator) == ("R1", "ann\\x1b[2J\\n")
    assert "armed" in facts.model_dump_json()


@pytest.mark.parametrize("port", ["9" * 5000, "65536", "-1", "٢٢"])
def test_a_listener_without_a_port_is_none_of_sshds(port: str) -> None:
    row = f'LISTEN 0 128 0.0.0.0:{port} 0.0.0.0:* users:(("sshd",pid=9,fd=3))\n'
    facts = examine(selection(), target(), healthy() | {LISTENERS: answer(row)}).facts
    assert facts is not None
    assert facts.ssh_ports == (2222,), "the operator's own"


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (CONNECTION, "192.0.2.7 192.0.2.1 " + "9" * 5000),
        (CONNECTION, "192.0.2.7 192.0.2.1 ssh"),
        (CONNECTION, "9" * 5000),
        ("cat /etc/os-release", "ID=\n"),
        ("cat /etc/os-release", "VERSION_ID=12\n"),
        ("cat /etc/os-release", "ID=" + "d" * 5000),
        ("cat /etc/os-release", "ID=debian\x1b[2J\n"),
        ("uname -r", "\x1b[2J"),
        ("cat /etc/machine-id", "0" * 5000),
        ('id -Gn "${SUDO_USER:-$(id -un)}"', "admin " + "g" * 5000),
    ],
)
def test_facts_that_are_none_are_that_targets_problem_in_one_line(question: str, told: str) -> None:
    examination = examine(selection(), target(), healthy() | {question: answer(told)})
    assert examination.facts is None
    assert examination.problem is not None
    assert "could not be identified" in examination.problem
    assert examination.problem.isprintable()
    assert len(examination.problem) < 2000


def deep(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "seen",
    [10**4000, 2**63, float("nan"), float("inf"), deep(200), deep(100_000), {1}, object()],
    ids=["4,001 digits", "65 bits", "nan", "inf", "deep", "very deep", "a set", "an object"],
)
def test_what_no_store_can_keep_is_an_error_of_the_control_that_observed_it(seen: object) -> None:
    examination = examine(odd_selection(lambda _host: seen), target(), healthy())
    (finding,) = examination.findings
    assert (finding.outcome, finding.observed) == (Outcome.ERROR, None)
    assert "could not be read" in finding.reason


def test_lone_surrogates_that_were_observed_are_kept_as_escapes() -> None:
    examination = examine(odd_selection(lambda _host: {"a\ud800": ["\udcff", "é"]}), target(), healthy())
    (finding,) = examination.findings
    assert finding.observed == {"a\\ud800": ["\\udcff", "é"]}
    assert finding.model_dump_json()


def test_the_words_of_a_broken_command_are_one_short_line() -> None:
    def observe(_host: Host) -> str:
        raise CouldNotLook("findmnt failed: \x1b[2J\n" + "x" * 4_000_000)

    examination = examine(odd_selection(observe), target(), healthy())
    (finding,) = examination.findings
    assert len(finding.reason) < 2000
    assert finding.reason.isprintable()
