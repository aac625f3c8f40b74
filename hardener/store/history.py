"""How long things have been so: the intervals of one control on one target, and what happened in between."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from sqlalchemy import Connection, select

from hardener.model import Outcome, Period, RunKind
from hardener.store import schema
from hardener.store.contents import Refusal, unpacked
from hardener.store.forms import body, instant
from hardener.store.intervals import histories
from hardener.store.reading import ResultReader


def periods(connection: Connection, target: str, control: str) -> Sequence[Period]:
    """What was seen of a control on a target, the newest first, for each machine that answered to its name.

    Raises ``Refusal`` where nobody ever looked.
    """
    reader = ResultReader(connection)
    name = control.encode()
    table, subject = schema.finding, schema.subject
    query = (
        select(table, subject.c.machine_id)
        .join(subject, subject.c.number == table.c.subject)
        .where(subject.c.target == target, table.c.name == reader.contents.find([name]).get(name, 0))
        .order_by(table.c.since.desc())
    )
    rows = connection.execute(query).mappings().all()
    if not rows:
        raise Refusal(f"nobody ever looked at {control!r} on {target!r}")
    reader.contents.get({row["content"] for row in rows})
    ends = {
        (row["subject"], row["since"]): instant(later["began"])
        for _, of_one in groupby(sorted(rows, key=lambda row: row["subject"]), lambda row: row["subject"])
        for later, row in pairwise(of_one)
    }
    return [
        Period(
            machine_id=row["machine_id"],
            began=instant(row["began"]),
            ended=ends.get((row["subject"], row["since"])),
            finding=reader.finding(control, {control: row["content"]}),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Beginning:
    """Since when a finding is as it is."""

    began: int
    """When the run started that first saw its outcome, in seconds since 1970."""
    value_since: int
    """The result that first saw its value."""


@dataclass(frozen=True)
class Asked:
    """Of which findings of one result the beginning is asked: their outcomes, by control."""

    result: int
    outcomes: Mapping[str, Outcome]


def beginnings(
    connection: Connection, reader: ResultReader, asked: Mapping[int, Asked]
) -> Mapping[tuple[int, str], Beginning]:
    """By subject and control, since when a result's finding has the outcome it has there; ``asked`` is by subject."""
    names = {control.encode() for item in asked.values() for control in item.outcomes}
    numbers = {name.decode(): number for name, number in reader.contents.find(names).items()}
    keys = {
        (subject, numbers[control]): control
        for subject, item in asked.items()
        for control in item.outcomes
        if control in numbers
    }
    rows = [row for row in histories(connection, schema.finding, keys) if row.since <= asked[row.subject].result]
    reader.contents.get({row.content for row in rows})
    found: dict[tuple[int, str], Beginning] = {}
    follower: dict[tuple[int, str], int] = {}
    ended: set[tuple[int, str]] = set()
    for row in rows:  # backwards, for as long as each follows the one before and the outcome is the same
        control = keys[row.subject, row.name]
        key = row.subject, control
        outcome = reader.finding(control, {control: row.content}).outcome
        if outcome is not asked[row.subject].outcomes[control] or row.until != follower.get(key, row.until):
            ended.add(key)  # something else was seen, or what was seen then has been pruned
        elif key not in ended:
            found[key] = Beginning(row.began, found[key].value_since if key in found else row.since)
        follower[key] = row.since
    return found


class Applies:
    """Our own runs that changed targets between the first and the last of some results."""

    def __init__(self, connection: Connection, results: Collection[int]) -> None:
        run, result = schema.run, schema.result
        query = (
            select(result.c.subject, result.c.number, result.c.body, run.c.id)
            .join(run, run.c.number == result.c.run)
            .where(run.c.kind != RunKind.AUDIT.value, result.c.is_before.is_(False))
            .where(result.c.number > min(results, default=0), result.c.number <= max(results, default=0))
            .order_by(result.c.number)
        )
        self._found: dict[int, list[tuple[int, str]]] = {}
        for subject, number, kept, identifier in connection.execute(query):
            if body(unpacked(kept, f"result {number}"), f"result {number}").get("changes"):
                self._found.setdefault(subject, []).append((number, identifier))

    def between(self, subject: int, after: int, until: int) -> str:
        """In words, the last of them that changed a subject after one result and until another; empty if none did."""
        runs = [identifier for number, identifier in self._found.get(subject, []) if after < number <= until]
        return f"after our own run {runs[-1]}" if runs else ""
