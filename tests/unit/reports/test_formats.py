"""Formats are found by name; the page is whole, light, and leads where it says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from hardener import reports
from hardener.errors import HardenerError
from hardener.model import Answer, Outcome, Run, RunKind, Transcript

from .conftest import CONTROLS, dead, findings, record, run, soft, text_of

FORMATS = reports.formats()


def test_the_table_comes_first() -> None:
    assert FORMATS[0] == "table"
    assert {"csv", "html", "json", "junit", "markdown", "metrics", "ndjson", "xlsx"} <= set(FORMATS)
    assert FORMATS[1:] == sorted(FORMATS[1:])


def test_modules_that_render_nothing_are_no_formats() -> None:
    assert not {"listing", "planned", "progress", "arranged", "evidence", "rows"} & set(FORMATS)


def test_an_unknown_format_is_an_error_in_one_line(audit_run: Run) -> None:
    with pytest.raises(HardenerError, match="'pdf' is not one of table, "):
        text_of(audit_run, "pdf")


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_format_tells_what_was_before_only_where_it_says_so(format_name: str, apply_run: Run) -> None:
    """The store does not even read it for the others."""

    def told(sample: Run) -> bytes:
        return b"".join(reports.render(sample, apply_run.results, format_name))

    is_same = told(apply_run) == told(apply_run.model_copy(update={"before": ()}))
    assert is_same is not reports.tells_before(format_name)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_format_is_text_unless_it_says_otherwise(format_name: str, audit_run: Run) -> None:
    data = b"".join(reports.render(audit_run, audit_run.results, format_name))
    assert (b"\x00" in data) is reports.is_binary(format_name)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_run_with_no_target_can_be_told(format_name: str) -> None:
    told = b"".join(reports.render(run(), (), format_name))
    assert told or format_name == "ndjson"  # nothing but findings


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
