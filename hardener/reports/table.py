"""A run for people at a terminal: what fails and what could not be looked at, first and in full; the rest counted."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hardener.model import Outcome, Run, RunKind, TargetResult, counted, few
from hardener.reports import arranged
from hardener.reports.arranged import Entry, ScoreLine, TargetView, on_one_line, score_words, value_words

TELLS_BEFORE = True
MOST_IN_FULL = 10
"""With more targets than this, a summary comes first and details are short."""
MOST_SHORT = 20
"""Failures of one target told in the short form."""
WIDEST_VALUE = 300
WIDEST_NOTE = 100
PIPED_WIDTH = 100_000
"""Lines of a pipe are never folded: programs that read them expect one fact on one line."""
BLANK = Text()
STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan"}


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The run as lines of text, with colour only where a terminal shows it."""
    yield _printed(_lines(arranged.whole(run, results))).encode()


def _lines(run: Run) -> Sequence[RenderableType]:
    views = arranged.targets(run)
    notices = [_line(0, ("NOTICE: ", "bold yellow"), text) for text in arranged.ended_waivers(run)]
    notices += [_line(0, ("LIMITATION: ", "bold yellow"), on_one_line(text, WIDEST_VALUE)) for text in run.limitations]
    lines: list[RenderableType] = [_run_line(run), *notices]
    if len(views) <= MOST_IN_FULL:
        for view in views:
            lines += [BLANK, *_target_lines(view)]
        return lines
    lines += [BLANK, _summary(views)]
    lines += _waivers_in_use(run)
    for view in views:
        if view.needs_attention:
            lines += [BLANK, *_short_lines(view)]
    return lines


# --- lines ------------------------------------------------------------------------------------------------------------


def _line(indent: int, *parts: str | tuple[str, str]) -> Padding:
    """One line of plain or styled parts; text is never read as markup."""
    return Padding(Text.assemble(*parts), (0, 0, 0, indent), expand=False)


def _printed(lines: Sequence[RenderableType]) -> str:
    is_terminal = sys.stdout.isatty()
    is_colourful = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    file = io.StringIO()
    console = Console(
        file=file,
        width=shutil.get_terminal_size().columns if is_terminal else PIPED_WIDTH,
        force_terminal=is_colourful,
        color_system="standard" if is_colourful else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for line in lines:
        console.print(line)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().removesuffix("\n").split("\n"))


def _run_line(run: Run) -> Padding:
    seconds = (run.finished - run.started).total_seconds()
    count = counted(len(run.results), "target")
    narrowed = f" ({words})" if (words := arranged.narrowed_words(run.scope)) else ""
    return _line(
        0,
        (f"{run.kind.value} {on_one_line(run.id, 80)}", "bold"),
        f": {count}{narrowed}, profile {on_one_line(run.profile, 80)}, {arranged.moment(run.started)}, {seconds:.1f} s",
    )


def _target_lines(view: TargetView) -> Iterator[Padding]:
    yield from _heading(view)
    yield from _failing(view)
    yield from _held_back(view)
    yield from _unseen(view)
    yield from _waived(view)
    yield from _fixed(view)
    yield from _changes(view)
    yield from _for_a_person(view)
    yield from _counts(view)


def _heading(view: TargetView) -> Iterator[Padding]:
    facts = view.result.facts
    told = ", ".join([facts.system, *sorted(trait.value for trait in facts.traits)]) if facts else "not identified"
    yield _line(0, (on_one_line(view.result.target, 120), "bold"), f"  ({on_one_line(told, 200)})")
    if view.result.problem:
        yield _line(2, ("PROBLEM: ", "bold red"), on_one_line(view.result.problem, WIDEST_VALUE))
    if view.notice:
        yield _line(2, ("NOTICE: ", "bold yellow"), on_one_line(view.notice, WIDEST_VALUE))
    for line in view.scores() if view.is_seen else ():
        yield _line(2, _score_words(line))


def _score_words(line: ScoreLine) -> str:
    before = f"{score_words(line.before)}  ->  " if line.before else ""
    without = f" (without waivers {score_words(line.without)})" if line.is_moved else ""
    return f"{line.label + ':':<9} {before}{score_words(line.now)}{without}"


def _failing(view: TargetView) -> Iterator[Padding]:
    entries = view.entries(Outcome.FAIL)
    if entries:
        yield _line(2, (f"FAILING ({len(entries)})", "bold red"))
    for role, members in arranged.by_role(entries).items():
        yield _line(4, (role, "bold"))
        for entry in members:
            yield from _entry_lines(entry)
            yield _wrong(entry)


def _held_back(view: TargetView) -> Iterator[Padding]:
    """What an apply leaves as it is, each cause once, with what to do about it."""
    held = arranged.by_hold(view.result.findings)
    if held:
        yield _line(2, (f"held back ({sum(map(len, held.values()))})", "bold yellow"))
    for words, controls in held.items():
        yield _line(4, f"{on_one_line(words, 2 * WIDEST_VALUE)} ({few(controls)})")


def _wrong(entry: Entry) -> Padding:
    """What is wrong, where a reason says it; a value with many parts would only bury it."""
    observed = value_words(entry.finding.observed, WIDEST_VALUE)
    wrong = observed if entry.is_plain else on_one_line(entry.finding.reason, WIDEST_VALUE)
    return _line(8, f"{wrong} -> {on_one_line(entry.finding.expected, WIDEST_VALUE)}")


def _waived(view: TargetView) -> Iterator[Padding]:
    """Failures somebody answers for: as they were seen, with who, why and until when."""
    entries = view.waived()
    if entries:
        yield _line(2, (f"waived ({len(entries)})", "bold yellow"))
    for entry in entries:
        yield from _entry_lines(entry)
        yield _wrong(entry)
        yield _line(8, on_one_line(arranged.waiver_words(view.waiver(entry)), WIDEST_VALUE))


def _entry_lines(entry: Entry) -> Iterator[Padding]:
    severity = entry.record.severity.value
    title = on_one_line(entry.record.title, WIDEST_VALUE)
    yield _line(6, (entry.record.id, "bold"), "  ", (severity, STYLES[severity]), f"  {title}")


def _unseen(view: TargetView) -> Iterator[Padding]:
    """What could not be looked at: as loud as failures, each cause once."""
    entries = view.entries(*arranged.UNSEEN)
    if entries:
        yield _line(2, (f"COULD NOT LOOK ({len(entries)})", "bold red"))
    if entries and not view.is_seen:
        return  # the problem above is the cause of all of them
    for reason, members in arranged.by_reason(entries).items():
        yield _line(4, on_one_line(reason, WIDEST_VALUE) or "no cause given")
        for entry in members:
            yield from _entry_lines(entry)


def _fixed(view: TargetView) -> Iterator[Padding]:
    entries = view.entries(Outcome.FIXED)
    if entries:
        yield _line(2, (f"fixed ({len(entries)})", "bold green"))
    for role, members in arranged.by_role(entries).items():
        yield _line(4, f"{role}: {', '.join(entry.record.id for entry in members)}")


def _changes(view: TargetView) -> Iterator[Padding]:
    if view.run.kind is RunKind.AUDIT:
        return
    changes = view.result.changes
    if not (changes or view.result.tasks or view.is_seen):
        return  # nobody reached it
    by = f", by {view.result.tasks} Ansible tasks" if view.run.kind is RunKind.APPLY else ""
    yield _line(2, (f"changes: {len(changes)}{by}", "bold"))
    subjects = Counter((change.role, change.subject or change.task) for change in changes)
    for (role, subject), number in subjects.items():
        times = f" ({number} changes)" if number > 1 else ""
        yield _line(4, f"{on_one_line(role, 80)}: {on_one_line(subject, WIDEST_VALUE)}{times}")
    if view.result.left_as_is:
        yield _line(2, (f"left as it is ({len(view.result.left_as_is)})", "bold yellow"))
    for sentence in view.result.left_as_is:
        yield _line(4, on_one_line(sentence, 2 * WIDEST_VALUE))


def _for_a_person(view: TargetView) -> Iterator[Padding]:
    """What only a person can decide; the evidence is too long for lines and is in the other formats."""
    entries = view.entries(*arranged.FOR_A_PERSON)
    if entries:
        yield _line(2, (f"for a person ({len(entries)})", "bold yellow"))
    for entry in entries:
        finding = entry.finding
        seen = on_one_line(finding.reason, WIDEST_NOTE)
        if finding.observed is not None:
            seen = value_words(finding.observed, WIDEST_NOTE)
        yield _line(4, (entry.record.id, "bold"), f"  {on_one_line(entry.record.title, WIDEST_VALUE)}: {seen}")


def _counts(view: TargetView) -> Iterator[Padding]:
    if not view.is_seen:
        return
    yield _line(2, _count_words(view))
    for reason, members in arranged.by_reason(view.entries(Outcome.NOTAPPLICABLE)).items():
        yield _line(4, f"not applicable, {len(members)}: {on_one_line(reason, WIDEST_VALUE)}")
    if view.walk_words:
        yield _line(4, on_one_line(view.walk_words, WIDEST_VALUE))


def _count_words(view: TargetView) -> str:
    counts = {
        "hold": view.result.count(Outcome.PASS),
        "not applicable": view.result.count(Outcome.NOTAPPLICABLE),
        "for a person": view.result.count(*arranged.FOR_A_PERSON),
        "not selected": view.result.count(Outcome.NOTSELECTED),
    }
    return ", ".join(f"{count} {words}" for words, count in counts.items() if count or words == "hold")


# --- many targets -----------------------------------------------------------------------------------------------------


def _summary(views: Sequence[TargetView]) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for title in ("target", "score", "failing", "waived", "could not look", "fixed", "problem"):
        grid.add_column(title, overflow="fold")
    for view in views:
        lines = view.scores() if view.is_seen else ()
        unseen, fixed = view.result.count(*arranged.UNSEEN), view.result.count(Outcome.FIXED)
        counts = (view.result.failing, view.result.waived, unseen, fixed)
        cells = (
            on_one_line(view.result.target, 80),
            _summary_score(lines[0]) if lines else "-",
            *map(str, counts),
            on_one_line(view.result.problem or "", 120),
        )
        grid.add_row(*map(Text, cells))
    return grid


def _waivers_in_use(run: Run) -> Iterator[RenderableType]:
    """Each waiver once, with how much it covers."""
    covered = Counter(finding.waiver for result in run.results for finding in result.findings)
    used = [waiver for waiver in run.waivers if covered[waiver.id]]
    if used:
        yield BLANK
    for waiver in used:
        words = on_one_line(arranged.waiver_words(waiver), WIDEST_VALUE)
        yield _line(0, f"covers {covered[waiver.id]}: {words}")


def _summary_score(line: ScoreLine) -> str:
    before = f"{arranged.percent(line.before)} % -> " if line.before and line.before.scored else ""
    return before + score_words(line.now)


def _short_lines(view: TargetView) -> Iterator[Padding]:
    """A target among many: one line for each failure and each cause."""
    yield from _heading(view)
    entries = sorted(view.entries(Outcome.FAIL), key=arranged.worst_first)
    for entry in entries[:MOST_SHORT]:
        severity = entry.record.severity.value
        reason = on_one_line(entry.finding.reason, 120)
        yield _line(4, (entry.record.id, "bold"), "  ", (severity, STYLES[severity]), f"  {reason}")
    if len(entries) > MOST_SHORT:
        yield _line(4, f"and {len(entries) - MOST_SHORT} more failures")
    for reason, members in arranged.by_reason(view.entries(*arranged.UNSEEN)).items():
        cause = on_one_line(reason, 120) if view.is_seen else "see the problem"
        yield _line(4, (f"could not look, {len(members)}: ", "bold red"), cause)
