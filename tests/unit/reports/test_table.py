"""The table: what fails and what could not be looked at in full, the rest in numbers."""

from __future__ import annotations

import sys

import pytest

from hardener.model import FileWalk, Finding, HeldBack, Outcome, Run, RunKind, Score
from hardener.reports import arranged

from .conftest import CONTROLS, STARTED, dead, findings, run, soft, text_of


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return monkeypatch


def lines(sample: Run) -> list[str]:
    return text_of(sample, "table").splitlines()


def test_a_target_is_introduced_with_its_score(audit_run: Run) -> None:
    told = lines(audit_run)
    assert told[0] == "audit 20261121T050000Z-9f3a: 2 targets, profile cis-level2, 2026-11-21 05:00:00 UTC, 3.5 s"
    assert told[1:6] == [
        "",
        "soft  (debian 12, container-host, kubernetes-worker, vm)",
        "  overall:  2 of 6, 33 %",
        "  level 1:  2 of 5, 40 %",
        "  level 2:  0 of 1, 0 %",
    ]


@pytest.mark.parametrize(("seconds", "told"), [(0.49, "files walked in 0.5 s at "), (None, "files walked at ")])
def test_the_walk_of_all_files_is_told_with_its_time_and_its_age(seconds: float | None, told: str) -> None:
    walk = FileWalk(started=STARTED, seconds=seconds, directories=("/", "/home"))
    sample = run(soft().model_copy(update={"walk": walk}))
    assert f"    {told}2026-11-21 05:00:00 UTC, 4 s before the end: /, /home" in lines(sample)


def test_failures_come_first_by_role_and_worst_first(audit_run: Run) -> None:
    told = lines(audit_run)
    start = told.index("  FAILING (3)")
    assert told[start + 1 : start + 9] == [
        "    sshd",
        "      sshd-permitrootlogin  high  The title of sshd-permitrootlogin",
        "        yes -> no",
        "      sshd-maxauthtries  medium  The title of sshd-maxauthtries",
        "        6 -> at most 4",
        "    kernel",
        "      kernel-aslr  medium  The title of kernel-aslr",
        "        after reboot: is 0 -> 2",
    ]
    assert start < told.index("  COULD NOT LOOK (1)")


def test_what_could_not_be_looked_at_is_told_with_its_cause(audit_run: Run) -> None:
    told = lines(audit_run)
    start = told.index("  COULD NOT LOOK (1)")
    assert told[start + 1].strip() == "timed out after 20 s"
    assert "services-telnet" in told[start + 2]


def test_what_is_held_back_is_told_after_the_failures_each_cause_once() -> None:
    cause = HeldBack(reason="ufw is in charge", go_on="set firewall_others.ufw to replaced")
    failing = {
        name.replace("-", "_"): Finding(control=name, outcome=Outcome.FAIL, held_back=cause)
        for name in ("kernel-aslr", "kernel-sysrq")
    }
    told = lines(run(soft(findings=findings(**failing))))
    start = told.index("  held back (2)")
    assert told[start + 1] == (
        "    ufw is in charge; to go on: set firewall_others.ufw to replaced (kernel-aslr, kernel-sysrq)"
    )
    assert told.index("  FAILING (4)") < start


def test_one_cause_is_told_once() -> None:
    same = {
        name.replace("-", "_"): Finding(control=name, outcome=Outcome.ERROR, reason="needs root")
        for name in ("kernel-aslr", "kernel-sysrq", "services-cups")
    }
    assert text_of(run(soft(findings=findings(**same))), "table").count("needs root") == 1


def test_what_holds_is_only_counted(audit_run: Run) -> None:
    text = text_of(audit_run, "table")
    assert "  2 hold, 1 not applicable, 1 for a person, 1 not selected\n" in text
    assert "    not applicable, 1: container: mounts belong to the host\n" in text
    assert "kernel-sysrq" not in text


def test_what_only_a_person_can_decide_is_named_with_what_was_seen(audit_run: Run) -> None:
    told = lines(audit_run)
    start = told.index("  for a person (1)")
    assert told[start + 1] == "    accounts-review  The title of accounts-review: root, admin"


def test_an_apply_that_never_reached_a_target_tells_of_no_changes() -> None:
    assert "changes:" not in text_of(run(dead(), kind=RunKind.APPLY, before=(dead(),)), "table")


def test_a_dead_target_is_told_with_its_cause_and_no_score(audit_run: Run) -> None:
    told = lines(audit_run)
    assert told[told.index("dead  (not identified)") :] == [
        "dead  (not identified)",
        "  PROBLEM: no connection: connection refused",
        "  COULD NOT LOOK (9)",
    ]


def test_an_apply_tells_before_and_after_and_what_it_changed(apply_run: Run) -> None:
    text = text_of(apply_run, "table")
    assert "  overall:  2 of 6, 33 %  ->  4 of 6, 66 %\n" in text
    assert "  fixed (2)\n    sshd: sshd-permitrootlogin, sshd-maxauthtries\n" in text
    assert "  changes: 2, by 7 Ansible tasks\n    sshd: /etc/ssh/sshd_config.d/00-hardener.conf\n" in text


def test_what_an_apply_left_as_it_is_is_told_with_its_reason(apply_run: Run) -> None:
    result = apply_run.results[0].model_copy(update={"left_as_is": ("/etc/motd: left alone: a <link>",)})
    told = apply_run.model_copy(update={"results": (result, *apply_run.results[1:])})
    assert "  left as it is (1)\n    /etc/motd: left alone: a <link>\n" in text_of(told, "table")
    assert "<li>/etc/motd: left alone: a &lt;link&gt;</li>" in text_of(told, "html")
    assert "left as it is" not in text_of(apply_run, "table")


def test_many_targets_begin_with_a_summary_and_hide_the_healthy() -> None:
    holds = tuple(Finding(control=name, outcome=Outcome.PASS) for name in CONTROLS)
    healthy = [soft(f"healthy{number}", findings=holds) for number in range(10)]
    told = lines(run(*healthy, soft("bad"), dead("gone")))
    assert told[2].split() == ["target", "score", "failing", "waived", "could", "not", "look", "fixed", "problem"]
    assert sum("healthy3" in line for line in told) == 1
    assert "bad  (debian 12, container-host, kubernetes-worker, vm)" in told
    assert "    sshd-permitrootlogin  high  is yes" in told
    assert "gone  (not identified)" in told


def test_a_pipe_gets_plain_ascii(audit_run: Run, apply_run: Run) -> None:
    assert text_of(audit_run, "table").isascii()
    assert text_of(apply_run, "table").isascii()
    assert text_of(run(*[soft(f"n{number}") for number in range(12)]), "table").isascii()


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_colour_and_folded_lines(audit_run: Run) -> None:
    assert "\x1b[1;31mFAILING (3)" in text_of(audit_run, "table")


def test_no_color_is_honoured(audit_run: Run, terminal: pytest.MonkeyPatch) -> None:
    terminal.setenv("NO_COLOR", "1")
    text = text_of(audit_run, "table")
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_percentage_is_never_rounded_up() -> None:
    assert arranged.score_words(Score(compliant=999, scored=1000)) == "999 of 1000, 99 %"
    assert arranged.score_words(Score(compliant=0, scored=0)) == "0 of 0"


def test_a_long_value_is_cut_and_says_so() -> None:
    assert arranged.on_one_line("x" * 50, 40) == "x" * 40 + " [10 more characters]"
    assert arranged.on_one_line("x" * 5000, 40).endswith("[4960 more characters]")
    assert arranged.value_words([], 40) == "none"
    assert arranged.value_words("", 40) == "empty"


@pytest.mark.parametrize("name", ["table", "markdown", "html", "json", "sarif", "ohdf"])
def test_limitations_are_told_beside_the_run(audit_run: Run, name: str) -> None:
    sentence = "no control answers 9.2 and 9.3 of Benchmark <2>"
    told = text_of(audit_run.model_copy(update={"limitations": (sentence,)}), name)
    assert "no control answers 9.2 and 9.3 of Benchmark" in told
    assert name != "html" or "<2>" not in told
    assert "limitation:" not in text_of(audit_run, name).lower()
