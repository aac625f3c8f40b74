"""A run as a report for people: opens anywhere, loads nothing from elsewhere, and reads without its script.

Small enough, it is one page. Above ``MOST_BYTES`` it is a first page, and a folder beside it with a page for each
target, each control, and each answer that several controls rest on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from jinja2 import Environment

from hardener.model import Change, Run, RunScore, Score, TargetResult, score
from hardener.reports import arranged, fleet
from hardener.reports.arranged import TargetView
from hardener.reports.cases import Case, ControlView, controls_seen, of_targets
from hardener.reports.evidence import Evidence, Room, evidence_of, readable
from hardener.reports.links import Links, blocks, folder_of
from hardener.reports.pages import digest, environment, script, style
from hardener.reports.sections import SECTIONS, Section

TELLS_BEFORE = True
MOST_BYTES = 5_000_000
"""The largest page; a browser on a phone still opens it."""
MOST_OPEN = 3
"""With more targets than this, each begins folded."""
MOST_FULL = 20
"""With more targets than this in one page, what holds and what does not apply is only named for each of them."""
ONE_PAGE = Room(each=30_000, total=700_000)
MANY_PAGES = Room(each=2_000_000, total=1_000_000_000)
COLUMNS = 200
"""Most targets side by side in one matrix."""
MOST_NAMED = 12
"""Targets of one case that are named where they are the greater part of all."""
LONGEST_CHANGE = 2048
LONGEST_GLANCE = 50
LONGEST_NAME = 200


@dataclass(frozen=True, eq=False)
class Page:
    """One target as the template tells it."""

    anchor: str
    view: TargetView
    cases: Sequence[Case]

    @cached_property
    def part(self) -> fleet.Part:
        """Its findings, counted."""
        return fleet.of_target(self.view.result.target, self.cases)

    def name(self, domain: str) -> str:
        """Its name without the domain that all targets share."""
        return self.view.result.target.removesuffix(domain)

    @property
    def sections(self) -> Sequence[tuple[Section, Sequence[Case]]]:
        """The sections that have findings."""
        found = [(section, [case for case in self.cases if case.section is section]) for section in SECTIONS]
        return [(section, cases) for section, cases in found if cases]

    @property
    def badness(self) -> tuple[object, ...]:
        """A key that sorts what needs attention first: the worst score, then the most failures."""
        percent = self.part.now.percent
        is_known = self.view.is_seen and percent is not None
        return not self.view.needs_attention, is_known, percent if is_known else 0, -self.part.of("failing")


class Book:
    """Everything a report tells, arranged; pure, and in the order in which it is told."""

    def __init__(self, run: Run, trend: Sequence[RunScore]) -> None:
        self.run, self.trend = run, trend
        self.controls: Sequence[ControlView] = controls_seen(run)
        self.cases = of_targets(self.controls, len(run.results))
        """Of each target, in the order of the run's results."""
        views = arranged.targets(run)
        self.pages = [
            Page(f"t{number}", view, cases)
            for number, (view, cases) in enumerate(zip(views, self.cases, strict=True), start=1)
        ]
        self.worst_first = sorted(self.pages, key=lambda page: page.badness)
        self.overall = fleet.overall(self.controls)
        self.domain = fleet.shared_domain([result.target for result in run.results])

    @property
    def before(self) -> Score | None:
        """The score of the audit an apply started from."""
        earlier = [finding for page in self.pages if page.view.before for finding in page.view.before.findings]
        return score(earlier, with_waivers=True) if earlier else None

    @property
    def parts(self) -> Mapping[str, Sequence[fleet.Part]]:
        """The score, cut in every way that tells something apart."""
        found = {
            "level": fleet.by_level(self.controls),
            "severity": fleet.by_severity(self.controls),
            "group": fleet.by_group(self.run, self.cases) if len(self.pages) > 1 else (),
            "role": fleet.by_role(self.controls),
        }
        return {name: parts for name, parts in found.items() if parts}

    @property
    def roles(self) -> Mapping[str, Sequence[ControlView]]:
        """The controls by role."""
        found: dict[str, list[ControlView]] = {}
        for control in self.controls:
            found.setdefault(control.record.role, []).append(control)
        return found

    def row(self, control: ControlView, block: range) -> Sequence[Case | None]:
        """What was found of a control on each of some targets; ``None`` where it was not asked for."""
        found: list[Case | None] = [None] * len(self.pages)
        for case in control.cases:
            for place in case.targets:
                found[place] = case
        return found[block.start : block.stop]

    @property
    def catalogue(self) -> str:
        """Which catalogue was used: the same controls, declared alike, give the same digits."""
        records = [record.model_dump(mode="json") for record in self.run.controls.values()]
        data = json.dumps(sorted(records, key=lambda record: record["id"]), sort_keys=True).encode()
        return f"{len(records)} controls, SHA-256 {hashlib.sha256(data).hexdigest()[:16]}"

    def evidence(self, room: Room) -> Evidence:
        """What the findings rest on."""
        return evidence_of(self.run.results, self.controls, room)


def render(run: Run, results: Iterable[TargetResult], trend: Sequence[RunScore] = ()) -> Iterator[bytes]:
    """The report as one page, however large; the same run and trend give the same bytes."""
    yield _whole(Book(arranged.whole(run, results), trend)).encode()


def parts(
    run: Run, results: Iterable[TargetResult], trend: Sequence[RunScore], name: str
) -> Iterator[tuple[str, bytes]]:
    """The report as files, by their paths beside each other: those of a folder, where it needs one, then ``name``."""
    book = Book(arranged.whole(run, results), trend)
    page = _whole(book).encode()
    if len(page) > MOST_BYTES:
        folder = folder_of(name)
        telling = _Telling(book, MANY_PAGES, Links("", f"../{name}"))
        for file, text in telling.pages():
            yield f"{folder}/{file}", text.encode()
        page = _Telling(book, MANY_PAGES, Links(f"{folder}/", "")).page("report").encode()
    yield name, page


def _whole(book: Book) -> str:
    return _Telling(book, ONE_PAGE, Links()).page("report")


class _Telling:
    """Makes pages that link to each other in one way."""

    def __init__(self, book: Book, room: Room, links: Links) -> None:
        self._book, self._links = book, links
        self._evidence = book.evidence(room)
        self._environment = self._prepared()

    def _prepared(self) -> Environment:
        book, links = self._book, self._links
        made = environment(change=_change, score=arranged.score_words, percent=_percent, saw=cache(_glance))
        targets = [
            (links.to(page.anchor), arranged.on_one_line(page.name(book.domain), LONGEST_NAME)) for page in book.pages
        ]
        code, look = script(), style()
        made.globals.update(
            book=book,
            run=book.run,
            links=links,
            evidence=self._evidence,
            targets=targets,
            waivers={waiver.id: waiver for waiver in book.run.waivers},
            MOST_NAMED=MOST_NAMED,
            sections=SECTIONS,
            fleet=fleet,
            ended=arranged.ended_waivers(book.run),
            narrowed=arranged.narrowed_words(book.run.scope),
            seconds=(book.run.finished - book.run.started).total_seconds(),
            is_folded=len(book.pages) > MOST_OPEN,
            is_brief=links.is_whole and len(book.pages) > MOST_FULL,
            blocks=blocks(len(book.pages), COLUMNS),
            script=code,
            style=look,
            policy=_policy(code, look),
        )
        return made

    def page(self, template: str, **values: Any) -> str:
        """One page."""
        return self._environment.get_template(f"{template}.html.j2").render(**values)

    def pages(self) -> Iterator[tuple[str, str]]:
        """Every page of a folder, by its file."""
        for page in self._book.pages:
            yield f"{page.anchor}.html", self.page("target", page=page)
        for control in self._book.controls:
            yield f"{control.anchor}.html", self.page("control", control=control)
        for told in self._evidence.shared:
            yield f"{told.anchor}.html", self.page("answers", told=told)
        for number, block in enumerate(blocks(len(self._book.pages), COLUMNS), start=1):
            yield f"m{number}.html", self.page("matrix", block=block)


def _policy(code: str, look: str) -> str:
    """What a page may do: use its own style and its own script, and nothing else."""
    allowed = f"style-src '{digest(look)}'; script-src '{digest(code)}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _percent(value: Score) -> str:
    whole = arranged.percent(value)
    return "–" if whole is None else f"{whole} %"


def _glance(case: Case) -> str:
    """What was seen, or why nothing was, as short as it goes: the case itself tells it whole."""
    finding = case.finding
    text = finding.reason if finding.reason and not case.is_plain else arranged.value_words(finding.observed, 1000)
    line = arranged.on_one_line(text[:1000], 1000)
    return line if len(line) <= LONGEST_GLANCE else f"{line[:LONGEST_GLANCE]}…"


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
