"""What somebody accepted: rows that are only ever added, each chained to the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from sqlalchemy import Connection, Row, select

from hardener.model import Acceptance, Comparison
from hardener.store import schema
from hardener.store.contents import Damaged, Refusal, next_number, packed, unpacked
from hardener.store.forms import body, made
from hardener.store.reading import last_result, run_number

_NOTHING_BEFORE = bytes(32)
_Key = tuple[str, str, str]
"""A target, its machine-id and a control."""


@dataclass(frozen=True)
class Kept:
    """An acceptance, and the last result of the run whose findings were accepted."""

    result: int
    acceptance: Acceptance


def accept(
    connection: Connection, comparison: Comparison, controls: str, reason: str, by: str, now: datetime
) -> Sequence[Acceptance]:
    """Accept what stands in a comparison, of the controls a shell-style pattern names.

    Raises ``Refusal`` where nothing of that kind stands.
    """
    number = last_result(connection, run_number(connection, comparison.run))
    accepted = [
        Acceptance(
            target=pair.target,
            control=control,
            machine_id=pair.machine_id or "",
            run=comparison.run,
            finding=regression.finding,
            reason=reason,
            by=by,
            moment=now,
        )
        for pair in comparison.pairs
        for control, regression in sorted(pair.standing.items())
        if fnmatchcase(control, controls)
    ]
    if not accepted:
        raise Refusal(f"no regression stands in run {comparison.run} of a control that {controls!r} names")
    _append(connection, [Kept(number, item) for item in accepted])
    return accepted


def withdraw(connection: Connection, pattern: str, controls: str, by: str, now: datetime) -> Sequence[Acceptance]:
    """Take back what was accepted of some targets and controls; returns that."""
    chosen = [
        item
        for item in standing(connection).values()
        if fnmatchcase(item.acceptance.target, pattern) and fnmatchcase(item.acceptance.control, controls)
    ]
    changes = {"by": by, "moment": now, "is_withdrawn": True}
    _append(connection, [Kept(item.result, item.acceptance.model_copy(update=changes)) for item in chosen])
    return [item.acceptance for item in chosen]


def standing(connection: Connection) -> Mapping[_Key, Kept]:
    """What is accepted and was not taken back, by what it is about."""
    newest = {item.acceptance.key: item for item in map(_kept, _rows(connection))}
    return {key: item for key, item in sorted(newest.items()) if not item.acceptance.is_withdrawn}


def acceptance_problems(connection: Connection) -> Iterator[str]:
    """What is not as it was written, one line each."""
    before = _NOTHING_BEFORE
    for place, row in enumerate(_rows(connection), start=1):
        what = f"acceptance {row.number}"
        if row.number != place:
            yield f"{what} follows none: one before it was removed"
            return
        try:
            if row.chained != _chained(before, row.result, unpacked(row.body, what)):
                yield f"{what} does not follow the one before: one of them was changed"
            about = _kept(row).acceptance
        except Damaged as damage:
            yield str(damage)
            return
        if (row.target, row.control) != (about.target, about.control):
            yield f"{what}: what it is about was altered"
        before = row.chained


def _rows(connection: Connection) -> Sequence[Row[tuple[object, ...]]]:
    return connection.execute(select(schema.acceptance).order_by(schema.acceptance.c.number)).all()


def _kept(row: Row[tuple[object, ...]]) -> Kept:
    what = f"acceptance {row.number}"
    return Kept(row.result, made(Acceptance, what, body(unpacked(row.body, what), what)))


def _append(connection: Connection, items: Sequence[Kept]) -> None:
    table = schema.acceptance
    query = select(table.c.chained).order_by(table.c.number.desc()).limit(1)
    before = connection.execute(query).scalar_one_or_none() or _NOTHING_BEFORE
    rows = []
    for number, item in enumerate(items, start=next_number(connection, table)):
        told = item.acceptance.model_dump_json().encode()
        before = _chained(before, item.result, told)
        rows.append(
            {
                "number": number,
                "target": item.acceptance.target,
                "control": item.acceptance.control,
                "result": item.result,
                "body": packed(told),
                "chained": before,
            }
        )
    if rows:
        connection.execute(table.insert(), rows)


def _chained(before: bytes, result: int, told: bytes) -> bytes:
    """SHA-256 over the row before, the result and what is told of the acceptance."""
    return hashlib.sha256(before + f"{result}\n".encode() + told).digest()
