"""Which applies changed something, and what of that rollbacks have taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, RowMapping, select

from hardener.model import (
    CheckpointState,
    RunKind,
    TakenBack,
    TargetResult,
    UndoableRun,
    UndoableTarget,
    is_undoable,
)
from hardener.store import schema
from hardener.store.forms import made
from hardener.store.reading import result_body, run_body, scope_of

States = Mapping[tuple[str, str], TakenBack]
"""Run and target → how far what the run changed there has been taken back; not at all where there is nothing."""


def undoable(connection: Connection, project: str | None) -> Sequence[UndoableRun]:
    """The applies of a project that changed something, the one kept last first."""
    states = _taken_back(connection)
    found = (_undoable(connection, row, states) for row in _runs(connection, RunKind.APPLY))
    return [run for run in found if run.targets and run.scope.is_of(project)]


def taken_back(connection: Connection, run: str) -> Mapping[str, TakenBack]:
    """How far what a run changed has been taken back, by target; not at all where there is nothing."""
    return {target: state for (undone, target), state in _taken_back(connection).items() if undone == run}


def _undoable(connection: Connection, row: RowMapping, states: States) -> UndoableRun:
    body = run_body(row)
    targets = [
        UndoableTarget(
            target=result.target,
            changes=len(result.changes),
            taken_back=states.get((row["id"], result.target), TakenBack.NOT),
        )
        for result in _results(connection, row)
        if is_undoable(result)
    ]
    kept = {name: body.get(name) for name in ("id", "started", "operator")}
    return made(UndoableRun, f"run {row['id']}", kept, scope=scope_of(row), targets=targets)


def _taken_back(connection: Connection) -> States:
    """What all rollbacks have taken back that have not been taken back themselves: newer ones are read first."""
    states: dict[tuple[str, str], TakenBack] = {}
    for row in _runs(connection, RunKind.ROLLBACK):
        scope = scope_of(row)
        for result in _results(connection, row):
            own = states.get((row["id"], result.target), TakenBack.NOT)
            if scope.undone is None or result.checkpoint is not CheckpointState.RELEASED or own is TakenBack.ENTIRELY:
                continue
            is_all = scope.controls == "*" and result.problem is None and own is TakenBack.NOT
            key = scope.undone, result.target
            states[key] = TakenBack.ENTIRELY if is_all else states.get(key, TakenBack.PARTLY)
    return states


def _runs(connection: Connection, kind: RunKind) -> Sequence[RowMapping]:
    run = schema.run
    query = select(run).where(run.c.kind == kind.value).order_by(run.c.number.desc())
    return connection.execute(query).mappings().all()


def _results(connection: Connection, run: RowMapping) -> Iterator[TargetResult]:
    """What a run did to its targets, without what it saw."""
    result, subject = schema.result, schema.subject
    query = select(result, subject.c.target).join(subject, subject.c.number == result.c.subject)
    query = query.where(result.c.run == run["number"], result.c.is_before.is_(False)).order_by(result.c.number)
    for row in connection.execute(query).mappings():
        kept = {name: value for name, value in result_body(row).items() if name in _DONE}
        yield made(TargetResult, f"result {row['number']}", kept, target=row["target"])


_DONE = {"changes", "checkpoint", "problem"}
