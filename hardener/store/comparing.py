"""Lays a run beside the baselines of its targets, and reads only what differs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sqlalchemy import Connection, RowMapping, or_, select

from hardener.model import Around, Comparison, Finding, Pair, RunKind, Scope, View
from hardener.store import schema
from hardener.store.around import around
from hardener.store.baselines import baseline_views, views
from hardener.store.contents import Refusal
from hardener.store.forms import instant, made
from hardener.store.history import Applies, Asked, Beginning, beginnings
from hardener.store.intervals import covers, seen_by
from hardener.store.reading import ResultReader, result_body, run_body, run_number

Findings = Mapping[str, Finding]


def compare(connection: Connection, reference: str | None, pattern: str, commands: Collection[str] = ()) -> Comparison:
    """A run (the newest audit, where none is named) beside the baselines of the targets a pattern names.

    ``commands``: whose answers are wanted around each moment at which a value became another.
    """
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
    pairs = [(before[name], row) for name, row in now.items() if name in before]
    read = _Differences(connection, reader, pairs, commands)
    records = reader.records(run["controls"])
    return Comparison(
        run=run["id"],
        started=instant(run["started"]),
        profile=run["profile"],
        scope=scope,
        controls={record.id: record for record in records},
        waivers=run_body(run).get("waivers", ()),
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
    return made(Scope, f"run {run['id']}", run_body(run).get("scope", {}))


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
    around: Mapping[str, Around]


_NONE = _Difference({}, {}, {}, {}, {})


class _Differences:
    """What differs between two results of each target that are of one machine; two hosts are never compared."""

    def __init__(
        self,
        connection: Connection,
        reader: ResultReader,
        pairs: Sequence[tuple[RowMapping, RowMapping]],
        commands: Collection[str],
    ) -> None:
        self._connection = connection
        self._reader = reader
        pairs = [(before, after) for before, after in pairs if before["subject"] == after["subject"]]
        seen = self._seen(pairs)
        applies = Applies(connection, [row["number"] for pair in pairs for row in pair])
        findings = {after["target"]: self._findings_of(before, after, seen) for before, after in pairs}
        asked = {
            after["subject"]: Asked(
                after["number"], {control: item.outcome for control, item in findings[after["target"]][1].items()}
            )
            for _, after in pairs
        }
        began = beginnings(connection, reader, asked)
        baselines = {after["subject"]: before["number"] for before, after in pairs}
        firsts = {item.value_since for (subject, _), item in began.items() if item.value_since > baselines[subject]}
        answers = around(connection, reader, firsts, commands)
        self._found = {
            after["target"]: _difference(before, after, findings[after["target"]], began, applies, answers)
            for before, after in pairs
        }

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
            around=found.around,
        )

    def _seen(self, pairs: Sequence[tuple[RowMapping, RowMapping]]) -> Mapping[int, Mapping[str, int]]:
        """By result, the content of the controls that may differ: all of them where the outlines do."""
        subjects = {row["number"]: row["subject"] for pair in pairs for row in pair if _have_other_outlines(*pair)}
        seen = {**seen_by(self._connection, schema.finding, subjects)} if subjects else {}
        alike = {before["subject"]: (before["number"], after["number"]) for before, after in pairs}
        alike = {key: numbers for key, numbers in alike.items() if numbers[1] not in subjects}
        lower = [min(pair, key=lambda row: row["number"]) for pair in pairs if pair[1]["number"] not in subjects]
        seen |= self._changed(alike, _last_of_first_run(lower))
        return self._reader.named(seen)

    def _changed(self, results: Mapping[int, tuple[int, int]], begun: int) -> Mapping[int, Mapping[int, int]]:
        """By result, the content of what has another interval in the other result of the subject.

        Intervals that had begun by then and have not ended are the same in both, and are not even read.
        """
        seen: dict[int, dict[int, int]] = {number: {} for pair in results.values() for number in pair}
        if not results:
            return seen
        table = schema.finding
        query = select(table.c.subject, table.c.name, table.c.since, table.c.until, table.c.content)
        query = query.where(or_(table.c.since > begun, table.c.until > min(seen)), table.c.since <= max(seen))
        for subject, name, since, until, content in self._connection.execute(query):
            pair = results.get(subject, (0, 0))
            of = [number for number in pair if covers(since, until, number)]
            if len(of) == 1:
                seen[of[0]][name] = content
        return seen

    def _findings_of(
        self, before: RowMapping, after: RowMapping, seen: Mapping[int, Mapping[str, int]]
    ) -> tuple[Findings, Findings]:
        """The findings of both results that are not the same."""
        old, new = (self._findings(row, seen[row["number"]]) for row in (before, after))
        if not _have_other_outlines(before, after):
            return old, new
        same = {control for control in old.keys() & new.keys() if old[control] == new[control]}
        return _without(old, same), _without(new, same)

    def _findings(self, row: RowMapping, seen: Mapping[str, int]) -> Findings:
        """The findings that were read, and those of controls nobody looked at."""
        outline = self._reader.outline(row["findings"])
        findings = [self._reader.finding(item, seen) for item in outline if not isinstance(item, str) or item in seen]
        return {finding.control: finding for finding in findings}


def _without(findings: Findings, controls: Collection[str]) -> Findings:
    return {control: item for control, item in findings.items() if control not in controls}


def _difference(
    before: RowMapping,
    after: RowMapping,
    findings: tuple[Findings, Findings],
    began: Mapping[tuple[int, str], Beginning],
    applies: Applies,
    answers: Mapping[int, Around],
) -> _Difference:
    subject = after["subject"]
    known = {control: began[subject, control] for control in findings[1] if (subject, control) in began}
    causes = {control: applies.between(subject, before["number"], item.value_since) for control, item in known.items()}
    return _Difference(
        before=findings[0],
        after=findings[1],
        since={control: item.began for control, item in known.items()},
        causes={control: cause for control, cause in causes.items() if cause},
        around={control: answers[item.value_since] for control, item in known.items() if item.value_since in answers},
    )


def _last_of_first_run(rows: Sequence[RowMapping]) -> int:
    """The last of those results that are of the same run, for the run of which that is the smallest number.

    Every interval that began up to there began with, or before, the result of its own subject: results of a run
    follow each other, and a subject has one in it.
    """
    last: dict[int, int] = {}
    for row in rows:
        last[row["run"]] = max(last.get(row["run"], 0), row["number"])
    return min(last.values(), default=0)


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
        problem=result_body(row).get("problem"),
        unseen=row["unseen"],
        findings=findings,
    )
