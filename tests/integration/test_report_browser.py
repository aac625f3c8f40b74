"""The report in a real browser: found, filtered, unfolded, printed, read without scripts, in light and in dark."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from hardener.model import Outcome, Run, RunKind, RunScore, Score
from hardener.reports import html
from tests.unit.reports.conftest import STARTED, dead, findings, run, soft
from tests.unit.reports.test_hostile import TEXTS, hostile_run

PHONE = {"width": 375, "height": 800}
DESKTOP = {"width": 1280, "height": 900}
CONTRAST = """() => {
  const numbers = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const part = (value) => value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map(part);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (element) => {
    for (let part = element; part; part = part.parentElement) {
      const colour = getComputedStyle(part).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest(".spoken, script") || !element.getClientRects().length) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(paper(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) found.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return found;
}"""
"""Texts whose contrast with what lies behind them is below what WCAG asks for at level AA."""


def fleet() -> Run:
    """Four targets, one of them dead, one on which everything holds."""
    healthy = tuple(item for item in findings() if item.outcome is Outcome.PASS)
    return run(
        soft("web1", groups=("all", "web")),
        soft("web2", groups=("all", "web")),
        soft("db", groups=("all", "db"), findings=healthy),
        dead(),
    )


def earlier() -> Sequence[RunScore]:
    return [
        RunScore(
            id=f"r{number}",
            kind=RunKind.AUDIT,
            started=STARTED,
            targets=4,
            score=Score(compliant=number, scored=5),
            failing=5 - number,
            unseen=0,
        )
        for number in (2, 3)
    ]


@dataclass
class Opened:
    """A page, and whatever it asked for or complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "chromium is missing: make packages"
    with sync_playwright() as driver:
        # As root Chromium starts only without its own sandbox; it is shown nothing but files of ours.
        found = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the fleet, in one page."""
    return written(tmp_path_factory.mktemp("report"), fleet())


@pytest.fixture
def contexts() -> Iterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


@pytest.fixture
def opened(browser: Browser, report: Path, contexts: list[BrowserContext]) -> Opened:
    return open_page(browser, report, contexts)


def written(folder: Path, sample: Run) -> Path:
    for name, data in html.parts(sample, sample.results, earlier(), "report.html"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return folder / "report.html"


def open_page(browser: Browser, file: Path, contexts: list[BrowserContext], **settings: object) -> Opened:
    context = browser.new_context(**{"viewport": DESKTOP, **settings})  # type: ignore[arg-type]
    contexts.append(context)
    found = Opened(context.new_page())
    found.page.set_default_timeout(10_000)
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.on("console", lambda message: found.complaints.append(message.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("dialog", lambda dialog: found.complaints.append(f"dialog {dialog.message}"))
    found.page.goto(file.as_uri())
    return found


def shown_entries(page: Page) -> int:
    return page.locator(".group li:not([hidden])").count()


def target(page: Page, name: str) -> Locator:
    return page.locator("details.target", has=page.get_by_role("heading", name=name, exact=True, include_hidden=True))


def test_it_loads_nothing_and_complains_of_nothing(opened: Opened, report: Path) -> None:
    assert opened.requests == [report.as_uri()]
    assert opened.complaints == []


def test_a_search_leaves_what_matches_and_unfolds_it(opened: Opened) -> None:
    page = opened.page
    everything = shown_entries(page)
    page.get_by_role("searchbox", name="Text").fill("permitroot web2")
    expect(page.get_by_role("status")).to_have_text(f"1 of {everything} findings")
    expect(page.locator(".group li:visible")).to_have_count(1)
    expect(page.locator("details.target:visible h3")).to_have_text(["web2"])
    expect(page.locator(".matrix tbody tr:visible th")).to_have_text(["sshd-permitrootlogin"])
    expect(page.locator(".control:visible h4")).to_have_text(["The title of sshd-permitrootlogin"])
    page.get_by_role("searchbox", name="Text").fill("")
    expect(page.get_by_role("status")).to_have_text("")
    assert shown_entries(page) == everything
    assert page.locator("details.target[open]").count() == 0  # folded as they were


def test_filters_narrow_each_other(opened: Opened) -> None:
    page = opened.page
    page.locator("select[name=outcome]").select_option("failing")
    expect(page.locator(".group li:visible")).to_have_count(6)
    page.locator("select[name=severity]").select_option("high")
    expect(page.locator(".group li:visible")).to_have_count(2)
    page.locator("select[name=role]").select_option("kernel")
    expect(page.locator(".group li:visible")).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text("0 of")


def test_everything_unfolds_and_folds_by_keyboard(opened: Opened) -> None:
    page = opened.page
    page.get_by_role("button", name="Expand all").press("Enter")
    assert page.locator("main details:not([open])").count() == 0
    page.get_by_role("button", name="Fold all").press("Enter")
    assert page.locator("main details[open]").count() == 0
    target(page, "web1").locator("> summary").press("Enter")
    expect(target(page, "web1").locator("> details.group").first).to_be_visible()


def test_a_link_unfolds_what_it_leads_to(opened: Opened) -> None:
    page = opened.page
    page.locator(".matrix td.f a").first.click()
    case = page.locator(".case:target")
    expect(case).to_be_in_viewport()
    expect(case).to_contain_text("Observed")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(opened: Opened) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_screen_reader_finds_landmarks_and_names(opened: Opened) -> None:
    page = opened.page
    for role in ("banner", "navigation", "main", "search", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_text("4 targets, profile cis-level2")
    for level in ("Summary", "Targets", "Matrix", "Controls", "Coverage", "Shared evidence", "Method"):
        expect(page.get_by_role("heading", level=2, name=level, exact=True)).to_have_count(1)
    nameless = page.evaluate(
        "[...document.querySelectorAll('a, button, summary')].filter((a) => !a.textContent.trim())"
    )
    assert nameless == []
    expect(page.get_by_role("table", name="What was found of each control")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(
    browser: Browser, report: Path, contexts: list[BrowserContext], scheme: str
) -> None:
    page = open_page(browser, report, contexts, color_scheme=scheme).page
    page.get_by_role("button", name="Expand all").click()
    assert page.evaluate(CONTRAST) == []
    red = int(re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[0])
    assert (red > 200) is (scheme == "light")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_sticks_out_sideways(
    browser: Browser, report: Path, contexts: list[BrowserContext], size: dict[str, int]
) -> None:
    page = open_page(browser, report, contexts, viewport=size).page
    page.get_by_role("button", name="Expand all").click()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"]


def test_without_scripts_everything_is_reached(browser: Browser, report: Path, contexts: list[BrowserContext]) -> None:
    page = open_page(browser, report, contexts, java_script_enabled=False).page
    expect(page.locator("form.filters")).to_be_hidden()
    page.get_by_role("row", name="web1").get_by_role("link").first.click()
    expect(target(page, "web1").locator(".group.failing")).to_be_in_viewport()
    target(page, "web1").locator(".group.failing li a").first.click()
    case = page.locator(".case:target")
    expect(case).to_be_visible()
    control = page.locator("details.control", has=case)
    expect(control).to_contain_text("Why")
    control.locator(".shared a").first.click()
    expect(page.locator("#q1 pre").first).to_contain_text("maxauthtries 6")


def test_paper_shows_what_was_folded_and_no_controls_of_the_page(opened: Opened) -> None:
    page = opened.page
    printed = page.pdf()
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", printed)) > 3
    page.emulate_media(media="print")
    expect(page.locator("form.filters")).to_be_hidden()
    expect(page.get_by_role("navigation")).to_have_count(0)
    expect(target(page, "web1").locator(".group.failing li").first).to_be_visible()
    assert page.evaluate(CONTRAST) == []


def test_nothing_a_host_says_runs(browser: Browser, tmp_path: Path, contexts: list[BrowserContext]) -> None:
    opened = open_page(browser, written(tmp_path, hostile_run(TEXTS["markup"])), contexts)
    opened.page.get_by_role("button", name="Expand all").click()
    expect(opened.page.locator("h3", has_text="<script>alert(1)</script>")).to_be_visible()
    assert opened.complaints == []
    assert len(opened.requests) == 1
    assert opened.page.evaluate("document.scrollingElement.scrollWidth") <= DESKTOP["width"]


def test_a_split_report_is_walked_by_its_links(
    browser: Browser, tmp_path: Path, contexts: list[BrowserContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "MOST_BYTES", 1000)
    first = written(tmp_path, fleet())
    opened = open_page(browser, first, contexts)
    page = opened.page
    page.get_by_role("searchbox", name="Text").fill("sysrq")
    expect(page.get_by_role("status")).to_have_text("1 of 9 controls")
    page.get_by_role("row", name="web1").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("web1")
    page.locator("select[name=outcome]").select_option("failing")
    expect(page.locator(".group li:visible")).to_have_count(3)
    page.get_by_role("link", name="The title of sshd-permitrootlogin").click()
    expect(page.locator(".case:target")).to_contain_text("Observed")
    page.locator(".shared a").click()
    expect(page.locator("pre").first).to_contain_text("permitrootlogin yes")
    page.get_by_role("navigation").get_by_role("link", name="Summary").click()
    assert page.url == f"{first.as_uri()}#summary"
    assert opened.complaints == []
