"""What recipients have been told; they are known by digests alone, as their URLs hold secrets."""

from __future__ import annotations

import hashlib
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


def _bound(recipient: bytes, project: str | None) -> bytes:
    """As whom a project knows a recipient: what another project has told it must not count as told by this one."""
    return recipient if project is None else hashlib.sha256(recipient + project.encode()).digest()


def _known(connection: Connection, recipient: bytes, project: str | None) -> bytes:
    """The same; one that was told by a version that knew no projects is that one until it is told of an audit."""
    bound, digest = _bound(recipient, project), schema.recipient.c.digest
    is_known = connection.execute(select(digest).where(digest == bound)).first() is not None
    return bound if is_known else recipient


def told(connection: Connection, recipient: bytes, project: str | None) -> Sequence[Alert]:
    """What a project has told a recipient that is not over."""
    table = schema.alert
    query = select(table.c.target, table.c.body).where(table.c.recipient == _known(connection, recipient, project))
    rows = connection.execute(query.order_by(table.c.target, table.c.control)).all()
    what = [f"alert about {target}" for target, _ in rows]
    return [made(Alert, name, body(unpacked(kept, name), name)) for name, (_, kept) in zip(what, rows, strict=True)]


def audits_for(connection: Connection, recipient: bytes, project: str | None) -> Sequence[str]:
    """The ids of a project's audits a recipient knows nothing of, the newest last; of a new one the newest alone."""
    known = schema.recipient
    digest = _known(connection, recipient, project)
    last = connection.execute(select(known.c.run).where(known.c.digest == digest)).scalar_one_or_none()
    audits = runs_of(connection, project, RunKind.AUDIT)
    unknown = takewhile(lambda row: last is None or row["number"] > last, audits)
    return [*reversed([str(row["id"]) for row in islice(unknown, 1 if last is None else MOST_AUDITS)])]


def remember(connection: Connection, recipient: bytes, project: str | None, run: str, alerts: Sequence[Alert]) -> None:
    """Keep that a recipient knows of everything of a project up to an audit, and what of it is not over."""
    known, table, digest = schema.recipient, schema.alert, _bound(recipient, project)
    connection.execute(table.delete().where(table.c.recipient == digest))
    connection.execute(known.delete().where(known.c.digest == digest))
    connection.execute(known.insert(), {"digest": digest, "run": run_number(connection, run)})
    rows = [
        {
            "recipient": digest,
            "target": alert.target,
            "control": alert.control or "",
            "body": packed(alert.model_dump_json().encode()),
        }
        for alert in alerts
    ]
    if rows:
        connection.execute(table.insert(), rows)
