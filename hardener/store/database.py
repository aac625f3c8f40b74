"""Reads and writes runs in a SQL database: SQLite by default, any server by URL with the same code."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, RowMapping, create_engine, event, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from hardener.errors import SchemaTooNew, StoreError
from hardener.model import Answer, Change, ControlRecord, Facts, Finding, Run, RunKind, TargetResult, Transcript, Word
from hardener.store import schema

PHASES = ("before", "result")


class RunSummary(Word):
    """One line of the list of runs."""

    id: str
    kind: RunKind
    started: datetime
    finished: datetime
    profile: str
    targets: int


def default_location() -> Path:
    """The SQLite file below the XDG state directory."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "hardener" / "runs.sqlite"


class Store:
    """An open store. ``location`` is a SQLAlchemy URL, or the path of a SQLite file, which is made if missing.

    Raises ``StoreError`` where it cannot be opened or written, ``SchemaTooNew`` where a later version wrote it.
    """

    def __init__(self, location: str | Path) -> None:
        self.location = str(location)
        is_url = "://" in self.location
        with self._translated():
            if not is_url:
                _make_private(Path(self.location))
            self._engine = create_engine(self.location if is_url else f"sqlite:///{self.location}")
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _prepare_sqlite)
            self._prepare()

    def _prepare(self) -> None:
        with self._engine.begin() as connection:
            if not inspect(connection).has_table(schema.version.name):
                schema.metadata.create_all(connection)
                connection.execute(schema.version.insert().values(version=schema.SCHEMA_VERSION))
            found = connection.execute(select(schema.version.c.version)).scalar_one()
        if found > schema.SCHEMA_VERSION:
            raise SchemaTooNew(
                f"{self.location}: written by a later version (schema {found}, known is {schema.SCHEMA_VERSION})"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"{self.location}: {str(cause).splitlines()[0]}") from None
        except OSError as error:
            raise StoreError(f"{self.location}: {error.strerror}") from None

    def save(self, run: Run) -> None:
        """Write a run, all of it or nothing."""
        with self._translated(), self._engine.begin() as connection:
            connection.execute(
                schema.run.insert().values(
                    controls=[record.model_dump(mode="json") for record in run.controls.values()],
                    **run.model_dump(
                        include={"id", "kind", "started", "finished", "operator", "tool_version", "profile"}
                    ),
                )
            )
            for phase, results in zip(PHASES, (run.before, run.results), strict=True):
                for item in results:
                    _write_result(connection, run.id, phase, item)

    def runs(self) -> Sequence[RunSummary]:
        """All runs, newest first."""
        columns = schema.run.c
        query = select(columns.id, columns.kind, columns.started, columns.finished, columns.profile)
        with self._translated(), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(columns.started.desc(), columns.id.desc())).mappings().all()
            return [_summary(connection, row) for row in rows]

    def load(self, reference: str) -> Run:
        """The run with this id, with the only id that starts so, or the newest for ``latest``."""
        with self._translated(), self._engine.connect() as connection:
            identifier = self._resolve(connection, reference)
            row = connection.execute(select(schema.run).where(schema.run.c.id == identifier)).mappings().one()
            before, results = (_read_results(connection, identifier, phase) for phase in PHASES)
            controls = [ControlRecord.model_validate(item) for item in row["controls"]]
            return Run(
                **{name: row[name] for name in ("id", "kind", "operator", "tool_version", "profile")},
                started=_with_zone(row["started"]),
                finished=_with_zone(row["finished"]),
                controls={record.id: record for record in controls},
                results=results,
                before=before,
            )

    def _resolve(self, connection: Connection, reference: str) -> str:
        identifier = schema.run.c.id
        if reference == "latest":
            query = select(identifier).order_by(schema.run.c.started.desc(), identifier.desc()).limit(1)
        else:
            query = select(identifier).where(identifier.startswith(reference, autoescape=True)).limit(2)
        found = connection.execute(query).scalars().all()
        if not found:
            raise StoreError(f"{self.location}: no run {reference!r}")
        if len(found) > 1:
            raise StoreError(f"{self.location}: more than one run starts with {reference!r}")
        return str(found[0])


def _make_private(file: Path) -> None:
    """Findings say where a host is weak: nobody else reads them."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        file.touch(mode=0o600)


def _prepare_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for setting in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=10000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _with_zone(instant: datetime) -> datetime:
    """SQLite forgets the zone; everything is written in UTC."""
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _summary(connection: Connection, row: RowMapping) -> RunSummary:
    query = select(schema.result.c.id).where(schema.result.c.run == row["id"], schema.result.c.phase == "result")
    targets = len(connection.execute(query).all())
    summary = RunSummary.model_validate({**row, "targets": targets})
    return summary.model_copy(update={"started": _with_zone(summary.started), "finished": _with_zone(summary.finished)})


def _write_result(connection: Connection, run: str, phase: str, item: TargetResult) -> None:
    inserted = connection.execute(
        schema.result.insert().values(
            run=run,
            phase=phase,
            target=item.target,
            facts=item.facts.model_dump(mode="json") if item.facts else None,
            problem=item.problem,
            seconds=item.seconds,
            tasks=item.tasks,
            round_trips=item.transcript.round_trips,
        )
    )
    if inserted.inserted_primary_key is None:
        raise StoreError("the database gave a new row no key")
    key = inserted.inserted_primary_key[0]
    findings = [
        {"result": key, "position": index, **finding.model_dump(mode="json")}
        for index, finding in enumerate(item.findings)
    ]
    changes = [
        {"result": key, "position": index, "body": one.model_dump(mode="json")}
        for index, one in enumerate(item.changes)
    ]
    answers = list(_answer_rows(connection, key, item.transcript.answers))
    for table, rows in ((schema.finding, findings), (schema.change, changes), (schema.answer, answers)):
        if rows:
            connection.execute(table.insert(), rows)


def _answer_rows(connection: Connection, key: int, answers: Mapping[str, Answer]) -> Iterator[dict[str, object]]:
    digests = _write_outputs(connection, (data for item in answers.values() for data in (item.stdout, item.stderr)))
    for index, (command, item) in enumerate(answers.items()):
        yield {
            "result": key,
            "position": index,
            "command": command,
            "exit_status": item.exit_status,
            "problem": item.problem,
            "stdout": digests[item.stdout],
            "stderr": digests[item.stderr],
        }


def _write_outputs(connection: Connection, outputs: Iterable[bytes]) -> Mapping[bytes, str]:
    digests = {data: hashlib.sha256(data).hexdigest() for data in outputs}
    column = schema.output.c.digest
    known: set[str] = set()
    wanted = sorted(set(digests.values()))
    for start in range(0, len(wanted), 500):  # SQLite's limit on the parameters of one statement
        query = select(column).where(column.in_(wanted[start : start + 500]))
        known.update(connection.execute(query).scalars())
    new = {digest: zlib.compress(data) for data, digest in digests.items() if digest not in known}
    if new:
        connection.execute(schema.output.insert(), [{"digest": key, "body": body} for key, body in new.items()])
    return digests


def _read_results(connection: Connection, run: str, phase: str) -> Sequence[TargetResult]:
    table = schema.result
    query = select(table).where(table.c.run == run, table.c.phase == phase).order_by(table.c.id)
    return [
        TargetResult(
            **{name: row[name] for name in ("target", "problem", "seconds", "tasks")},
            facts=Facts.model_validate(row["facts"]) if row["facts"] else None,
            findings=_read_findings(connection, row["id"]),
            changes=_read_changes(connection, row["id"]),
            transcript=Transcript(answers=_read_answers(connection, row["id"]), round_trips=row["round_trips"]),
        )
        for row in connection.execute(query).mappings().all()
    ]


def _read_findings(connection: Connection, key: int) -> Sequence[Finding]:
    table = schema.finding
    query = select(table).where(table.c.result == key).order_by(table.c.position)
    names = ("control", "outcome", "observed", "expected", "reason", "questions")
    return [Finding(**{name: row[name] for name in names}) for row in connection.execute(query).mappings()]


def _read_changes(connection: Connection, key: int) -> Sequence[Change]:
    table = schema.change
    query = select(table.c.body).where(table.c.result == key).order_by(table.c.position)
    return [Change.model_validate(body) for body in connection.execute(query).scalars()]


def _read_answers(connection: Connection, key: int) -> Mapping[str, Answer]:
    table = schema.answer
    output = schema.output.alias("output")
    error = schema.output.alias("error")
    query = (
        select(table, output.c.body.label("output"), error.c.body.label("error"))
        .join(output, output.c.digest == table.c.stdout)
        .join(error, error.c.digest == table.c.stderr)
        .where(table.c.result == key)
        .order_by(table.c.position)
    )
    return {
        row["command"]: Answer(
            exit_status=row["exit_status"],
            problem=row["problem"],
            stdout=zlib.decompress(row["output"]),
            stderr=zlib.decompress(row["error"]),
        )
        for row in connection.execute(query).mappings()
    }
