"""A run as one page for people: opens anywhere, loads nothing from elsewhere, and reads without its script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hardener.model import Change, Outcome, Run, Score, TargetResult
from hardener.reports import arranged
from hardener.reports.arranged import Entry, TargetView
from hardener.reports.evidence import Evidence, evidence_of, readable
from hardener.reports.listing import visible

TELLS_BEFORE = True
EVIDENCE_OF_ONE_TARGET = 200_000
EVIDENCE_OF_ALL_TARGETS = 2_000_000
"""Bytes of output a page carries; the run itself keeps everything."""
MOST_OPEN = 3
"""With more targets than this, each begins folded."""
LONGEST_VALUE = 1000
LONGEST_CHANGE = 2048

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Section:
    """The findings of one target that mean the same to the reader, each cause told once where causes repeat."""

    slug: str
    title: str
    outcomes: Sequence[Outcome]
    explains: str

    def of(self, view: TargetView) -> Sequence[Entry]:
        """The findings of a target that belong here."""
        return view.entries(*self.outcomes) if self.outcomes else view.waived()


SECTIONS = (
    Section("failing", "Failing", (Outcome.FAIL,), "Not as expected, now or after a reboot."),
    Section("unseen", "Could not look", arranged.UNSEEN, "Nothing is known of these: they count as not compliant."),
    Section("waived", "Waived", (), "Not as expected, and somebody answers for it until the waiver expires."),
    Section("person", "For a person", arranged.FOR_A_PERSON, "Nothing decides these but a person, from the evidence."),
    Section("fixed", "Fixed", (Outcome.FIXED,), "Failed before this run, and was seen to hold after it."),
    Section("notapplicable", "Not applicable", (Outcome.NOTAPPLICABLE,), "Outside the score, for the reason given."),
    Section("holds", "Holds", (Outcome.PASS,), "Was seen to be as expected."),
)


@dataclass(frozen=True)
class Page:
    """One target as the template tells it."""

    anchor: str
    view: TargetView
    evidence: Evidence

    @property
    def sections(self) -> Sequence[tuple[Section, Sequence[Entry]]]:
        """The sections that have findings."""
        found = [(section, section.of(self.view)) for section in SECTIONS]
        return [(section, entries) for section, entries in found if entries]

    @property
    def not_selected(self) -> Mapping[str, int]:
        """How many controls the profile or the operator left out, by reason."""
        grouped = arranged.by_reason(self.view.entries(Outcome.NOTSELECTED))
        return {visible(reason): len(entries) for reason, entries in grouped.items()}


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The page; the same run gives the same bytes."""
    yield _page(arranged.whole(run, results)).encode()


def _page(run: Run) -> str:
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    views = arranged.targets(run)
    pages = _pages(views)
    return (
        environment(change=_change, score=arranged.score_words, percent=_percent)
        .get_template("report.html.j2")
        .render(
            run=run,
            pages=pages,
            sections=SECTIONS,
            roles=sorted({control.role for control in run.controls.values()}),
            is_folded=len(pages) > MOST_OPEN,
            totals={section.slug: sum(len(section.of(view)) for view in views) for section in SECTIONS},
            ended=arranged.ended_waivers(run),
            seconds=(run.finished - run.started).total_seconds(),
            script=script,
            script_digest=digest,
            style=style(),
        )
    )


def _pages(views: Sequence[TargetView]) -> Sequence[Page]:
    """Every target with its evidence; many targets come worst first, without the evidence of what holds."""
    is_folded = len(views) > MOST_OPEN
    budget = min(EVIDENCE_OF_ONE_TARGET, EVIDENCE_OF_ALL_TARGETS // max(1, len(views)))
    pages = []
    for number, view in enumerate(views, start=1):
        told = [item for item in view.result.findings if not (is_folded and item.outcome is Outcome.PASS)]
        pages.append(Page(f"t{number}", view, evidence_of(told, view.result.transcript, f"t{number}", budget)))
    return sorted(pages, key=lambda page: not page.view.needs_attention) if is_folded else pages


def style() -> str:
    """The style sheet of every page."""
    return (TEMPLATES / "report.css").read_text(encoding="utf-8")


def environment(**filters: Callable[..., Any]) -> Environment:
    """What every page is made with: everything escaped, our words for values, and filters of its own."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    shared: Mapping[str, Any] = {
        "words": lambda text: arranged.on_one_line(text, LONGEST_VALUE),
        "value": lambda value: arranged.value_words(value, LONGEST_VALUE),
        "moment": arranged.moment,
        "disturbs": arranged.disruption_words,
        "waiver": arranged.waiver_words,
        "by_reason": arranged.by_reason,
        "worst_first": lambda entries: sorted(entries, key=arranged.worst_first),
    }
    made.filters.update({**shared, **filters})
    return made


def _percent(value: Score) -> str:
    whole = arranged.percent(value)
    return "–" if whole is None else f"{whole} %"


def _change(change: Change) -> Sequence[tuple[str, str]]:
    """What a change replaced and with what, where Ansible told."""
    sides = (("before", change.before), ("after", change.after))
    if not (change.before or change.after):
        return ()
    return [(name, _capped(text)) for name, text in sides]


def _capped(text: str) -> str:
    data = text.encode("utf-8", "backslashreplace")
    rest = len(data) - LONGEST_CHANGE
    return readable(data, LONGEST_CHANGE) + (f"\n[{rest} more bytes]" if rest > 0 else "")
