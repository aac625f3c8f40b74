"""Holds the chain against the runs: those kept before there was one are chained, and what was altered is found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from sqlalchemy import Connection, select

from hardener.model import Link, Run, breaks, digest_of
from hardener.store import schema
from hardener.store.contents import Damaged
from hardener.store.links import append, read_chain
from hardener.store.reading import read_run, run_number
from hardener.store.writing import began, is_complete, subject_key, unseen


def adopt(connection: Connection) -> None:
    """Chain the runs that were kept before there was a chain, in the order in which they were kept."""
    run, link = schema.run, schema.link
    unchained = select(run.c.number).where(run.c.id.not_in(select(link.c.run))).order_by(run.c.number)
    for number in connection.execute(unchained).scalars().all():
        with suppress(Damaged):  # it stays without a link, and ``chain_problems`` says so
            append(connection, read_run(connection, number))


def chain_problems(connection: Connection) -> Iterator[str]:
    """Where the chain does not hold, and which runs are not what it says, one line each."""
    try:
        links = read_chain(connection)
    except Damaged as damage:
        yield f"chain: {damage}"
        return
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
    try:
        run = read_run(connection, number)
    except Damaged as damage:
        yield f"chain: run {link.run} cannot be read: {damage}"
    else:
        yield from _differences(connection, link, run, number)


def _differences(connection: Connection, link: Link, run: Run, number: int) -> Iterator[str]:
    """What a run, its link and its columns say otherwise of each other."""
    if link.pruned is not None:
        yield f"chain: run {link.run} is kept, though it was pruned"
    if digest_of(run) != link.digest:
        yield f"chain: run {link.run} was altered after it was kept"
    yield from (f"run {link.run}: {line}" for line in _contradictions(connection, run, number))


def _contradictions(connection: Connection, run: Run, number: int) -> Iterator[str]:
    """What the columns of a run and its results say otherwise than what they were made of; queries go by columns."""
    row = connection.execute(select(schema.run).where(schema.run.c.number == number)).mappings().one()
    said = {name: row[name] for name in ("id", "kind", "profile", "started")}
    meant = {"id": run.id, "kind": run.kind.value, "profile": run.profile, "started": began(run)}
    yield from (f"its {name} was altered: {said[name]}" for name in meant if said[name] != meant[name])
    result, subject = schema.result, schema.subject
    query = select(result.c.is_complete, result.c.unseen, subject.c.target, subject.c.machine_id)
    query = query.join(subject, subject.c.number == result.c.subject).where(result.c.run == number)
    rows = connection.execute(query.order_by(result.c.is_before.desc(), result.c.number)).all()
    for kept, seen in zip(rows, [*run.before, *run.results], strict=True):
        if tuple(kept) != (is_complete(run, seen), unseen(seen), *subject_key(seen)):
            yield f"what is said of its result of {seen.target} was altered"


def verified_run(connection: Connection, reference: str) -> tuple[Run, Sequence[Link]]:
    """A run and the chain up to it, where each is what the other says; ``Damaged`` with the first difference."""
    number = run_number(connection, reference)
    run = read_run(connection, number)
    chain = read_chain(connection, run.id)
    for line in (*(f"chain: {line}" for line in breaks(chain)), *_differences(connection, chain[-1], run, number)):
        raise Damaged(line)
    return run, chain
