"""Lays a run beside the baselines of its targets, and reads only what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sqlalchemy import Connection, RowMapping, or_, select

from hardener.model import Comparison, ControlRecord, Finding, Pair, RunKind, Scope, View
from hardener.store import schema
from hardener.store.baselines import baseline_views, instant, views
from hardener.store.contents import Refusal, unpacked
from hardener.store.forms import loaded
from hardener.store.history import Applies, beginnings
from hardener.store.intervals import covers, seen_by
from hardener.store.reading import ResultReader, run_body, run_number

Findings = Mapping[str, Finding]


def compare(connection: Connection, reference: str | None, pattern: str) -> Comparison:
    """A run (the newest audit, where none is named) beside the baselines of the targets a pattern names."""
    query = select(schema.run).where(schema.run.c.number == _number(connection, reference))
    run = connection.execute(query).mappings().one()
    reader = ResultReader(connection)
    scope = _scope(run)
    rows = connection.execute(views().where(schema.result.c.run == run["number"])).mappings()
    now = {row["target"]: row for row in rows if fnmatchcase(row["target"], pattern)}
    chosen, declared = baseline_views(connection, run)
    before = {target: row for target, row in chosen.items() if fnmatchcase(target, pattern)}
    expected = _expected(connection, run)
    missing = [target for target in before if target not in now and target in expected]
    read = _Differences(connection, reader, [(before[name], row) for name, row in now.items() if name in before])
    records = [ControlRecord(**item) for item in reader.content(run["controls"])]
    return Comparison(
        run=run["id"],
        started=instant(run["started"]),
        profile=run["profile"],
        scope=scope,
        controls={record.id: record for record in records},
        pairs=[
            read.pair(name, before.get(name), now.get(name), is_declared=name in declared)
            for name in [*now, *sorted(missing)]
        ],
    )


def _number(connection: Connection, reference: str | None) -> int:
    if reference is not None:
        return run_number(connection, reference)
    run = schema.run
    query = select(run.c.number).where(run.c.kind == RunKind.AUDIT.value).order_by(run.c.number.desc()).limit(1)
    number = connection.execute(query).scalar_one_or_none()
    if number is None:
        raise Refusal("no audit is kept")
    return int(number)


def _scope(run: RowMapping) -> Scope:
    return Scope(**run_body(run).get("scope", {}))


def _expected(connection: Connection, run: RowMapping) -> frozenset[str]:
    """The targets of which one that is missing now has vanished.

    They are those of the audit before that looked at the same inventories and limit; and, where no limit was given,
    those whose declared baseline looked at the same inventories.
    """
    table, result, subject, baseline = schema.run, schema.result, schema.subject, schema.baseline
    scope = _scope(run)
    targets = select(subject.c.target).join(result, result.c.subject == subject.c.number)
    query = select(table).where(table.c.number < run["number"], table.c.kind == RunKind.AUDIT.value)
    found: set[str] = set()
    for earlier in connection.execute(query.order_by(table.c.number.desc())).mappings():
        other = _scope(earlier)
        if (other.inventories, other.limit) == (scope.inventories, scope.limit):
            found |= set(connection.execute(targets.where(result.c.run == earlier["number"])).scalars())
            break
    if scope.limit is None:
        declared = select(table).where(
            table.c.number.in_(select(result.c.run).join(baseline, baseline.c.result == result.c.number))
        )
        for reference in connection.execute(declared).mappings().all():
            if _scope(reference).inventories == scope.inventories:
                chosen = targets.join(baseline, baseline.c.result == result.c.number)
                found |= set(connection.execute(chosen.where(result.c.run == reference["number"])).scalars())
    return frozenset(found)


@dataclass(frozen=True)
class _Difference:
    """The findings of two results of one machine that are not the same, and where those of the later one come from."""

    before: Findings
    after: Findings
    since: Mapping[str, int]
    causes: Mapping[str, str]


_NONE = _Difference({}, {}, {}, {})


class _Differences:
    """What differs between two results of each target that are of one machine; two hosts are never compared."""

    def __init__(
        self, connection: Connection, reader: ResultReader, pairs: Sequence[tuple[RowMapping, RowMapping]]
    ) -> None:
        self._connection = connection
        self._reader = reader
        pairs = [(before, after) for before, after in pairs if before["subject"] == after["subject"]]
        seen = self._seen(pairs)
        applies = Applies(connection, [row["number"] for pair in pairs for row in pair])
        self._found = {after["target"]: self._difference(before, after, seen, applies) for before, after in pairs}

    def pair(self, target: str, before: RowMapping | None, after: RowMapping | None, *, is_declared: bool) -> Pair:
        """Both views of a target."""
        found = self._found.get(target, _NONE)
        return Pair(
            target=target,
            before=_view(before, found.before),
            after=_view(after, found.after),
            is_declared=is_declared,
            since={control: instant(seconds) for control, seconds in found.since.items()},
            causes=found.causes,
        )

    def _seen(self, pairs: Sequence[tuple[RowMapping, RowMapping]]) -> Mapping[int, Mapping[str, int]]:
        """By result, the content of the controls that may differ: all of them where the outlines do."""
        subjects = {row["number"]: row["subject"] for pair in pairs for row in pair if _have_other_outlines(*pair)}
        seen = {**seen_by(self._connection, schema.finding, subjects)} if subjects else {}
        alike = {before["subject"]: (before["number"], after["number"]) for before, after in pairs}
        alike = {key: numbers for key, numbers in alike.items() if numbers[1] not in subjects}
        seen |= self._changed(alike)
        return self._reader.named(seen)

    def _changed(self, results: Mapping[int, tuple[int, int]]) -> Mapping[int, Mapping[int, int]]:
        """By result, the content of what has another interval in the other result of the subject."""
        seen: dict[int, dict[int, int]] = {number: {} for pair in results.values() for number in pair}
        if not results:
            return seen
        table, earliest = schema.finding, min(seen)
        query = select(table.c.subject, table.c.name, table.c.since, table.c.until, table.c.content)
        query = query.where(or_(table.c.since > earliest, table.c.until > earliest), table.c.since <= max(seen))
        for subject, name, since, until, content in self._connection.execute(query):
            pair = results.get(subject, (0, 0))
            of = [number for number in pair if covers(since, until, number)]
            if len(of) == 1:
                seen[of[0]][name] = content
        return seen

    def _difference(
        self, before: RowMapping, after: RowMapping, seen: Mapping[int, Mapping[str, int]], applies: Applies
    ) -> _Difference:
        old, new = (self._findings(row, seen[row["number"]]) for row in (before, after))
        if _have_other_outlines(before, after):
            same = {control for control in old.keys() & new.keys() if old[control] == new[control]}
            old, new = ({key: item for key, item in side.items() if key not in same} for side in (old, new))
        known = beginnings(self._connection, self._reader, after, {key: item.outcome for key, item in new.items()})
        return _Difference(
            before=old,
            after=new,
            since={control: item.began for control, item in known.items()},
            causes={
                control: cause
                for control, item in known.items()
                if (cause := applies.between(after["subject"], before["number"], item.value_since))
            },
        )

    def _findings(self, row: RowMapping, seen: Mapping[str, int]) -> Findings:
        """The findings that were read, and those of controls nobody looked at."""
        outline = self._reader.outline(row["findings"])
        findings = [self._reader.finding(item, seen) for item in outline if not isinstance(item, str) or item in seen]
        return {finding.control: finding for finding in findings}


def _have_other_outlines(before: RowMapping, after: RowMapping) -> bool:
    return bool(before["findings"] != after["findings"])


def _view(row: RowMapping | None, findings: Findings) -> View | None:
    if row is None:
        return None
    return View(
        run=row["id"],
        started=instant(row["started"]),
        profile=row["profile"],
        machine_id=row["machine_id"] or None,
        problem=loaded(unpacked(row["body"], f"result {row['number']}"))["problem"],
        unseen=row["unseen"],
        findings=findings,
    )
