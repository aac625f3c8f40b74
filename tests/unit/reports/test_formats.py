"""Formats are found by name, tell the same run in the same bytes, and let nothing a host says act."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from hardener import reports
from hardener.errors import HardenerError
from hardener.model import Answer, Finding, Outcome, Run, RunKind, Transcript

from .conftest import CONTROLS, SSHD, dead, facts, findings, record, run, soft, text_of

FORMATS = reports.formats()
HOSTILE = "<script>alert(1)</script> [red]x[/red] \x1b[31mred\x1b[0m \x9b31m NUL:\x00 \u202eright"


def hostile_run() -> Run:
    bad = Finding(
        control="sshd-maxauthtries",
        outcome=Outcome.FAIL,
        observed={HOSTILE: [HOSTILE, "x" * 100_000]},
        expected=HOSTILE,
        reason=f"{HOSTILE}\n{'y' * 100_000}",
        questions=(SSHD,),
    )
    error = Finding(control="kernel-aslr", outcome=Outcome.ERROR, reason=HOSTILE)
    none = Finding(control="mounts-tmp", outcome=Outcome.NOTAPPLICABLE, reason=HOSTILE)
    answers = {SSHD: Answer(exit_status=1, stdout=HOSTILE.encode() + b"z" * 100_000, stderr=HOSTILE.encode())}
    result = soft(
        HOSTILE,
        facts=facts(kernel=HOSTILE, operator=HOSTILE),
        findings=findings(sshd_maxauthtries=bad, kernel_aslr=error, mounts_tmp=none),
        transcript=Transcript(answers=answers, round_trips=1),
        problem=HOSTILE,
    )
    return run(result, profile=HOSTILE, operator=HOSTILE)


def test_the_table_comes_first() -> None:
    assert FORMATS[0] == "table"
    assert {"json", "html"} <= set(FORMATS)
    assert FORMATS[1:] == sorted(FORMATS[1:])


def test_modules_that_render_nothing_are_no_formats() -> None:
    assert not {"listing", "planned", "progress", "arranged", "evidence"} & set(FORMATS)


def test_an_unknown_format_is_an_error_in_one_line(audit_run: Run) -> None:
    with pytest.raises(HardenerError, match="'pdf' is not one of table, "):
        text_of(audit_run, "pdf")


@pytest.mark.parametrize("format_name", FORMATS)
def test_nothing_a_host_says_steers_a_terminal(format_name: str) -> None:
    text = text_of(hostile_run(), format_name)
    assert not {"\x1b", "\x9b", "\x00", "\u202e"} & set(text)
    assert format_name == "json" or len(text) < 100_000


def test_markup_stays_text_in_the_table() -> None:
    assert "[red]x[/red]" in text_of(hostile_run(), "table")


def test_markup_stays_text_in_the_page() -> None:
    text = text_of(hostile_run(), "html")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert text.count("<script") == 1


def test_json_keeps_hostile_text_whole() -> None:
    assert json.loads(text_of(hostile_run(), "json"))["run"]["operator"] == HOSTILE


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_run_with_no_target_is_told(format_name: str) -> None:
    assert text_of(run(), format_name)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_run_from_json_is_told_in_the_same_bytes(format_name: str, apply_run: Run) -> None:
    again = Run.model_validate(json.loads(text_of(apply_run, "json"))["run"])
    assert text_of(again, format_name) == text_of(apply_run, format_name)


def test_bytes_do_not_depend_on_the_order_of_sets() -> None:
    """Traits are a set, and the order of a set of words changes with every process."""
    program = (
        "import json, sys; from hardener import reports; from hardener.model import Run; "
        "run = Run.model_validate(json.load(sys.stdin)['run']); "
        "told = (reports.render(run, run.results, name) for name in reports.formats()); "
        "sys.stdout.buffer.writelines(piece for pieces in told for piece in pieces)"
    )
    text = text_of(run(soft()), "json")

    def told(seed: str) -> bytes:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True, env=environment).stdout

    assert told("1") == told("2")


def test_a_page_loads_nothing(audit_run: Run, apply_run: Run) -> None:
    for sample in (audit_run, apply_run):
        text = text_of(sample, "html")
        assert not [word for word in ("http:", "https:", "src=", "@import", "url(", "<link") if word in text]


Build = Callable[[int], Run]


def large_run(count: int) -> Run:
    """A target with so many controls that each fail, all on one long answer and one of their own."""
    sample = findings()[0]
    base = run().controls["sshd-maxauthtries"]
    controls = {f"sshd-{number}": base.model_copy(update={"id": f"sshd-{number}"}) for number in range(count)}
    shared = "dpkg-query --show"
    seen = tuple(
        sample.model_copy(update={"control": name, "questions": (shared, f"probe {name}")}) for name in controls
    )
    long = Answer(exit_status=0, stdout=b"<package>\n" * 5000)
    answers = {shared: long} | {f"probe {name}": long for name in controls}
    return run(soft(findings=seen, transcript=Transcript(answers=answers, round_trips=1)), controls=controls)


def test_a_page_of_one_target_stays_light() -> None:
    text = text_of(large_run(130), "html")
    assert len(text.encode()) < 600_000
    assert text.count("<code>dpkg-query --show</code></p>") <= 1
    assert "not shown, to keep this page light" in text
    assert "shared by 130 findings" in text


def test_many_targets_come_worst_first_without_the_evidence_of_what_holds() -> None:
    healthy = tuple(item for item in findings() if item.outcome is Outcome.PASS)
    text = text_of(run(*[soft(f"healthy{number}", findings=healthy) for number in range(3)], soft("bad")), "html")
    assert text.index("<h2>bad</h2>") < text.index("<h2>healthy0</h2>")
    assert "3 failing" in text
    assert "cut -d: -f1 /etc/passwd" in text  # for a person
    assert "sysctl sysrq" not in text  # holds
    assert "leaves the evidence of what holds to the run's JSON" in text.replace("&#39;", "'")


@pytest.mark.parametrize("count", [1, 4])
def test_every_link_of_a_page_leads_to_one_place(count: int) -> None:
    text = text_of(run(*[soft(f"node{number}") for number in range(count)]), "html")
    places = Counter(re.findall(r' id="([^"]+)"', text))
    assert set(places.values()) == {1}
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(places)


def test_a_page_of_fifty_targets_stays_usable() -> None:
    assert len(text_of(run(*[soft(f"node{number}") for number in range(50)]), "html").encode()) < 5_000_000


def test_what_belongs_to_a_machine_is_marked_in_our_sentences_and_stays_text() -> None:
    controls = {
        **CONTROLS,
        "sshd-maxauthtries": record("sshd-maxauthtries", remedy="Once `sshd -t <b>` has accepted it."),
    }
    assert "Once <code>sshd -t &lt;b&gt;</code> has accepted it." in text_of(run(soft(), controls=controls), "html")


def test_a_page_claims_no_changes_where_nobody_looked(apply_run: Run) -> None:
    assert "Changes made" in text_of(apply_run, "html")
    assert "Changes made" not in text_of(run(dead(), kind=RunKind.APPLY, before=(dead(),)), "html")


def test_tables_of_a_page_have_captions(audit_run: Run) -> None:
    text = text_of(audit_run, "html")
    assert text.count("<caption") == text.count("<table>")


def test_a_page_says_what_it_cut(audit_run: Run) -> None:
    assert "first 4096 of" in text_of(audit_run, "html")


def test_a_page_tells_failures_before_all_else(apply_run: Run) -> None:
    text = text_of(apply_run, "html")
    places = [
        text.index(f'<details class="group {slug}"') for slug in ("failing", "unseen", "person", "fixed", "holds")
    ]
    assert places == sorted(places)
    assert "33 % → 66 %" in text
    assert "/etc/ssh/sshd_config.d/00-hardener.conf" in text
    assert "container: mounts belong to the host" in text
