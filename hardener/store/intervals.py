"""State as intervals: a row begins where something is seen to be different, and what stays the same writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, bindparam, or_, select, tuple_

from hardener.store.contents import batches


@dataclass(frozen=True)
class Sighting:
    """What one result saw of its subject: the content of each name it looked at."""

    result: int
    subject: int
    began: int
    """When its run started, in seconds since 1970."""
    seen: Mapping[int, int]


@dataclass
class _Latest:
    """The interval of one name that nothing has ended yet."""

    content: int
    since: int
    row: dict[str, Any] | None
    """The row that is still to be inserted, or ``None`` where the database has it."""


def extend(connection: Connection, table: Table, sightings: Sequence[Sighting]) -> None:
    """Write some sightings, in the order of their results. A name that was not looked at keeps its interval."""
    latest = _latest(connection, table, [item.subject for item in sightings])
    ended: list[dict[str, int]] = []
    begun: list[dict[str, Any]] = []
    for item in sightings:
        for name, content in item.seen.items():
            known = latest.get((item.subject, name))
            if known is not None and known.content == content:
                continue
            if known is not None and known.row is not None:
                known.row["until"] = item.result
            elif known is not None:
                ended.append(
                    {"of_subject": item.subject, "of_name": name, "of_since": known.since, "until": item.result}
                )
            row = {"subject": item.subject, "name": name, "since": item.result, "until": None}
            row |= {"content": content, "began": item.began}
            begun.append(row)
            latest[item.subject, name] = _Latest(content, item.result, row)
    if ended:
        keys = (table.c[name] == bindparam(f"of_{name}") for name in ("subject", "name", "since"))
        connection.execute(table.update().where(*keys).values(until=bindparam("until")), ended)
    if begun:
        connection.execute(table.insert(), begun)


def _latest(connection: Connection, table: Table, subjects: Sequence[int]) -> dict[tuple[int, int], _Latest]:
    columns = table.c
    query = select(columns.subject, columns.name, columns.since, columns.content).where(columns.until.is_(None))
    return {
        (subject, name): _Latest(content, since, None)
        for batch in batches(sorted(set(subjects)))
        for subject, name, since, content in connection.execute(query.where(columns.subject.in_(batch)))
    }


def seen_by(
    connection: Connection, table: Table, results: Mapping[int, int], names: Collection[int] | None = None
) -> Mapping[int, Mapping[int, int]]:
    """By result, the content of every name, or of some, that has an interval there.

    ``results`` is the subject of each result.
    """
    seen: dict[int, dict[int, int]] = {number: {} for number in results}
    of_subject: dict[int, list[int]] = {}
    for number, subject in results.items():
        of_subject.setdefault(subject, []).append(number)
    columns = table.c
    query = select(columns.subject, columns.name, columns.since, columns.until, columns.content).where(
        columns.since <= max(results, default=0),
        or_(columns.until.is_(None), columns.until > min(results, default=0)),
    )
    if names is not None:
        query = query.where(columns.name.in_(names))
    for batch in batches(sorted(of_subject)):
        for subject, name, since, until, content in connection.execute(query.where(columns.subject.in_(batch))):
            for number in of_subject[subject]:
                if covers(since, until, number):
                    seen[number][name] = content
    return seen


def histories(
    connection: Connection, table: Table, keys: Collection[tuple[int, int]], *more: ColumnElement[Any]
) -> Iterator[Row[tuple[Any, ...]]]:
    """Every interval of some names, each with its subject, the newest of each first; with more columns about each."""
    query = select(*table.c, *more).order_by(table.c.since.desc())
    for batch in batches(sorted(keys)):
        subjects, names = ({key[index] for key in batch} for index in (0, 1))  # by which the primary key finds rows
        chosen = query.where(table.c.subject.in_(subjects), table.c.name.in_(names))
        yield from connection.execute(chosen.where(tuple_(table.c.subject, table.c.name).in_(batch)))


def covers(since: int, until: int | None, result: int) -> bool:
    """Whether an interval says what a result saw."""
    return since <= result and (until is None or result < until)
