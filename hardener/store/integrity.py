"""Looks whether a store is sound: the database itself, the hashes, what refers to what, and the chain of runs."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, or_, select

from hardener.store import schema
from hardener.store.acceptances import acceptance_problems
from hardener.store.chaining import chain_problems
from hardener.store.contents import Damaged, digest, unpacked
from hardener.store.intervals import seen_by
from hardener.store.pruning import needed_contents
from hardener.store.reading import ResultReader
from hardener.store.telling import told

_REFERENCES = (
    (schema.run, "controls"),
    *((schema.result, name) for name in ("findings", "evidence", "facts")),
    *((table, name) for table in (schema.finding, schema.evidence) for name in ("name", "content")),
)


def problems(connection: Connection) -> Iterator[str]:
    """Everything that is wrong, one line each."""
    if connection.dialect.name == "sqlite":
        told = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
        yield from (line for line in told if line != "ok")
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        yield from (f"{row[0]} {row[1]}: refers to no {row[2]}" for row in broken)
    yield from _hashes(connection)
    yield from _references(connection)
    yield from _intervals(connection)
    yield from _newest(connection)
    yield from _alerts(connection)
    yield from acceptance_problems(connection)
    yield from chain_problems(connection)


def _hashes(connection: Connection) -> Iterator[str]:
    table = schema.content
    rows = connection.execution_options(yield_per=1000).execute(select(table.c.number, table.c.digest, table.c.body))
    for number, expected, body in rows:
        try:
            if digest(unpacked(body, f"content {number}")) != expected:
                yield f"content {number} is not what its hash says"
        except Damaged as damage:
            yield str(damage)


def _references(connection: Connection) -> Iterator[str]:
    content, result, subject = schema.content, schema.result, schema.subject
    for table, name in _REFERENCES:
        column = table.c[name]
        query = select(column).outerjoin(content, content.c.number == column)
        missing = connection.execute(query.where(content.c.number.is_(None), column.is_not(None)).distinct()).scalars()
        yield from (f"content {number} is missing: {table.name}.{name} refers to it" for number in missing)
    orphans = select(func.count()).select_from(content).where(content.c.number.not_in(needed_contents()))
    if count := connection.execute(orphans).scalar_one():
        yield f"{count} contents are referred to from nowhere"
    lonely = select(subject.c.target).where(subject.c.number.not_in(select(result.c.subject)))
    yield from (f"{target} has no result" for target in connection.execute(lonely).scalars())


def _intervals(connection: Connection) -> Iterator[str]:
    for table in (schema.finding, schema.evidence):
        columns = table.c
        following = func.lead(columns.since).over(partition_by=(columns.subject, columns.name), order_by=columns.since)
        rows = select(columns.subject, columns.since, columns.until, following.label("following")).subquery()
        wrong = or_(
            rows.c.until <= rows.c.since,
            rows.c.until > rows.c.following,
            rows.c.until.is_(None) & rows.c.following.is_not(None),
        )
        found = connection.execute(select(rows.c.subject, rows.c.since).where(wrong)).all()
        yield from (f"{table.name} of subject {subject} since result {since} overlaps" for subject, since in found)


def _newest(connection: Connection) -> Iterator[str]:
    """What is missing for the newest result of each subject."""
    result, reader = schema.result, ResultReader(connection)
    newest = select(func.max(result.c.number)).group_by(result.c.subject)
    rows = connection.execute(select(result).where(result.c.number.in_(newest))).mappings().all()
    subjects = {row["number"]: row["subject"] for row in rows}
    for table, outline in ((schema.finding, "findings"), (schema.evidence, "evidence")):
        try:
            seen = reader.named(seen_by(connection, table, subjects))
            for row in rows:
                missing = reader.names(row[outline]) - seen[row["number"]].keys()
                yield from (f"result {row['number']}: nothing says what was seen of {name!r}" for name in missing)
        except Damaged as damage:
            yield str(damage)


def _alerts(connection: Connection) -> Iterator[str]:
    for known in connection.execute(select(schema.recipient.c.digest)).scalars():
        try:
            told(connection, known, None)  # by the digest that is kept, whichever project that is bound to
        except Damaged as damage:
            yield str(damage)
