"""Evidence is told once, beside what rests on it, and ends where the page would get heavy."""

from __future__ import annotations

from hardener.model import Answer, Run, Transcript
from hardener.reports.cases import controls_seen
from hardener.reports.evidence import CAP, Evidence, Room, evidence_of, readable

from .conftest import PACKAGES, SSHD, dead, run, soft, transcript

ROOMY = Room(each=10**9, total=10**9)


def evidence(sample: Run, room: Room = ROOMY) -> Evidence:
    return evidence_of(sample.results, controls_seen(sample), room)


def anchor(sample: Run, identifier: str, place: int = 0) -> str:
    """The case of a control that a target shows."""
    (found,) = [
        case.anchor
        for control in controls_seen(sample)
        for case in control.cases
        if control.record.id == identifier and place in case.targets
    ]
    return found


def test_what_one_control_rests_on_stands_with_it() -> None:
    sample = run(soft())
    (told,) = evidence(sample).of_case[anchor(sample, "kernel-sysrq")]
    assert (told.command, told.anchor, told.controls) == ("sysctl sysrq", "", 1)
    (shown,) = told.answers
    assert (shown.status, shown.stdout, shown.stderr) == ("exit status 0", r"\xff\xfe0", "a warning")


def test_what_several_controls_rest_on_stands_by_itself() -> None:
    sample = run(soft())
    found = evidence(sample)
    (shared,) = found.shared
    assert (shared.command, shared.anchor, shared.controls) == (SSHD, "q1", 2)
    for control in controls_seen(sample):
        if control.record.role == "sshd":
            (told,) = found.of_control[control.anchor]
            assert (told.anchor, told.answers) == ("q1", ())
            assert found.of_case[control.cases[0].anchor] == []


def test_the_same_answer_is_told_once_and_others_with_their_targets() -> None:
    other = transcript(**{SSHD: "port 22\n"})
    (told,) = evidence(run(soft("a"), soft("b", transcript=other), soft("c"), dead())).shared
    assert [(shown.stdout.split()[0], shown.targets) for shown in told.answers] == [
        ("maxauthtries", [0, 2]),
        ("port", [1]),
    ]
    (told,) = evidence(run(soft("a"), soft("b"))).shared
    assert [shown.targets for shown in told.answers] == [()]


def test_a_question_without_an_answer_says_so() -> None:
    sample = run(soft(transcript=Transcript()))
    (told,) = evidence(sample).of_case[anchor(sample, "kernel-sysrq")]
    assert [shown.status for shown in told.answers] == ["no answer"]


def test_an_answer_that_is_none_says_why() -> None:
    silent = Answer(exit_status=None, problem="timed out after 20 s\x1b[31m")
    sample = run(soft(transcript=Transcript(answers={"sysctl sysrq": silent})))
    (told,) = evidence(sample).of_case[anchor(sample, "kernel-sysrq")]
    assert [shown.status for shown in told.answers] == [r"did not finish, timed out after 20 s\x1b[31m"]


def test_a_long_answer_is_cut_and_says_how_long_it_is() -> None:
    sample = run(soft())
    (told,) = evidence(sample).of_case[anchor(sample, "services-cups")]
    (shown,) = told.answers
    assert told.command == PACKAGES
    assert len(shown.stdout) <= CAP
    assert shown.note == f"first {CAP} of {len(transcript().answers[PACKAGES].stdout)} bytes of its output shown"


def test_where_the_room_ends_what_holds_is_left_out_first() -> None:
    sample = run(soft())
    found = evidence(sample, Room(each=1000, total=40))
    assert found.of_case[anchor(sample, "kernel-aslr")][0].answers
    (told,) = found.of_case[anchor(sample, "services-cups")]
    assert (told.answers, told.left_out) == ([], "1 answer not shown, to keep this page light")


def test_no_question_takes_all_of_the_room() -> None:
    many = [soft(f"t{number}", transcript=transcript(**{SSHD: f"port {number}\n" * 10})) for number in range(9)]
    (told,) = evidence(run(*many), Room(each=200, total=10**6)).shared
    assert len(told.answers) == 2
    assert told.left_out == "7 answers not shown, to keep this page light"


def test_bytes_become_text_that_does_nothing() -> None:
    assert readable(b"a\tb\n\x1b[2J\xff\xe2\x80\xae\n\n", 100) == "a       b\n\\x1b[2J\\xff\\u202e"
    assert readable("ä".encode() * 10, 5) == "ää\\xc3"
