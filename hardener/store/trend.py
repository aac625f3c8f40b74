"""How the targets of a run scored in the runs before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from sqlalchemy import Connection, RowMapping, select

from hardener.model import Finding, RunScore, Scope, Score
from hardener.store import schema
from hardener.store.forms import made
from hardener.store.intervals import seen_by
from hardener.store.reading import ResultReader, run_body

_COMPLIANT, _FAILING, _UNSEEN = "compliant", "failing", "unseen"


@dataclass
class _Tally:
    """What is counted of one run."""

    targets: int = 0
    findings: Counter[str] = field(default_factory=Counter)


def trend(connection: Connection, number: int, pattern: str, most: int) -> Sequence[RunScore]:
    """A run and those kept before it with its profile and its selection of controls, the newest last; so many at most.

    Of each, only the targets count that the run has and a shell-style pattern names; runs without any are left out.
    """
    rows = _alike(connection, number, most)
    targets = _targets(connection, number, pattern)
    found = _tallies(connection, [row["number"] for row in rows], targets)
    return [_told(row, found[row["number"]]) for row in reversed(rows) if row["number"] in found]


def _alike(connection: Connection, number: int, most: int) -> Sequence[RowMapping]:
    run = schema.run
    newest = connection.execute(select(run).where(run.c.number == number)).mappings().one()
    query = select(run).where(run.c.number <= number, run.c.profile == newest["profile"]).order_by(run.c.number.desc())
    pattern = _controls(newest)
    alike: list[RowMapping] = []
    for row in connection.execute(query).mappings():
        if _controls(row) == pattern:
            alike.append(row)
        if len(alike) == most:
            break
    return alike


def _controls(row: RowMapping) -> str:
    return made(Scope, f"run {row['id']}", run_body(row).get("scope", {})).controls


def _targets(connection: Connection, number: int, pattern: str) -> Collection[int]:
    """The subjects that go by the name of a target of a run, whichever machine it was."""
    result, subject = schema.result, schema.subject
    query = select(subject.c.target).join(result, result.c.subject == subject.c.number)
    names = set(connection.execute(query.where(result.c.run == number, result.c.is_before.is_(False))).scalars())
    every = connection.execute(select(subject.c.number, subject.c.target))
    return {key for key, name in every if name in names and fnmatchcase(name, pattern)}


def _tallies(connection: Connection, runs: Collection[int], subjects: Collection[int]) -> Mapping[int, _Tally]:
    result = schema.result
    query = select(result.c.number, result.c.run, result.c.subject, result.c.findings)
    query = query.where(result.c.run.in_(runs), result.c.is_before.is_(False))
    rows = [row for row in connection.execute(query) if row.subject in subjects]
    reader = ResultReader(connection)
    seen = seen_by(connection, schema.finding, {row.number: row.subject for row in rows})
    reader.contents.get(
        {content for item in seen.values() for content in item.values()} | {row.findings for row in rows}
    )
    kinds = _Kinds(reader)
    found: dict[int, _Tally] = {}
    for row in rows:
        tally = found.setdefault(row.run, _Tally())
        tally.targets += 1
        tally.findings.update(kinds.of(seen[row.number], row.findings))
    return found


class _Kinds:
    """What findings count as; those that are the same are read once."""

    def __init__(self, reader: ResultReader) -> None:
        self._reader = reader
        self._of: dict[int, str] = {}
        self._named: dict[int, frozenset[int]] = {}

    def of(self, seen: Mapping[int, int], outline: int) -> Iterable[str]:
        """What the findings of a result count as; ``seen`` also has what other results of its subject were about."""
        if outline not in self._named:
            names = self._reader.contents.find(name.encode() for name in self._reader.names(outline))
            self._named[outline] = frozenset(names.values())
        about = self._named[outline]
        return [self._kind(content) for name, content in seen.items() if name in about]

    def _kind(self, content: int) -> str:
        if content not in self._of:
            self._of[content] = _kind(self._reader.finding("any", {"any": content}))
        return self._of[content]


def _kind(finding: Finding) -> str:
    if finding.is_failing:
        return _FAILING
    if finding.outcome.is_unknown:
        return _UNSEEN
    return _COMPLIANT if finding.outcome.is_compliant else ""


def _told(row: RowMapping, tally: _Tally) -> RunScore:
    count = tally.findings
    scored = count[_COMPLIANT] + count[_FAILING] + count[_UNSEEN]
    return made(
        RunScore,
        f"run {row['id']}",
        {name: run_body(row).get(name) for name in ("id", "kind", "started")},
        targets=tally.targets,
        score=Score(compliant=count[_COMPLIANT], scored=scored),
        failing=count[_FAILING],
        unseen=count[_UNSEEN],
    )
