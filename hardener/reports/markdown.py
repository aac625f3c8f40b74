"""A run as a summary for a ticket: scores, what is worst, what nobody could look at, and what to type."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hardener.model import Finding, Run, Score, TargetResult, counted, score
from hardener.reports.arranged import UNSEEN, ended_waivers, moment, narrowed_words, on_one_line, score_words

MOST = 10
"""Rows of one table: whoever reads a ticket wants to know where to begin."""
LONGEST = 120
LONGEST_COMMAND = 1000
_MARKS = re.compile(r"([\\`*_\[\]<>|~&!#@])")


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The summary; the same run gives the same bytes. Of each target only some numbers stay in memory."""
    seen = _Summary(run)
    for result in results:
        seen.add(result)
    sections = (_head(seen), _scores(seen), _targets(seen), _controls(seen), _unseen(seen), _waivers(seen), _next(seen))
    yield "\n".join("".join(f"{line}\n" for line in section) for section in map(list, sections) if section).encode()


@dataclass(frozen=True)
class _Target:
    """What stays of one target."""

    name: str
    now: Score
    failing: int
    waived: int
    unseen: int
    problem: str | None

    @property
    def needs_attention(self) -> bool:
        return self.problem is not None or self.failing + self.unseen > 0

    @property
    def order(self) -> tuple[float, int]:
        """A key that sorts the worst first."""
        return 101.0 if self.now.percent is None else self.now.percent, -self.failing


@dataclass
class _Summary:
    """What stays of all targets."""

    run: Run
    targets: list[_Target] = field(default_factory=list)
    scores: dict[tuple[int, bool], Score] = field(default_factory=dict)
    """By level (0 is all of them) and whether waivers count."""
    failing: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    waived: Counter[str] = field(default_factory=Counter)

    def add(self, result: TargetResult) -> None:
        """A further target."""
        now = score(result.findings, with_waivers=True)
        unseen = result.count(*UNSEEN)
        self.targets.append(
            _Target(result.target, now, result.failing, result.waived, unseen, result.problem),
        )
        by_level: dict[int, list[Finding]] = {0: list(result.findings)}
        for finding in result.findings:
            by_level.setdefault(self.run.controls[finding.control].level, []).append(finding)
            self.failing[finding.control] += finding.is_failing
            if finding.outcome in UNSEEN:
                self.unseen[finding.reason] += 1
            if finding.waiver:
                self.waived[finding.waiver] += 1
        for level, findings in by_level.items():
            for with_waivers in (True, False):
                key, more = (level, with_waivers), score(findings, with_waivers=with_waivers)
                known = self.scores.get(key, Score(compliant=0, scored=0))
                self.scores[key] = Score(compliant=known.compliant + more.compliant, scored=known.scored + more.scored)


def _head(seen: _Summary) -> Iterator[str]:
    run, targets = seen.run, counted(len(seen.targets), "target")
    yield f"# {run.kind.value.capitalize()} of {targets}, profile {code(run.profile)}"
    yield ""
    yield f"Run {code(run.id)} of {moment(run.started)}, by {code(run.operator)}, hardener {code(run.tool_version)}."
    if narrowed := narrowed_words(run.scope):
        yield f"Not all targets: {code(narrowed)}."
    for sentence in run.limitations:
        yield f"Limitation: {prose(sentence)}."
    attention = sum(target.needs_attention for target in seen.targets)
    yield f"{attention} of {targets} need attention." if attention else "No target needs attention."


def _scores(seen: _Summary) -> Iterator[str]:
    levels = sorted({level for level, _ in seen.scores})
    rows = [
        (f"level {level}" if level else "overall", score_words(now), score_words(seen.scores[level, False]))
        for level in levels
        if (now := seen.scores[level, True]).scored or seen.scores[level, False].scored
    ]
    yield from _table("Score", ("", "controls that hold", "without waivers"), rows)


def _targets(seen: _Summary) -> Iterator[str]:
    worst = sorted((target for target in seen.targets if target.needs_attention), key=lambda target: target.order)
    rows = [
        (
            code(target.name),
            score_words(target.now),
            *map(str, (target.failing, target.waived, target.unseen)),
            code(target.problem or ""),
        )
        for target in worst
    ]
    yield from _table("Worst targets", ("target", "score", "failing", "waived", "could not look", "problem"), rows)


def _controls(seen: _Summary) -> Iterator[str]:
    most = [(seen.run.controls[control], count) for control, count in seen.failing.items() if count]
    severities = ("high", "medium", "low")
    most.sort(key=lambda item: (-item[1], severities.index(item[0].severity.value), item[0].id))
    rows = [(code(record.id), record.severity.value, str(count), prose(record.title)) for record, count in most]
    yield from _table("Most failed controls", ("control", "severity", "fails on", "what it requires"), rows)


def _unseen(seen: _Summary) -> Iterator[str]:
    rows = [(str(count), code(reason)) for reason, count in seen.unseen.most_common()]
    yield from _table("Could not look", ("findings", "why"), rows)


def _waivers(seen: _Summary) -> Iterator[str]:
    rows = [
        (code(item.id), str(seen.waived[item.id]), code(item.reason), code(item.approved_by), moment(item.expires))
        for item in seen.run.waivers
        if seen.waived[item.id]
    ]
    yield from _table("Waivers in use", ("waiver", "covers", "reason", "approved by", "until"), rows)
    if ended := ended_waivers(seen.run):
        yield from ("", *(f"* {code(sentence)}" for sentence in ended))


def _next(seen: _Summary) -> Iterator[str]:
    run = seen.run
    scope = [*run.scope.naming]
    scope += ["-l", run.scope.limit] if run.scope.limit else []
    scope += ["-p", run.profile]
    scope += ["--controls", run.scope.controls] if run.scope.controls != "*" else []
    commands: list[tuple[Sequence[str], str]] = [
        (("runs", "show", run.id), "all of it"),
        (("report", run.id, "-f", "html", "-o", "report.html"), "with the evidence"),
    ]
    if any(seen.failing[record.id] for record in run.controls.values() if record.is_remediable):
        commands += [(("plan", *scope), "what an apply would do"), (("apply", *scope), "remedies it, under guard")]
    yield from ("## What to type", "", "```sh")
    for words, explains in commands:
        line = shlex.join(["hardener", *words])
        is_typed = line.isprintable() and len(line) <= LONGEST_COMMAND
        yield f"{line}  # {explains}" if is_typed else f"# hardener {words[0]}: what it takes cannot be typed from here"
    yield "```"


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first rows, and how many more there are; nothing where there is none."""
    if not rows:
        return
    yield from (f"## {title}", "")
    for row in (header, ["---"] * len(header), *rows[:MOST]):
        yield f"| {' | '.join(row)} |"
    if len(rows) > MOST:
        yield from ("", f"And {len(rows) - MOST} more.")


def code(text: str) -> str:
    """A host's words as code, where nothing is markup, a link or the name of a person.

    A pipe would end the cell of a table even there, and becomes a broken one.
    """
    told = on_one_line(text, LONGEST).replace("|", "¦")
    if not told:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", told)), default=0))
    return f"{fence} {told} {fence}" if len(fence) > 1 else f"`{told}`"


def prose(text: str) -> str:
    """A sentence of ours, or of the site's, as plain text."""
    return _MARKS.sub(r"\\\1", on_one_line(text, 2 * LONGEST))
