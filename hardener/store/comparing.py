"""Lays a run beside the baselines of its targets, and reads only what differs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from sqlalchemy import Connection, RowMapping, select

from hardener.model import Comparison, Pair, RunKind, View
from hardener.store import schema
from hardener.store.baselines import baseline_views, views
from hardener.store.differences import Both, Findings, differing
from hardener.store.forms import instant
from hardener.store.origins import Origin, Wanted, origins
from hardener.store.reading import ResultReader, result_body, run_body, run_number, scope_of
from hardener.store.regressions import Key
from hardener.store.standing import Beside, Standing

_ALIKE: Both = ({}, {})


def compare(connection: Connection, reference: str, pattern: str, commands: Collection[str] = ()) -> Comparison:
    """A run beside the baselines of the targets a pattern names.

    ``commands``: whose answers are wanted around each moment at which a value became another.
    """
    query = select(schema.run).where(schema.run.c.number == run_number(connection, reference))
    run = connection.execute(query).mappings().one()
    reader = ResultReader(connection)
    rows = connection.execute(views().where(schema.result.c.run == run["number"])).mappings().all()
    now = {row["target"]: row for row in rows if fnmatchcase(row["target"], pattern)}
    baselines = baseline_views(connection, run)
    before = {target: row for target, row in baselines.chosen.items() if fnmatchcase(target, pattern)}
    expected = _expected(connection, run)
    missing = sorted(target for target in before if target not in now and target in expected)
    controls = {record.id: record for record in reader.records(run["controls"])}
    beside = [
        Beside(name, now.get(name), before.get(name), baselines.last.get(name), name in baselines.declared)
        for name in [*now, *missing]
    ]
    findings = differing(connection, reader, [item.compared for item in beside if item.compared])
    standing = Standing(connection, reader, run, beside, controls, _failing_beside_declared(beside, findings))
    wanted = {item.seen["subject"]: _wanted(item, findings, standing) for item in beside if item.seen is not None}
    found = origins(connection, reader, wanted, commands)
    return Comparison(
        run=run["id"],
        started=instant(run["started"]),
        profile=run["profile"],
        scope=scope_of(run),
        controls=controls,
        waivers=run_body(run).get("waivers", ()),
        pairs=[_pair(item, findings.get(item.target, _ALIKE), standing, found) for item in beside],
    )


def _expected(connection: Connection, run: RowMapping) -> frozenset[str]:
    """The targets of which one that is missing now has vanished.

    They are those of the audit before that looked at the same inventories and limit; and, where no limit was given,
    those whose declared baseline looked at the same inventories.
    """
    table, result, subject, baseline = schema.run, schema.result, schema.subject, schema.baseline
    scope = scope_of(run)
    targets = select(subject.c.target).join(result, result.c.subject == subject.c.number)
    query = select(table).where(table.c.number < run["number"], table.c.kind == RunKind.AUDIT.value)
    found: set[str] = set()
    for earlier in connection.execute(query.order_by(table.c.number.desc())).mappings():
        other = scope_of(earlier)
        if (other.inventories, other.limit) == (scope.inventories, scope.limit):
            found |= set(connection.execute(targets.where(result.c.run == earlier["number"])).scalars())
            break
    if scope.limit is None:
        declared = select(table).where(
            table.c.number.in_(select(result.c.run).join(baseline, baseline.c.result == result.c.number))
        )
        for reference in connection.execute(declared).mappings().all():
            if scope_of(reference).inventories == scope.inventories:
                chosen = targets.join(baseline, baseline.c.result == result.c.number)
                found |= set(connection.execute(chosen.where(result.c.run == reference["number"])).scalars())
    return frozenset(found)


def _failing_beside_declared(targets: Sequence[Beside], findings: Mapping[str, Both]) -> Sequence[Key]:
    return [
        (pair[1]["subject"], control)
        for item in targets
        if item.is_declared and (pair := item.compared)
        for control, finding in findings[item.target][1].items()
        if finding.is_failing
    ]


def _wanted(item: Beside, findings: Mapping[str, Both], standing: Standing) -> Wanted:
    """Of what differs and of what stands on a target, where it comes from."""
    outcomes = {control: finding.outcome for control, finding in findings.get(item.target, _ALIKE)[1].items()}
    before = item.before["number"] if item.before is not None else 0
    streaks = standing.streaks(item)
    return Wanted(
        result=item.after["number"] if item.after is not None and item.after is item.seen else standing.until,
        outcomes=outcomes | {control: streak.failing[-1].finding.outcome for control, streak in streaks.items()},
        references=dict.fromkeys(outcomes, before) | {control: streak.last or 0 for control, streak in streaks.items()},
    )


def _pair(item: Beside, findings: Both, standing: Standing, found: Mapping[Key, Origin]) -> Pair:
    subject = item.seen["subject"] if item.seen is not None else 0
    regressions = standing.regressions(item)
    known = {
        control: found[subject, control] for control in (*findings[1], *regressions) if (subject, control) in found
    }
    return Pair(
        target=item.target,
        before=_view(item.before, findings[0]),
        after=_view(item.after, findings[1]),
        last=_view(item.last, {}),
        is_declared=item.is_declared,
        since={control: instant(origin.began) for control, origin in known.items()},
        causes={control: origin.cause for control, origin in known.items() if origin.cause},
        around={control: origin.around for control, origin in known.items() if origin.around},
        standing=regressions,
        accepted=standing.accepted(item),
    )


def _view(row: RowMapping | None, findings: Findings) -> View | None:
    if row is None:
        return None
    return View(
        run=row["id"],
        started=instant(row["started"]),
        profile=row["profile"],
        machine_id=row["machine_id"] or None,
        problem=result_body(row).get("problem"),
        unseen=row["unseen"],
        findings=findings,
    )
