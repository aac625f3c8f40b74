"""Reads runs back as they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select

from hardener.model import (
    Answer,
    ControlRecord,
    Facts,
    Finding,
    Run,
    RunKind,
    RunSummary,
    Scope,
    TargetResult,
    Transcript,
)
from hardener.store import schema
from hardener.store.contents import Contents, Damaged, Refusal, batches, unpacked
from hardener.store.forms import Outline, body, loaded, made
from hardener.store.intervals import seen_by
from hardener.store.writing import RESULTS_AT_ONCE

RUNS_AT_ONCE = 32
"""Runs that a server sends in one go."""


def newest(connection: Connection, project: str | None, kind: RunKind | None = None) -> str | None:
    """The id of the run of a project that was kept last: of any kind, or of one."""
    return next((str(row["id"]) for row in runs_of(connection, project, kind)), None)


def runs_of(connection: Connection, project: str | None, kind: RunKind | None = None) -> Iterator[RowMapping]:
    """The runs of a project, or (``None``) those of no project, of any kind or of one; the one kept last first."""
    run = schema.run
    query = select(run).order_by(run.c.number.desc())
    chosen = query if kind is None else query.where(run.c.kind == kind.value)
    # Whoever asks wants the first few: a server must not send them all.
    with connection.execute(chosen, execution_options={"yield_per": RUNS_AT_ONCE}) as result:
        yield from (row for row in result.mappings() if scope_of(row).is_of(project))


def scope_of(row: RowMapping) -> Scope:
    """What a run was about."""
    return made(Scope, f"run {row['id']}", run_body(row).get("scope", {}))


def run_number(connection: Connection, reference: str) -> int:
    """The number of the run with this id, or of the only one whose id starts so."""
    columns = schema.run.c
    query = select(columns.number).where(columns.id.startswith(reference, autoescape=True)).limit(2)
    found = connection.execute(query).scalars().all()
    if len(found) > 1:
        exact = connection.execute(select(columns.number).where(columns.id == reference)).scalars().all()
        found = exact or found
    if not found:
        raise Refusal(f"no run {reference!r}")
    if len(found) > 1:
        raise Refusal(f"more than one run starts with {reference!r}")
    return int(found[0])


def last_result(connection: Connection, run: int) -> int:
    """The last result of a run; 0 where it has none."""
    result = schema.result
    query = select(func.max(result.c.number)).where(result.c.run == run)
    return connection.execute(query).scalar_one() or 0


def read_summaries(connection: Connection) -> Sequence[RunSummary]:
    """All runs, the one kept last first."""
    run, result, baseline = schema.run, schema.result, schema.baseline
    counted = select(result.c.run, func.count().label("targets")).where(result.c.is_before.is_(False))
    targets = _counts(connection, counted.group_by(result.c.run))
    declared = select(result.c.run, func.count()).join(baseline, baseline.c.result == result.c.number)
    baselines = _counts(connection, declared.group_by(result.c.run))
    rows = connection.execute(select(run).order_by(run.c.number.desc())).mappings()
    return [
        made(
            RunSummary,
            f"run {row['id']}",
            {name: value for name, value in run_body(row).items() if name in RunSummary.model_fields},
            targets=targets.get(row["number"], 0),
            baselines=baselines.get(row["number"], 0),
        )
        for row in rows
    ]


def _counts(connection: Connection, query: Select[int, int]) -> Mapping[int, int]:
    return {row[0]: row[1] for row in connection.execute(query)}


def run_body(row: RowMapping) -> Mapping[str, Any]:
    """Everything of a run but its controls and results."""
    what = f"run {row['id']}"
    return body(unpacked(row["body"], what), what)


def result_body(row: RowMapping) -> Mapping[str, Any]:
    """Everything of a result that belongs to this run alone."""
    what = f"result {row['number']}"
    return body(unpacked(row["body"], what), what)


def read_run(connection: Connection, number: int) -> Run:
    """A whole run; what its results share is one object."""
    reader = ResultReader(connection)
    before, results = (tuple(reader.results(number, "*", is_before=phase)) for phase in (True, False))
    return _read_head(connection, number, before, results)


def stream_run(connection: Connection, number: int, pattern: str, *, with_before: bool) -> Iterator[Run | TargetResult]:
    """A run without its results, then those of the targets a pattern names, in its order; few are in memory at once."""
    earlier = ResultReader(connection).results(number, pattern, is_before=True) if with_before else ()
    head = _read_head(connection, number, tuple(earlier), ())
    targets = ResultReader(connection).targets(number, pattern, is_before=False)
    if pattern != "*" and not targets:
        raise Refusal(f"run {head.id} has no target that {pattern!r} names")
    yield head if pattern == "*" else _excerpt(head, pattern)
    for batch in batches(targets, RESULTS_AT_ONCE):
        # Another reader for each batch: what one keeps to unpack it once would grow with the run.
        yield from ResultReader(connection).read(batch)


def _excerpt(run: Run, pattern: str) -> Run:
    """A run that says that it is told in part: who reads it must not take its targets for all there were."""
    return run.model_copy(update={"scope": run.scope.model_copy(update={"excerpt": pattern})})


def _read_head(
    connection: Connection, number: int, before: Sequence[TargetResult], results: Sequence[TargetResult]
) -> Run:
    row = connection.execute(select(schema.run).where(schema.run.c.number == number)).mappings().one()
    records = ResultReader(connection).records(row["controls"])
    controls = {record.id: record for record in records}
    return made(Run, f"run {row['id']}", run_body(row), controls=controls, before=before, results=results)


class ResultReader:
    """Reads results over one connection; what many of them share is unpacked once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.contents = Contents(connection)
        self._findings: dict[tuple[str, int], Finding] = {}
        self._answers: dict[int, Answer] = {}
        self._outlines: dict[int, Outline] = {}

    def results(self, run: int, pattern: str, *, is_before: bool) -> Iterator[TargetResult]:
        """The results of one phase of a run whose targets a pattern names, in its order."""
        for batch in batches(self.targets(run, pattern, is_before=is_before), RESULTS_AT_ONCE):
            yield from self.read(batch)

    def targets(self, run: int, pattern: str, *, is_before: bool) -> Sequence[int]:
        """The numbers of the results of one phase of a run whose targets a pattern names, in its order."""
        table, subject = schema.result, schema.subject
        query = select(table.c.number, subject.c.target).join(subject, subject.c.number == table.c.subject)
        query = query.where(table.c.run == run, table.c.is_before == is_before).order_by(table.c.number)
        return [number for number, target in self._connection.execute(query) if fnmatchcase(target, pattern)]

    def read(self, numbers: Sequence[int]) -> Sequence[TargetResult]:
        """Some results by their numbers, in the order in which they were kept."""
        table, subject = schema.result, schema.subject
        query = select(table, subject.c.target).join(subject, subject.c.number == table.c.subject)
        rows = self._connection.execute(query.where(table.c.number.in_(numbers)).order_by(table.c.number)).mappings()
        return self._batch(rows.all())

    def _batch(self, rows: Sequence[RowMapping]) -> Sequence[TargetResult]:
        subjects = {row["number"]: row["subject"] for row in rows}
        findings = self.named(seen_by(self._connection, schema.finding, subjects))
        answers = self.named(seen_by(self._connection, schema.evidence, subjects))
        self.contents.get({row[name] for row in rows for name in ("facts", "findings", "evidence")} - {None})
        return [self._result(row, findings[row["number"]], answers[row["number"]]) for row in rows]

    def _result(self, row: RowMapping, findings: Mapping[str, int], answers: Mapping[str, int]) -> TargetResult:
        what = f"result {row['number']}"
        kept = result_body(row)
        commands = [str(item) for item in self.outline(row["evidence"])]
        told = {item: self.answer(item, answers) for item in commands}
        return made(
            TargetResult,
            what,
            {name: value for name, value in kept.items() if name != "transcript"},
            target=row["target"],
            facts=None if row["facts"] is None else made(Facts, what, self.content(row["facts"])),
            findings=[self.finding(item, findings) for item in self.outline(row["findings"])],
            transcript=made(Transcript, what, kept.get("transcript"), answers=told),
        )

    def named(self, seen: Mapping[int, Mapping[int, int]]) -> Mapping[int, Mapping[str, int]]:
        """The same by the text of each name, with everything it points to fetched at once."""
        names = self.contents.get({name for item in seen.values() for name in item})
        self.contents.get({content for item in seen.values() for content in item.values()})
        texts = {number: _text(number, text) for number, text in names.items()}
        return {number: {texts[name]: content for name, content in item.items()} for number, item in seen.items()}

    def outline(self, number: int) -> Outline:
        """What a result is about, in its order."""
        if number not in self._outlines:
            self._outlines[number] = self._listed(number)
        return self._outlines[number]

    def names(self, number: int) -> frozenset[str]:
        """The names in an outline that have an interval."""
        return frozenset(item for item in self.outline(number) if isinstance(item, str))

    def finding(self, item: str | Mapping[str, Any], seen: Mapping[str, int]) -> Finding:
        """One finding of an outline; those that are the same are one object."""
        if not isinstance(item, str):
            return made(Finding, "a finding", item)
        key = item, _seen(item, seen)
        if key not in self._findings:
            self._findings[key] = made(Finding, f"content {key[1]}", self.content(key[1]), control=item)
        return self._findings[key]

    def answer(self, command: str, seen: Mapping[str, int]) -> Answer:
        """The answer to one command; those that are the same are one object."""
        number = _seen(command, seen)
        if number not in self._answers:
            self._answers[number] = made(Answer, f"content {number}", self.content(number))
        return self._answers[number]

    def content(self, number: int) -> Any:
        """What is kept under a number, as JSON values."""
        return loaded(self.contents.get([number])[number], f"content {number}")

    def records(self, number: int) -> Sequence[ControlRecord]:
        """The controls of a run, as they were declared when it was made."""
        return [made(ControlRecord, f"content {number}", item) for item in self._listed(number)]

    def _listed(self, number: int) -> Sequence[Any]:
        value = self.content(number)
        if not isinstance(value, list):
            raise Damaged(f"content {number} is none that was kept so")
        return value


def _text(number: int, name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise Damaged(f"content {number} is no name") from None


def _seen(name: str, seen: Mapping[str, int]) -> int:
    if name not in seen:
        raise Damaged(f"nothing says what was seen of {name!r}")
    return seen[name]
