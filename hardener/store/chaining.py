"""Holds the chain against the runs: those kept before there was one are chained, and what was altered is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import Connection, select

from hardener.model import Link, breaks, digest_of
from hardener.store import schema
from hardener.store.contents import Damaged
from hardener.store.links import append, read_chain
from hardener.store.reading import read_run

UNREADABLE = (Damaged, TypeError, ValueError)
"""What a run that is kept cannot be read for; the last two where it is no run of ours any more."""


def adopt(connection: Connection) -> None:
    """Chain the runs that were kept before there was a chain, in the order in which they were kept."""
    run, link = schema.run, schema.link
    unchained = select(run.c.number).where(run.c.id.not_in(select(link.c.run))).order_by(run.c.number)
    for number in connection.execute(unchained).scalars().all():
        with suppress(*UNREADABLE):  # it stays without a link, and ``chain_problems`` says so
            append(connection, read_run(connection, number))


def chain_problems(connection: Connection) -> Iterator[str]:
    """Where the chain does not hold, and which runs are not what it says, one line each."""
    links = read_chain(connection)
    yield from (f"chain: {line}" for line in breaks(links))
    numbers = connection.execute(select(schema.link.c.number).order_by(schema.link.c.number)).scalars().all()
    if [*numbers] != [*range(1, len(numbers) + 1)]:
        yield "chain: links are missing"
    kept = {row.id: row.number for row in connection.execute(select(schema.run.c.id, schema.run.c.number))}
    chained = {link.run for link in links}
    yield from (f"chain: run {name} was kept without a link" for name in kept if name not in chained)
    for link in links:
        if link.run in kept:
            yield from _run_problems(connection, link, kept[link.run])
        elif link.pruned is None:
            yield f"chain: run {link.run} was removed, and by no pruning"


def _run_problems(connection: Connection, link: Link, number: int) -> Iterator[str]:
    if link.pruned is not None:
        yield f"chain: run {link.run} is kept, though it was pruned"
    try:
        if digest_of(read_run(connection, number)) != link.digest:
            yield f"chain: run {link.run} was altered after it was kept"
    except UNREADABLE as damage:
        yield f"chain: run {link.run} cannot be read: {str(damage).splitlines()[0]}"
