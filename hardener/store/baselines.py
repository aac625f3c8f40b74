"""What targets are compared with: declared baselines, and otherwise the audit before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Baselines:
    """By target, the views a run can be compared with."""

    declared: Mapping[str, RowMapping]
    last: Mapping[str, RowMapping]
    """The last complete view of an audit before, under the same profile."""

    @property
    def chosen(self) -> Mapping[str, RowMapping]:
        """What is declared replaces what is not."""
        return {**self.last, **self.declared}


def baseline_views(connection: Connection, run: RowMapping) -> Baselines:
    """What a run is compared with."""
    declared = connection.execute(select(schema.baseline.c.result)).scalars().all()
    last = last_views(connection, run["profile"], run["number"])
    found = {row["number"]: row for row in _rows(connection, [*dict.fromkeys([*last, *declared])])}
    return Baselines(*({found[number]["target"]: found[number] for number in numbers} for numbers in (declared, last)))


def last_views(connection: Connection, profile: str, before: int | None = None) -> Sequence[int]:
    """Of each target the last result of an audit under a profile that saw it completely, before a run or at all."""
    run, result, subject = schema.run, schema.result, schema.subject
    query = (
        select(func.max(result.c.number))
        .join(subject, subject.c.number == result.c.subject)
        .join(run, run.c.number == result.c.run)
        .where(
            result.c.is_complete.is_(True),
            result.c.is_before.is_(False),
            run.c.kind == RunKind.AUDIT.value,
            run.c.profile == profile,
        )
        .group_by(subject.c.target)
    )
    chosen = query if before is None else query.where(result.c.run < before)
    return connection.execute(chosen).scalars().all()


def last_runs(connection: Connection, profile: str) -> Mapping[str, str]:
    """By target, the id of the last audit that saw it completely under a profile."""
    return {row["target"]: row["id"] for row in _rows(connection, last_views(connection, profile))}


def _rows(connection: Connection, numbers: Sequence[int]) -> Sequence[RowMapping]:
    query = views()
    return [
        row
        for batch in batches(numbers)
        for row in connection.execute(query.where(schema.result.c.number.in_(batch))).mappings()
    ]
