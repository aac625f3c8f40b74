"""Removes old runs, and what only they needed.

A baseline and the newest complete view of a target stay, and so does what says that a failure is a regression: its
intervals from the one it is told from on, or the last run that did not know its control.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence

from sqlalchemy import CompoundSelect, Connection, Table, bindparam, delete, func, select, union

from hardener.model import Pruned
from hardener.store import schema
from hardener.store.baselines import last_views
from hardener.store.contents import batches
from hardener.store.links import mark_pruned
from hardener.store.reading import ResultReader
from hardener.store.regressions import Asked, Key, Regressions, Streak

SUBJECTS_AT_ONCE = 50


def prune(connection: Connection, oldest: int | None, keep_runs: int | None, moment: int) -> Pruned:
    """Remove the runs that started before a moment and are not among so many kept last.

    ``oldest`` is in seconds since 1970; of the two, one that is ``None`` keeps nothing. So is ``moment``, which is now:
    the chain of runs stays whole, and says when each was pruned.
    """
    run, result = schema.run, schema.result
    standing = _standing(connection)
    kept = _needed_runs(connection, standing)
    rows = connection.execute(select(run.c.number, run.c.id, run.c.started).order_by(run.c.number.desc())).all()
    kept |= {number for number, _, _ in rows[: keep_runs or 0]}
    if oldest is not None:
        kept |= {number for number, _, started in rows if started >= oldest}
    removed = {number: name for number, name, _ in rows if number not in kept}
    touched: set[int] = set()
    for batch in batches(removed):
        touched |= set(connection.execute(select(result.c.subject).where(result.c.run.in_(batch))).scalars())
        connection.execute(delete(result).where(result.c.run.in_(batch)))
        connection.execute(delete(run).where(run.c.number.in_(batch)))
    mark_pruned(connection, removed.values(), moment)
    told_from = {
        (subject, control, item.result)
        for (subject, control), streak in standing
        for item in (streak.reference, *streak.failing)
        if item is not None
    }
    intervals = sum(
        _prune_intervals(connection, table, outline, batch, told_from if table is schema.finding else frozenset())
        for table, outline in ((schema.finding, "findings"), (schema.evidence, "evidence"))
        for batch in batches(sorted(touched), SUBJECTS_AT_ONCE)
    )
    connection.execute(delete(schema.subject).where(schema.subject.c.number.not_in(select(result.c.subject))))
    connection.execute(delete(schema.alert).where(schema.alert.c.target.not_in(select(schema.subject.c.target))))
    unneeded = delete(schema.content).where(schema.content.c.number.not_in(needed_contents()))
    contents = connection.execute(unneeded).rowcount if removed else 0
    return Pruned(runs=tuple(removed.values()), intervals=intervals, contents=contents)


def _standing(connection: Connection) -> Sequence[tuple[Key, Streak]]:
    """What stands, or would if nothing were accepted, as each profile has it."""
    result = schema.result
    newest = connection.execute(select(func.max(result.c.number))).scalar_one() or 0
    found: list[tuple[Key, Streak]] = []
    for profile in connection.execute(select(schema.run.c.profile).distinct()).scalars().all():
        subjects = select(result.c.subject)
        asked = {
            subject: Asked(newest)
            for batch in batches(last_views(connection, profile))
            for subject in connection.execute(subjects.where(result.c.number.in_(batch))).scalars()
        }
        streaks = Regressions(connection, ResultReader(connection), profile, asked).streaks
        found += [item for item in streaks.items() if item[1].failing]
    return found


def _needed_runs(connection: Connection, standing: Sequence[tuple[Key, Streak]]) -> set[int]:
    result, subject = schema.result, schema.subject
    newest = (
        select(func.max(result.c.number))
        .join(subject, subject.c.number == result.c.subject)
        .where(result.c.is_complete.is_(True), result.c.is_before.is_(False))
        .group_by(subject.c.target)
    )
    needed = {*connection.execute(union(newest, select(schema.baseline.c.result))).scalars()}
    needed |= {streak.last for _, streak in standing if streak.reference is None and streak.last is not None}
    runs = select(result.c.run)
    return {
        run for batch in batches(needed) for run in connection.execute(runs.where(result.c.number.in_(batch))).scalars()
    }


def _prune_intervals(
    connection: Connection,
    table: Table,
    outline: str,
    subjects: Sequence[int],
    told_from: Collection[tuple[int, str, int]],
) -> int:
    """Remove the intervals of some subjects that say nothing about any result that is left; returns how many.

    ``told_from``: the subject, name and first result of those that stay nevertheless, where any result is left.
    """
    reader = ResultReader(connection)
    result = schema.result
    left: dict[int, list[tuple[int, frozenset[str]]]] = {subject: [] for subject in subjects}
    query = select(result.c.subject, result.c.number, result.c[outline]).where(result.c.subject.in_(subjects))
    for subject, number, about in connection.execute(query.order_by(result.c.number)).all():
        left[subject].append((number, reader.names(about)))
    columns = select(table.c.subject, table.c.name, table.c.since, table.c.until)
    rows = connection.execute(columns.where(table.c.subject.in_(subjects))).all()
    texts = {number: text.decode() for number, text in reader.contents.get({name for _, name, _, _ in rows}).items()}
    unneeded = [
        {"of_subject": subject, "of_name": name, "of_since": since}
        for subject, name, since, until in rows
        if not _is_needed(left[subject], texts[name], since, until)
        and not (left[subject] and (subject, texts[name], since) in told_from)
    ]
    keys = (table.c[name] == bindparam(f"of_{name}") for name in ("subject", "name", "since"))
    if unneeded:
        connection.execute(delete(table).where(*keys), unneeded)
    return len(unneeded)


def _is_needed(results: Sequence[tuple[int, frozenset[str]]], name: str, since: int, until: int | None) -> bool:
    """Whether a result within the interval is about this name."""
    for number, about in results[bisect_left(results, (since,)) :]:
        if until is not None and number >= until:
            return False
        if name in about:
            return True
    return False


def needed_contents() -> CompoundSelect[int]:
    """Everything that is referred to from anywhere."""
    finding, evidence, result = schema.finding.c, schema.evidence.c, schema.result.c
    columns = [schema.run.c.controls, result.findings, result.evidence]
    columns += [column for table in (finding, evidence) for column in (table.name, table.content)]
    return union(*(select(column) for column in columns), select(result.facts).where(result.facts.is_not(None)))
