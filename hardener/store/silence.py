"""What one audit knows about what was told: how some controls are, and which targets have been silent for long."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, or_, select

from hardener.model import Finding, RunKind, Seen
from hardener.store import schema
from hardener.store.baselines import views
from hardener.store.contents import batches
from hardener.store.forms import instant
from hardener.store.reading import ResultReader, result_body, run_number, scope_of


def seen(connection: Connection, reference: str, controls: Collection[str], nights: int) -> Seen:
    """How some controls are on every target of an audit, and who answered none of so many audits up to it."""
    number = run_number(connection, reference)
    return Seen(
        run=reference, findings=_findings(connection, number, controls), silent=_silent(connection, number, nights)
    )


def _findings(connection: Connection, run: int, controls: Collection[str]) -> Mapping[str, Mapping[str, Finding]]:
    """By target and control, what was last seen when the run looked: intervals outlive runs that were narrowed."""
    reader = ResultReader(connection)
    finding, result, subject = schema.finding, schema.result, schema.subject
    names = {number: name.decode() for name, number in reader.contents.find([c.encode() for c in controls]).items()}
    query = (
        select(subject.c.target, finding.c.name, finding.c.content)
        .join(result, result.c.subject == finding.c.subject)
        .join(subject, subject.c.number == finding.c.subject)
        .where(result.c.run == run, result.c.is_before.is_(False), finding.c.since <= result.c.number)
        .where(or_(finding.c.until.is_(None), finding.c.until > result.c.number))
    )
    rows = [row for batch in batches(names) for row in connection.execute(query.where(finding.c.name.in_(batch)))]
    reader.contents.get({content for _, _, content in rows})
    found: dict[str, dict[str, Finding]] = {}
    for target, name, content in rows:
        found.setdefault(target, {})[names[name]] = reader.finding(names[name], {names[name]: content})
    return found


def _silent(connection: Connection, number: int, nights: int) -> Mapping[str, datetime | None]:
    """Who answered none of so many audits, up to this one, that looked at the same; when each was last seen completely.

    Expected are the targets of this audit, and those last seen completely by a run of the same inventories whose limit
    was this one's, or which this one includes as it has none.
    """
    window = _window(connection, number, nights)
    if len(window) < nights:
        return {}
    scope, first = scope_of(window[0]), window[-1]["number"]
    runs = [row["number"] for row in window]
    complete = _last_complete(connection, number)
    rows = [row for row in _results(connection, first, number) if row["run"] in runs or row["is_complete"]]
    heard = {row["target"] for row in rows if _did_answer(row)}
    asked: dict[str, set[int]] = {}
    for row in rows:
        asked.setdefault(row["target"], set()).add(row["run"])
    silent: dict[str, datetime | None] = {}
    for target, last in complete.items():
        before = scope_of(last)
        fits = before.inventories == scope.inventories and scope.limit in {None, before.limit}
        if target not in heard and (fits or number in asked.get(target, ())):
            silent[target] = instant(last["started"])
    never = (target for target, of in asked.items() if target not in complete and of.issuperset(runs))
    return silent | {target: None for target in never if target not in heard}


def _window(connection: Connection, number: int, nights: int) -> Sequence[RowMapping]:
    """So many audits up to one that looked at the same inventories and limit, and at all controls; newest first."""
    found: list[RowMapping] = []
    for row in _audits(connection, number):
        scope = scope_of(row)
        if scope.controls != "*":
            continue
        if found and (scope.inventories, scope.limit) != (scope_of(found[0]).inventories, scope_of(found[0]).limit):
            continue
        found.append(row)
        if len(found) == nights:
            break
    return found if found and found[0]["number"] == number else []


def _audits(connection: Connection, number: int) -> Iterator[RowMapping]:
    run = schema.run
    query = select(run).where(run.c.number <= number, run.c.kind == RunKind.AUDIT.value)
    yield from connection.execute(query.order_by(run.c.number.desc())).mappings()


def _last_complete(connection: Connection, number: int) -> Mapping[str, RowMapping]:
    """By target, the last run up to one that saw it completely."""
    run, result, subject = schema.run, schema.result, schema.subject
    newest = (
        select(subject.c.target, func.max(result.c.run).label("run"))
        .join(subject, subject.c.number == result.c.subject)
        .where(result.c.run <= number, result.c.is_complete.is_(True), result.c.is_before.is_(False))
        .group_by(subject.c.target)
    )
    last = {row.target: row.run for row in connection.execute(newest)}
    rows = {
        row["number"]: row
        for batch in batches(sorted(set(last.values())))
        for row in connection.execute(select(run).where(run.c.number.in_(batch))).mappings()
    }
    return {target: rows[of] for target, of in last.items()}


def _results(connection: Connection, first: int, last: int) -> Sequence[RowMapping]:
    query = views().where(schema.result.c.run >= first, schema.result.c.run <= last)
    return connection.execute(query).mappings().all()


def _did_answer(result: RowMapping) -> bool:
    """Also where it was not asked everything."""
    if result["is_complete"] or result["facts"] is None:
        return bool(result["is_complete"])
    return result_body(result).get("problem") is None
