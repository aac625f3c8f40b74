"""The report people see: everything is reachable and linked, nothing a host says acts, and it stays light."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from urllib.parse import unquote

import pytest

from hardener.model import Answer, Finding, Outcome, Run, RunKind, RunScore, Scope, Score, Transcript
from hardener.reports import html
from hardener.reports.pages import digest
from tests.unit.waivers import waiver

from .conftest import CONTROLS, SSHD, STARTED, dead, facts, findings, record, run, soft, text_of, transcript, unchecked
from .test_hostile import TEXTS, hostile_run

HOSTILE = TEXTS["markup"] + TEXTS["terminal"] + TEXTS["directions"]


def trend(*compliant: int) -> Sequence[RunScore]:
    """Runs in which so many of ten controls held, the last of them the sample's."""
    return [
        RunScore(
            id=f"run-{number}",
            kind=RunKind.AUDIT,
            started=STARTED - timedelta(days=len(compliant) - number),
            targets=1,
            score=Score(compliant=count, scored=10),
            failing=10 - count,
            unseen=0,
        )
        for number, count in enumerate(compliant, start=1)
    ]


def page_of(sample: Run, *, earlier: Sequence[RunScore] = ()) -> str:
    return b"".join(html.render(sample, sample.results, earlier)).decode()


def files_of(sample: Run, name: str = "report.html") -> dict[str, str]:
    return {path: data.decode() for path, data in html.parts(sample, sample.results, (), name)}


def ids(page: str) -> set[str]:
    return set(re.findall(r' id="([^"]+)"', page))


def links(page: str) -> set[str]:
    return set(re.findall(r'href="?([^">]+)', page))


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


def fleet(count: int) -> Run:
    return run(*[soft(f"node{number}") for number in range(count)], dead())


@pytest.fixture
def split(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The files of a report that is too large for one page."""
    monkeypatch.setattr(html, "MOST_BYTES", 1000)
    return files_of(fleet(3), "a report.html")


def test_the_summary_scores_the_fleet_in_every_way_that_tells_something_apart() -> None:
    page = page_of(run(soft(groups=("all", "web")), dead()))
    for heading in ("By level", "By severity", "By group", "By role", "Most failed controls"):
        assert heading in page
    assert "2 of 15 scored findings hold" in page
    assert "By group" not in page_of(run(soft(groups=("all", "web"))))
    assert "By group" not in page_of(run(soft("a", groups=("all", "ungrouped")), soft("b", groups=("all",))))


def test_a_trend_is_told_where_there_is_one() -> None:
    assert "Trend" not in page_of(run(soft()))
    assert "Trend" not in page_of(run(soft()), earlier=trend(5))
    page = page_of(run(soft()), earlier=trend(5, 8))
    assert 'points="0.0,40.0 300.0,16.0 "' in page
    table = page[page.index("Earlier runs of the same controls") :]
    assert re.findall(r"\d+ %", table)[:2] == ["80 %", "50 %"]  # the newest first
    assert page == page_of(run(soft()), earlier=trend(5, 8))


def test_a_control_is_told_once_with_what_each_target_showed() -> None:
    other = findings()[0].model_copy(update={"observed": "9", "reason": "is 9"})
    page = page_of(run(soft("one"), soft("two"), soft("three", findings=findings(sshd_maxauthtries=other))))
    assert page.count("Why sshd-maxauthtries matters.") == 1
    assert page.count("What the role does about sshd-maxauthtries.") == 1
    section = page[page.index('id="c1"') : page.index('id="c2"')]
    assert re.findall(r'<dd class="seen">(\w+)</dd>', section) == ["6", "9"]
    assert re.findall(r"<a href=#(t\d)>", section) == ["t1", "t2", "t3"]


def test_the_greater_part_of_a_fleet_is_not_named_where_all_others_are() -> None:
    other = findings()[0].model_copy(update={"observed": "9", "reason": "is 9"})
    odd = soft("odd", findings=findings(sshd_maxauthtries=other))
    many = [soft(f"node{number}") for number in range(20)]
    assert "on the 20 targets not named here" in page_of(run(*many, odd))
    assert "on all 20 targets" in page_of(run(*many))
    unasked = soft("unasked", findings=findings()[1:])
    assert "on the 20 targets" not in page_of(run(*many, odd, unasked))


def test_one_answer_of_many_targets_is_told_once() -> None:
    page = page_of(fleet(9))
    assert page.count("maxauthtries 6\npermitrootlogin yes</pre>") == 1
    assert page.count('<pre tabindex="0">root\nadmin</pre>') == 1


def test_answers_that_differ_name_their_targets() -> None:
    other = soft("two", transcript=transcript(**{SSHD: "maxauthtries 6\nport 2222\n"}))
    page = page_of(run(soft("one"), other))
    shared = page[page.index('id="evidence"') :]
    assert re.findall(r"given by <a href=#(t\d)>", shared) == ["t1", "t2"]


def test_waivers_are_told_with_who_approved_them_and_until_when() -> None:
    covered = findings()[0].model_copy(update={"waiver": "w"})
    old = waiver("old", effective=STARTED - timedelta(days=9), expires=STARTED)
    page = page_of(run(soft(findings=findings(sshd_maxauthtries=covered)), waivers=(waiver(controls="sshd-*"), old)))
    section = page[page.index('id="waivers"') : page.index('id="coverage"')]
    for words in ("bob", "2027-03-01 00:00:00 UTC", "sshd-maxauthtries", "1 target", "expired", "nothing"):
        assert words in section


def test_coverage_tells_what_could_not_be_looked_at_and_why() -> None:
    page = page_of(run(soft(), dead()))
    section = page[page.index('id="coverage"') : page.index('id="method"')]
    rows = re.findall(
        r'<th scope="row">(.+)</th><td>(.+?)</td><td class="number">(\d+)</td><td class="number">(\d+)', section
    )
    assert rows == [
        ("no connection: connection refused", "could not be looked at", "9", "1"),
        ("timed out after 20 s", "could not be looked at", "1", "1"),
        ("container: mounts belong to the host", "does not apply", "1", "1"),
        ("not in the profile", "not selected", "1", "1"),
    ]


def test_the_method_names_tool_catalogue_and_what_was_asked_for() -> None:
    page = page_of(run(soft(), scope=Scope(inventories=("hosts.yml",), limit="web", controls="sshd-*")))
    assert re.search(r"9 controls, SHA-256 [0-9a-f]{16}<", page)
    other = run(soft(), controls={**CONTROLS, "sshd-new": record("sshd-new")})
    assert html.Book(run(soft()), ()).catalogue != html.Book(other, ()).catalogue
    for words in ("hardener 0.1.0", "cis-level2", "hosts.yml, limited to web", "sshd-*", "0123456789abcdef"):
        assert words in page


def test_a_matrix_has_a_mark_for_every_finding_beside_its_colour() -> None:
    page = page_of(run(soft(), dead()))
    rows = dict(re.findall(r'<tr><th scope="row"><a href=#c\d+>([\w-]+)</a></th>(.*)</tr>', page))
    assert re.findall("[✓✗!?–]", rows["sshd-maxauthtries"]) == ["✗", "!"]
    assert re.findall("[✓✗!?–]", rows["kernel-sysrq"]) == ["✓", "!"]
    assert re.findall("[✓✗!?–]", rows["mounts-tmp"]) == ["–", "!"]


def test_many_targets_come_worst_first() -> None:
    healthy = tuple(item for item in findings() if item.outcome is Outcome.PASS)
    page = page_of(run(*[soft(f"healthy{number}", findings=healthy) for number in range(3)], soft("bad")))
    assert page.index("<h3>bad</h3>") < page.index("<h3>healthy0</h3>")
    assert "3 failing" in page


def test_targets_of_one_domain_are_listed_without_it() -> None:
    page = page_of(run(soft("a.example.net"), soft("b.example.net")))
    assert "<h3>a.example.net</h3>" in page
    assert "<a href=#t1>a</a>" in page


@pytest.mark.parametrize("count", [0, 1, 4, 30])
def test_every_link_of_a_page_leads_to_one_place(count: int) -> None:
    page = page_of(fleet(count))
    places = Counter(re.findall(r' id="([^"]+)"', page))
    assert set(places.values()) == {1}
    assert {link.removeprefix("#") for link in links(page)} <= set(places)


def test_every_link_of_a_split_report_leads_to_one_place(split: dict[str, str]) -> None:
    assert list(split)[-1] == "a report.html"
    folder = "a report.html.d"
    kinds = Counter(posixpath.basename(path)[0] for path in list(split)[:-1])
    assert {posixpath.dirname(path) for path in list(split)[:-1]} == {folder}
    assert kinds == {"t": 4, "c": 9, "q": 1, "m": 1}
    for path, page in split.items():
        for link in links(page):
            file, _, place = link.partition("#")
            aim = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(file))) if file else path
            assert aim in split, (path, link)
            assert not place or place in ids(split[aim]), (path, link)


def test_every_page_of_a_split_report_is_reached_from_the_first(split: dict[str, str]) -> None:
    reached = {unquote(link).partition("#")[0] for link in links(split["a report.html"])}
    assert set(split) - {"a report.html"} <= reached


def test_a_small_report_is_one_file() -> None:
    sample = fleet(3)
    assert files_of(sample) == {"report.html": page_of(sample)}


def test_a_split_report_is_the_same_bytes_again(split: dict[str, str]) -> None:
    assert files_of(fleet(3), "a report.html") == split


@pytest.mark.parametrize("is_split", [False, True])
def test_what_a_host_says_stays_text(monkeypatch: pytest.MonkeyPatch, is_split: bool) -> None:
    monkeypatch.setattr(html, "MOST_BYTES", 0 if is_split else 10**9)
    for page in files_of(hostile_run(HOSTILE)).values():
        assert page.count("<script") == 1
        assert not {"\x1b", "\x9b", "\x00", "\u202e"} & set(page)
        assert not [link for link in links(page) if link.startswith(("javascript", "data", "http", "//"))]
    assert "&lt;script&gt;alert" in text_of(hostile_run(HOSTILE), "html")


def test_a_line_of_a_megabyte_is_shortened_and_its_length_told() -> None:
    long = Finding(control="sshd-maxauthtries", outcome=Outcome.FAIL, observed="x" * 1_000_000, reason="y" * 1_000_000)
    page = page_of(run(soft(findings=findings(sshd_maxauthtries=long))))
    assert "[999000 more characters]" in page
    assert len(page) < 200_000


def test_bytes_that_are_no_text_are_spelled_out(audit_run: Run) -> None:
    assert r"\xff\xfe0" in page_of(audit_run)
    assert "a warning" in page_of(audit_run)


def test_a_page_says_what_it_cut(audit_run: Run) -> None:
    assert "first 4096 of" in page_of(audit_run)


def test_a_page_loads_nothing_and_allows_nothing_but_its_own_style_and_script(audit_run: Run, apply_run: Run) -> None:
    for sample in (audit_run, apply_run):
        page = page_of(sample)
        assert not [word for word in ("http:", "https:", "src=", "@import", "url(", "<link", "style=") if word in page]
        (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for tag in ("style", "script"):
            (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
            assert f"{tag}-src '{digest(inner)}'" in policy


def test_a_page_of_one_target_stays_light() -> None:
    page = page_of(large_run(400))
    assert len(page.encode()) < 2_000_000
    assert "&lt;package&gt;" in page
    assert "1 answer not shown, to keep this page light" in page
    assert "shared by 400 controls" in page


def wide_run(targets: int, controls: int) -> Run:
    """So many of both: a fifth of all fails, every answer is one of three, and one differs on each target."""
    names = [f"sshd-option-of-some-length-{number}" for number in range(controls)]
    shown = [
        [
            findings()[0].model_copy(
                update={
                    "control": name,
                    "outcome": Outcome.FAIL if value == 2 else Outcome.PASS,
                    "observed": {"now": value, "after reboot": value},
                    "reason": f"now is {value}; after reboot is {value}" if value == 2 else "",
                    "questions": (f"probe {name}", SSHD),
                }
            )
            for value in range(3)
        ]
        for name in names
    ]
    answers = [{f"probe {name}": Answer(exit_status=0, stdout=b"%d\n" % v * 50) for name in names} for v in range(3)]
    results = []
    for place in range(targets):
        values = [(place * 7 + column * 3) % 10 % 5 // 2 for column in range(controls)]
        given = {f"probe {name}": answers[value][f"probe {name}"] for name, value in zip(names, values, strict=True)}
        given[SSHD] = Answer(exit_status=0, stdout=b"listenaddress 192.0.2.%d\n" % place * 100)
        seen = tuple(shown[column][value] for column, value in enumerate(values))
        results.append(soft(f"host{place:04}", findings=seen, transcript=Transcript(answers=given, round_trips=1)))
    return run(*results, controls={name: record(name) for name in names})


def test_two_hundred_targets_by_270_controls_fit_into_one_page() -> None:
    page = page_of(wide_run(200, 270))
    assert len(page.encode()) < html.MOST_BYTES
    held, scored = map(int, re.findall(r"(\d+) of (\d+) scored findings hold", page)[0])
    assert (scored, page.count("<td class=f>")) == (54_000, 54_000 - held)


def test_what_belongs_to_a_machine_is_marked_in_our_sentences_and_stays_text() -> None:
    controls = {
        **CONTROLS,
        "sshd-maxauthtries": record("sshd-maxauthtries", remedy="Once `sshd -t <b>` has accepted it."),
    }
    assert "Once <code>sshd -t &lt;b&gt;</code> has accepted it." in page_of(run(soft(), controls=controls))


def test_a_page_claims_no_changes_where_nobody_looked(apply_run: Run) -> None:
    assert "Changes made" in page_of(apply_run)
    assert "Changes made" not in page_of(run(dead(), kind=RunKind.APPLY, before=(dead(),)))


def test_tables_of_a_page_have_captions_and_headers_with_a_scope(audit_run: Run) -> None:
    page = page_of(audit_run)
    assert page.count("<caption") == page.count("<table>")
    assert page.count("<th ") == len(re.findall(r'<th scope="(?:row|col)"', page))


def test_headings_leave_out_no_level(audit_run: Run) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])", page_of(audit_run))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_page_tells_failures_before_all_else(apply_run: Run) -> None:
    page = page_of(apply_run)
    order = ("failing", "unseen", "person", "fixed", "holds")
    places = [page.index(f'<details class="group {slug}"') for slug in order]
    assert places == sorted(places)
    assert '<p class="figure"><b>33 % → 66 %</b>' in page
    assert page.count("33 % → 66 %") == 2  # of all, and of its only target
    assert "/etc/ssh/sshd_config.d/00-hardener.conf" in page
    assert "container: mounts belong to the host" in page


def test_a_hostile_name_is_harmless_wherever_it_stands() -> None:
    seen = soft(facts=unchecked(facts(), machine_id=HOSTILE))
    named = run(unchecked(seen, target=HOSTILE, groups=(HOSTILE,)), id="20261121T050000Z-9f3a")
    assert page_of(named).count("<script") == 1
