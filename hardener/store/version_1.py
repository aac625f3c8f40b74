"""What version 1 of the store looked like, and how to read the runs in it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    select,
)

from hardener.model import Answer, Change, ControlRecord, Facts, Finding, Run, TargetResult, Transcript

ASIDE = "version_1_"
"""What the names of its tables begin with once there are newer ones."""

VERSION = Table("schema_version", MetaData(), Column("version", Integer, primary_key=True))


def tables(prefix: str = "") -> MetaData:
    """Its tables."""
    metadata = MetaData()
    if not prefix:
        VERSION.to_metadata(metadata)
    _table(
        metadata,
        f"{prefix}run",
        Column("id", String(40), primary_key=True),
        Column("kind", String(16), nullable=False),
        Column("started", DateTime(timezone=True), nullable=False, index=True),
        Column("finished", DateTime(timezone=True), nullable=False),
        *(Column(name, Text, nullable=False) for name in ("operator", "tool_version", "profile")),
        Column("controls", JSON, nullable=False),
    )
    _table(
        metadata,
        f"{prefix}result",
        Column("id", Integer, primary_key=True),
        Column("run", ForeignKey(f"{prefix}run.id", ondelete="CASCADE"), nullable=False, index=True),
        Column("phase", String(8), nullable=False),
        Column("target", Text, nullable=False),
        Column("facts", JSON),
        Column("problem", Text),
        Column("seconds", Float, nullable=False),
        *(Column(name, Integer, nullable=False) for name in ("tasks", "round_trips")),
    )
    _add_parts(metadata, prefix)
    return metadata


def _add_parts(metadata: MetaData, prefix: str) -> None:
    def of_result() -> Column[int]:
        return Column("result", ForeignKey(f"{prefix}result.id", ondelete="CASCADE"), primary_key=True)

    _table(
        metadata,
        f"{prefix}finding",
        of_result(),
        Column("control", String(120), primary_key=True),
        Column("position", Integer, nullable=False),
        Column("outcome", String(16), nullable=False),
        Column("observed", JSON),
        *(Column(name, Text, nullable=False) for name in ("expected", "reason")),
        Column("questions", JSON, nullable=False),
    )
    position = "position"
    _table(
        metadata,
        f"{prefix}change",
        of_result(),
        Column(position, Integer, primary_key=True),
        Column("body", JSON, nullable=False),
    )
    _table(
        metadata,
        f"{prefix}answer",
        of_result(),
        Column(position, Integer, primary_key=True),
        Column("command", Text, nullable=False),
        Column("exit_status", Integer),
        Column("problem", Text),
        *(Column(name, String(64), nullable=False) for name in ("stdout", "stderr")),
    )
    _table(
        metadata,
        f"{prefix}output",
        Column("digest", String(64), primary_key=True),
        Column("body", LargeBinary, nullable=False),
    )


def _table(metadata: MetaData, name: str, *columns: Column[Any]) -> Table:
    return Table(name, metadata, *columns)


class Reader:
    """Reads the runs of version 1 from its tables, which have stepped aside."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = tables(ASIDE)

    def runs(self) -> Iterator[Run]:
        """Every run, the oldest first."""
        run = self._tables.tables[f"{ASIDE}run"]
        rows = self._connection.execute(select(run).order_by(run.c.started, run.c.id)).mappings().all()
        for row in rows:
            controls = [ControlRecord.model_validate(item) for item in row["controls"]]
            before, results = (self._results(row["id"], phase) for phase in ("before", "result"))
            yield Run(
                **{name: row[name] for name in ("id", "kind", "operator", "tool_version", "profile")},
                started=_with_zone(row["started"]),
                finished=_with_zone(row["finished"]),
                controls={record.id: record for record in controls},
                results=results,
                before=before,
            )

    def drop(self) -> None:
        """Remove the tables: everything in them is elsewhere by now."""
        self._tables.drop_all(self._connection)

    def _results(self, run: str, phase: str) -> Sequence[TargetResult]:
        table = self._tables.tables[f"{ASIDE}result"]
        query = select(table).where(table.c.run == run, table.c.phase == phase).order_by(table.c.id)
        return [
            TargetResult(
                **{name: row[name] for name in ("target", "problem", "seconds", "tasks")},
                facts=Facts.model_validate(row["facts"]) if row["facts"] else None,
                findings=self._findings(row["id"]),
                changes=self._changes(row["id"]),
                transcript=Transcript(answers=self._answers(row["id"]), round_trips=row["round_trips"]),
            )
            for row in self._connection.execute(query).mappings().all()
        ]

    def _findings(self, result: int) -> Sequence[Finding]:
        table = self._tables.tables[f"{ASIDE}finding"]
        query = select(table).where(table.c.result == result).order_by(table.c.position)
        names = ("control", "outcome", "observed", "expected", "reason", "questions")
        return [Finding(**{name: row[name] for name in names}) for row in self._connection.execute(query).mappings()]

    def _changes(self, result: int) -> Sequence[Change]:
        table = self._tables.tables[f"{ASIDE}change"]
        query = select(table.c.body).where(table.c.result == result).order_by(table.c.position)
        return [Change.model_validate(body) for body in self._connection.execute(query).scalars()]

    def _answers(self, result: int) -> Mapping[str, Answer]:
        table, output = (self._tables.tables[f"{ASIDE}{name}"] for name in ("answer", "output"))
        stdout, stderr = output.alias("stdout_of"), output.alias("stderr_of")
        query = (
            select(table, stdout.c.body.label("out"), stderr.c.body.label("err"))
            .join(stdout, stdout.c.digest == table.c.stdout)
            .join(stderr, stderr.c.digest == table.c.stderr)
            .where(table.c.result == result)
            .order_by(table.c.position)
        )
        return {
            row["command"]: Answer(
                exit_status=row["exit_status"],
                problem=row["problem"],
                stdout=zlib.decompress(row["out"]),
                stderr=zlib.decompress(row["err"]),
            )
            for row in self._connection.execute(query).mappings()
        }


def _with_zone(instant: datetime) -> datetime:
    """SQLite forgets the zone; everything was written in UTC."""
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
