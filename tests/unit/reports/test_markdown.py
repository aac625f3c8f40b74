"""The summary for a ticket: short whatever the run, inert as Markdown, and it says what to type."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hardener.model import Finding, Outcome, Run, Scope
from hardener.reports.markdown import code, prose
from tests.unit.waivers import waiver

from .conftest import STARTED, dead, findings, run, soft, text_of

GITHUB = MarkdownIt("gfm-like", {"linkify": False})
HEADINGS = ["Score", "Worst targets", "Most failed controls", "Could not look", "Waivers in use", "What to type"]


def headings(text: str) -> list[str]:
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


def section(sample: Run, title: str) -> list[str]:
    """The lines below a heading, without those that are empty."""
    text = text_of(sample, "markdown").split(f"## {title}\n")[1]
    return [line for line in text.split("\n## ")[0].splitlines() if line]


def test_it_says_what_was_run_and_whether_somebody_has_to_act(audit_run: Run) -> None:
    told = text_of(audit_run, "markdown").splitlines()
    assert told[0] == "# Audit of 2 targets, profile `cis-level2`"
    assert told[2:4] == [
        "Run `20261121T050000Z-9f3a` of 2026-11-21 05:00:00 UTC, by `somebody`, hardener `0.1.0`.",
        "2 of 2 targets need attention.",
    ]
    healthy = tuple(item for item in findings() if item.outcome is Outcome.PASS)
    assert "No target needs attention." in text_of(run(soft(findings=healthy)), "markdown")


def test_scores_are_those_of_all_targets_together(audit_run: Run) -> None:
    assert section(audit_run, "Score")[2:] == [
        "| overall | 2 of 15, 13 % | 2 of 15, 13 % |",
        "| level 1 | 2 of 11, 18 % | 2 of 11, 18 % |",
        "| level 2 | 0 of 4, 0 % | 0 of 4, 0 % |",
    ]


def test_the_worst_come_first(audit_run: Run) -> None:
    assert section(audit_run, "Worst targets")[2:] == [
        "| `dead` | 0 of 9, 0 % | 0 | 0 | 9 | `no connection: connection refused` |",
        "| `soft` | 2 of 6, 33 % | 3 | 0 | 1 |  |",
    ]


def test_controls_that_fail_most_come_first_and_the_severest_of_these(audit_run: Run) -> None:
    told = section(audit_run, "Most failed controls")[2:]
    assert [line.split(" | ")[:3] for line in told] == [
        ["| `sshd-permitrootlogin`", "high", "1"],
        ["| `kernel-aslr`", "medium", "1"],
        ["| `sshd-maxauthtries`", "medium", "1"],
    ]


def test_what_could_not_be_looked_at_is_told_by_cause(audit_run: Run) -> None:
    assert section(audit_run, "Could not look")[2:] == [
        "| 9 | `no connection: connection refused` |",
        "| 1 | `timed out after 20 s` |",
    ]


def test_waivers_are_told_with_who_answers_for_them() -> None:
    failure = Finding(control="kernel-aslr", outcome=Outcome.FAIL, observed=0, waiver="w")
    sample = run(
        soft(findings=findings(kernel_aslr=failure)),
        waivers=(waiver(), waiver("old", effective=STARTED, expires=STARTED)),
    )
    assert section(sample, "Waivers in use")[2:] == [
        "| `w` | 1 | `The old clients need it.` | `bob` | 2027-03-01 00:00:00 UTC |",
        "* `waiver old expired at 2026-11-21 05:00:00 UTC and counts no more`",
    ]
    assert section(sample, "Score")[2] == "| overall | 2 of 5, 40 % | 2 of 6, 33 % |"


def test_what_to_type_is_the_scope_of_the_run() -> None:
    scope = Scope(inventories=("my hosts.yml",), limit="web*", controls="sshd-*")
    assert section(run(soft(), scope=scope), "What to type")[1:-1] == [
        "hardener runs show 20261121T050000Z-9f3a  # all of it",
        "hardener report 20261121T050000Z-9f3a -f html -o report.html  # with the evidence",
        "hardener plan -i 'my hosts.yml' -l 'web*' -p cis-level2 --controls 'sshd-*'  # what an apply would do",
        "hardener apply -i 'my hosts.yml' -l 'web*' -p cis-level2 --controls 'sshd-*'  # remedies it, under guard",
    ]


def test_nothing_is_to_be_applied_where_nothing_that_fails_can_be_remedied() -> None:
    assert "hardener apply" not in text_of(run(dead()), "markdown")


def test_a_command_is_told_as_it_can_be_typed_or_not_at_all() -> None:
    told = section(run(soft(), profile="a\nb", scope=Scope(inventories=("```; rm x",))), "What to type")
    assert told[3:5] == [
        "# hardener plan: what it takes cannot be typed from here",
        "# hardener apply: what it takes cannot be typed from here",
    ]
    told = section(run(soft(), scope=Scope(inventories=("```; rm x",))), "What to type")
    assert shlex.split(told[3], comments=True)[:4] == ["hardener", "plan", "-i", "```; rm x"]


def test_what_there_is_nothing_of_has_no_section() -> None:
    healthy = tuple(item for item in findings() if item.outcome is Outcome.PASS)
    assert headings(text_of(run(soft(findings=healthy)), "markdown")) == ["Score", "What to type"]
    assert headings(text_of(run(), "markdown")) == ["What to type"]


def test_many_targets_are_told_in_a_page() -> None:
    text = text_of(run(*(soft(f"node{number:03}") for number in range(200))), "markdown")
    assert "And 190 more." in text
    assert len(text) < 5000
    assert headings(text) == [title for title in HEADINGS if title != "Waivers in use"]


@given(st.text(alphabet="ab`|<>[]()*_\\\n ~#!@&;", max_size=20))
def test_a_hosts_words_are_code_and_nothing_else(text: str) -> None:
    """In a row of a table, which is the hardest place."""
    page = GITHUB.render(f"| a | b |\n|---|---|\n| {code(text)} | end |\n")
    cells = page.split("<td>")[1:]
    assert [cell.split("</td>")[0] for cell in cells][1:] == ["end"]
    inside = cells[0].split("</td>")[0]
    assert inside == "" or (inside.startswith("<code>") and inside.endswith("</code>") and inside.count("<") == 2)


@given(st.text(alphabet="ab`|<>[]()*_\\ ~#!@&;", max_size=20))
def test_our_sentences_are_plain_text(text: str) -> None:
    page = GITHUB.render(f"| a | b |\n|---|---|\n| {prose(text)} | end |\n")
    cells = [cell.split("</td>")[0] for cell in page.split("<td>")[1:]]
    assert cells[1:] == ["end"]
    assert "<" not in cells[0]
