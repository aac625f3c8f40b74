"""What targets answered to some questions just before and just when a value was first seen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select

from hardener.model import Answer, Around
from hardener.store import schema
from hardener.store.contents import Damaged, batches
from hardener.store.forms import instant
from hardener.store.intervals import seen_by
from hardener.store.reading import ResultReader, run_body


def around(
    connection: Connection, reader: ResultReader, firsts: Collection[int], commands: Collection[str]
) -> Mapping[int, Around]:
    """By each of some results, the answers of its subject in it and in the one before; those that have one before."""
    names = reader.contents.find(command.encode() for command in commands)
    if not firsts or not names:
        return {}
    rows = list(_rows(connection, firsts))
    subjects = {row[of]: row["subject"] for row in rows for of in ("number", "earlier")}
    seen = reader.named(seen_by(connection, schema.evidence, subjects, names.values()))
    ends = _ends(connection, {row["run"] for row in rows})

    def answers(result: int) -> Mapping[str, Answer]:
        return {command: reader.answer(command, seen[result]) for command in commands if command in seen[result]}

    return {
        row["number"]: Around(
            before=answers(row["earlier"]),
            after=answers(row["number"]),
            began=instant(row["began"]),
            ended=ends[row["run"]],
        )
        for row in rows
    }


def _rows(connection: Connection, firsts: Collection[int]) -> Iterator[RowMapping]:
    """Each result with its subject's result before, and when the run of that one began."""
    result, earlier, other = schema.result, schema.result.alias("earlier"), schema.result.alias("other")
    last = select(func.max(other.c.number)).where(other.c.subject == result.c.subject, other.c.number < result.c.number)
    query = (
        select(
            result.c.number,
            result.c.subject,
            result.c.run,
            earlier.c.number.label("earlier"),
            schema.run.c.started.label("began"),
        )
        .select_from(result)
        .join(earlier, earlier.c.number == last.correlate(result).scalar_subquery())
        .join(schema.run, schema.run.c.number == earlier.c.run)
    )
    for batch in batches(sorted(firsts)):
        yield from connection.execute(query.where(result.c.number.in_(batch))).mappings()


def _ends(connection: Connection, runs: Collection[int]) -> Mapping[int, datetime]:
    """When each run was over."""
    query = select(schema.run)
    rows = (
        row
        for batch in batches(sorted(runs))
        for row in connection.execute(query.where(schema.run.c.number.in_(batch))).mappings()
    )
    return {row["number"]: _finished(row) for row in rows}


def _finished(row: RowMapping) -> datetime:
    try:
        return datetime.fromisoformat(str(run_body(row).get("finished")))
    except ValueError:
        raise Damaged(f"run {row['id']}: nothing says when it was over") from None
