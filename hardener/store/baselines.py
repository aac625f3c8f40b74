"""What targets are compared with: declared baselines, and otherwise the audit before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from sqlalchemy import Connection, RowMapping, Select, func, select

from hardener.model import Baseline, RunKind
from hardener.store import schema
from hardener.store.contents import Refusal, batches
from hardener.store.forms import instant
from hardener.store.reading import run_number


def declare(connection: Connection, reference: str, pattern: str, moment: int) -> Sequence[str]:
    """Make a run the baseline of the targets it saw completely; returns their names.

    Raises ``Refusal`` where it saw none of those the pattern means.
    """
    number = run_number(connection, reference)
    result, subject, baseline = schema.result, schema.subject, schema.baseline
    query = select(subject.c.target, result.c.number).join(subject, subject.c.number == result.c.subject)
    query = query.where(result.c.run == number, result.c.is_before.is_(False), result.c.is_complete.is_(True))
    chosen = {target: view for target, view in connection.execute(query) if fnmatchcase(target, pattern)}
    if not chosen:
        raise Refusal(f"run {reference} saw no target completely that {pattern!r} names")
    for batch in batches(chosen):
        connection.execute(baseline.delete().where(baseline.c.target.in_(batch)))
    rows = [{"target": target, "result": view, "declared": moment} for target, view in chosen.items()]
    connection.execute(baseline.insert(), rows)
    return sorted(chosen)


def clear(connection: Connection, pattern: str) -> Sequence[str]:
    """Forget the baselines of some targets; returns their names."""
    baseline = schema.baseline
    declared = connection.execute(select(baseline.c.target)).scalars().all()
    chosen = sorted(target for target in declared if fnmatchcase(target, pattern))
    for batch in batches(chosen):
        connection.execute(baseline.delete().where(baseline.c.target.in_(batch)))
    return chosen


def read_baselines(connection: Connection) -> Sequence[Baseline]:
    """Every declared baseline, by target."""
    run, result, baseline = schema.run, schema.result, schema.baseline
    query = (
        select(baseline.c.target, run.c.id, run.c.started, run.c.profile, baseline.c.declared)
        .join(result, result.c.number == baseline.c.result)
        .join(run, run.c.number == result.c.run)
        .order_by(baseline.c.target)
    )
    return [
        Baseline(target=target, run=name, started=instant(started), profile=profile, declared=instant(declared))
        for target, name, started, profile, declared in connection.execute(query)
    ]


def views() -> Select[tuple[object, ...]]:
    """Every result that is no ``before``, with its subject and its run."""
    run, result, subject = schema.run, schema.result, schema.subject
    return (
        select(result, subject.c.target, subject.c.machine_id, run.c.id, run.c.started, run.c.profile)
        .join(subject, subject.c.number == result.c.subject)
        .join(run, run.c.number == result.c.run)
        .where(result.c.is_before.is_(False))
    )


def baseline_views(connection: Connection, run: RowMapping) -> tuple[Mapping[str, RowMapping], frozenset[str]]:
    """By target, the view a run is compared with; and for which targets that was declared.

    Where nothing is declared it is the last complete view of an audit before, under the same profile.
    """
    result, subject, baseline = schema.result, schema.subject, schema.baseline
    declared = dict.fromkeys(connection.execute(select(baseline.c.result)).scalars())
    last = (
        select(func.max(result.c.number))
        .join(subject, subject.c.number == result.c.subject)
        .join(schema.run, schema.run.c.number == result.c.run)
        .where(
            result.c.run < run["number"],
            result.c.is_complete.is_(True),
            result.c.is_before.is_(False),
            schema.run.c.kind == RunKind.AUDIT.value,
            schema.run.c.profile == run["profile"],
        )
        .group_by(subject.c.target)
    )
    numbers = [*connection.execute(last).scalars(), *declared]  # what is declared replaces what is not
    found = {row["number"]: row for row in _rows(connection, numbers)}
    chosen = {found[number]["target"]: found[number] for number in numbers}
    return chosen, frozenset(found[number]["target"] for number in declared)


def _rows(connection: Connection, numbers: Sequence[int]) -> Sequence[RowMapping]:
    query = views()
    return [
        row
        for batch in batches(numbers)
        for row in connection.execute(query.where(schema.result.c.number.in_(batch))).mappings()
    ]
