"""What recipients have been told; they are known by digests alone, as their URLs hold secrets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, takewhile

from sqlalchemy import Connection, select

from hardener.model import Alert, RunKind
from hardener.store import schema
from hardener.store.contents import packed, unpacked
from hardener.store.forms import body, made
from hardener.store.reading import run_number, runs_of

MOST_AUDITS = 31
"""Whoever could not be told for longer is told of the newest ones only."""


def told(connection: Connection, recipient: bytes) -> Sequence[Alert]:
    """What a recipient has been told that is not over."""
    table = schema.alert
    query = select(table.c.target, table.c.body).where(table.c.recipient == recipient)
    rows = connection.execute(query.order_by(table.c.target, table.c.control)).all()
    what = [f"alert about {target}" for target, _ in rows]
    return [made(Alert, name, body(unpacked(kept, name), name)) for name, (_, kept) in zip(what, rows, strict=True)]


def audits_for(connection: Connection, recipient: bytes, project: str | None) -> Sequence[str]:
    """The ids of a project's audits a recipient knows nothing of, the newest last; of a new one the newest alone."""
    known = schema.recipient
    last = connection.execute(select(known.c.run).where(known.c.digest == recipient)).scalar_one_or_none()
    audits = runs_of(connection, project, RunKind.AUDIT)
    unknown = takewhile(lambda row: last is None or row["number"] > last, audits)
    return [*reversed([str(row["id"]) for row in islice(unknown, 1 if last is None else MOST_AUDITS)])]


def remember(connection: Connection, recipient: bytes, run: str, alerts: Sequence[Alert]) -> None:
    """Keep that a recipient knows of everything up to an audit, and what of it is not over."""
    known, table = schema.recipient, schema.alert
    connection.execute(table.delete().where(table.c.recipient == recipient))
    connection.execute(known.delete().where(known.c.digest == recipient))
    connection.execute(known.insert(), {"digest": recipient, "run": run_number(connection, run)})
    rows = [
        {
            "recipient": recipient,
            "target": alert.target,
            "control": alert.control or "",
            "body": packed(alert.model_dump_json().encode()),
        }
        for alert in alerts
    ]
    if rows:
        connection.execute(table.insert(), rows)
