"""The links of the chain: one for each run that was ever kept, so that a removed or altered one shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Row, bindparam, select

from hardener.model import NOTHING_BEFORE, Link, Run, chained_digest, digest_of
from hardener.store import schema
from hardener.store.contents import Damaged, Refusal
from hardener.store.forms import instant, made


def append(connection: Connection, run: Run) -> None:
    """Add the link of a run that has just been written. Writers take turns, so the last link stays the last."""
    link = schema.link
    last = connection.execute(select(link).order_by(link.c.number.desc()).limit(1)).first()
    number, before = (last.number + 1, last.chained.hex()) if last else (1, NOTHING_BEFORE)
    digest = digest_of(run)
    chained = chained_digest(before, run.id, digest)
    row = {"number": number, "run": run.id, "digest": bytes.fromhex(digest), "chained": bytes.fromhex(chained)}
    connection.execute(link.insert(), row)


def refuse_known(connection: Connection, identifier: str) -> None:
    """Raise ``Refusal`` where a run of this id is or was kept."""
    link = schema.link
    known = connection.execute(select(link.c.pruned).where(link.c.run == identifier)).first()
    if known is not None:
        raise Refusal(f"run {identifier} {'is kept already' if known.pruned is None else 'was kept, and pruned'}")


def mark_pruned(connection: Connection, runs: Iterable[str], moment: int) -> None:
    """Say of removed runs that it was a pruning that removed them; ``moment`` in seconds since 1970."""
    link = schema.link
    rows = [{"of_run": identifier, "pruned": moment} for identifier in runs]
    if rows:
        update = link.update().where(link.c.run == bindparam("of_run")).values(pruned=bindparam("pruned"))
        connection.execute(update, rows)


def read_chain(connection: Connection, until: str | None = None) -> Sequence[Link]:
    """The links from the first one to that of a run, or to the last; ``Damaged`` where the run has none."""
    links: list[Link] = []
    for row in connection.execute(select(schema.link).order_by(schema.link.c.number)):
        links.append(_link(row))
        if row.run == until:
            return links
    if until is not None:
        raise Damaged(f"run {until} is not in the chain")
    return links


def _link(row: Row[tuple[object, ...]]) -> Link:
    pruned = None if row.pruned is None else instant(row.pruned)
    kept = {"run": row.run, "digest": row.digest.hex(), "chained": row.chained.hex(), "pruned": pruned}
    return made(Link, f"the link of run {row.run!r}", kept)
