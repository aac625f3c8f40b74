"""Writes a run: what is new of it, and one row for each result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from hardener.model import Outcome, Run, TargetResult
from hardener.store import forms, schema
from hardener.store.contents import Contents, Refusal, batches, next_number, packed
from hardener.store.intervals import Sighting, extend
from hardener.store.links import append, refuse_known

RESULTS_AT_ONCE = 100
"""So many results are held a second time, as rows, while they are written."""

SubjectKey = tuple[str, str]


def write_run(connection: Connection, run: Run) -> None:
    """Write all of a run; the caller's transaction makes it whole or nothing.

    Raises ``Refusal`` where there is or was a run of this id, or a control has two findings on a target.
    """
    refuse_known(connection, run.id)
    contents = Contents(connection)
    controls = forms.of_controls(run.controls.values())
    number = next_number(connection, schema.run)
    row = {
        "number": number,
        "id": run.id,
        "kind": run.kind.value,
        "profile": run.profile,
        "started": began(run),
        "body": packed(forms.of_run(run)),
        "controls": contents.put([controls])[controls],
    }
    connection.execute(schema.run.insert(), row)
    for is_before, results in ((True, run.before), (False, run.results)):
        for batch in batches(results, RESULTS_AT_ONCE):
            _write_results(connection, contents, run, batch, {"run": number, "is_before": is_before})
    append(connection, run)


def began(run: Run) -> int:
    """When a run started, in seconds since 1970."""
    return int(run.started.timestamp())


def _write_results(
    connection: Connection, contents: Contents, run: Run, results: Sequence[TargetResult], row: Mapping[str, Any]
) -> None:
    subjects = _subjects(connection, [subject_key(item) for item in results])
    forms_of = [_Forms(run, item) for item in results]
    numbers = contents.put(data for item in forms_of for data in item.all())
    first = next_number(connection, schema.result)
    rows: list[dict[str, Any]] = []
    findings: list[Sighting] = []
    evidence: list[Sighting] = []
    for number, (item, form) in enumerate(zip(results, forms_of, strict=True), start=first):
        subject = subjects[subject_key(item)]
        rows.append(
            {
                **row,
                "number": number,
                "subject": subject,
                "is_complete": is_complete(run, item),
                "unseen": unseen(item),
                "findings": numbers[form.findings_outline],
                "evidence": numbers[form.evidence_outline],
                "facts": numbers[form.facts] if form.facts else None,
                "body": packed(forms.of_result(item)),
            }
        )
        for sightings, seen in ((findings, form.findings), (evidence, form.answers)):
            named = {numbers[name.encode()]: numbers[data] for name, data in seen.items()}
            sightings.append(Sighting(number, subject, began(run), named))
    connection.execute(schema.result.insert(), rows)
    extend(connection, schema.finding, findings)
    extend(connection, schema.evidence, evidence)


class _Forms:
    """The parts of a result as bytes."""

    def __init__(self, run: Run, result: TargetResult) -> None:
        looked = [item for item in result.findings if item.outcome not in forms.NOBODY_LOOKED]
        self.findings = {item.control: forms.of_finding(item) for item in looked}
        if len(self.findings) < len(looked):
            raise Refusal(f"run {run.id}: a control has two findings on {result.target}")
        self.answers = {command: forms.of_answer(item) for command, item in result.transcript.answers.items()}
        self.findings_outline = forms.outline_of_findings(result.findings)
        self.evidence_outline = forms.outline_of_commands(self.answers)
        self.facts = forms.of_facts(result.facts) if result.facts else None

    def all(self) -> Iterable[bytes]:
        yield from (self.findings_outline, self.evidence_outline)
        yield from (self.facts,) if self.facts else ()
        for seen in (self.findings, self.answers):
            for name, data in seen.items():
                yield from (name.encode(), data)


def is_complete(run: Run, result: TargetResult) -> bool:
    """Whether everything was looked at that the profile asks for: what later runs may be compared with."""
    was_narrowed = run.scope.controls != "*" or result.count(Outcome.NOTCHECKED) > 0
    return result.problem is None and result.facts is not None and not was_narrowed


def unseen(result: TargetResult) -> int:
    """How many controls could not be looked at."""
    return result.count(Outcome.ERROR, Outcome.UNKNOWN)


def subject_key(result: TargetResult) -> SubjectKey:
    """Another machine of the same name is another subject; so is one that nobody could ask."""
    return result.target, result.facts.machine_id if result.facts else ""


def _subjects(connection: Connection, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, int]:
    """The number of each subject; new ones are added."""
    wanted = dict.fromkeys(keys)
    table = schema.subject
    query = select(table.c.target, table.c.machine_id, table.c.number)
    known: dict[SubjectKey, int] = {}
    for batch in batches(sorted({target for target, _ in wanted})):
        for target, machine_id, number in connection.execute(query.where(table.c.target.in_(batch))):
            known[target, machine_id] = number
    new = [key for key in wanted if key not in known]
    if new:
        numbered = dict(zip(new, range(next_number(connection, table), 2**31), strict=False))
        rows = [{"number": value, "target": key[0], "machine_id": key[1]} for key, value in numbered.items()]
        connection.execute(table.insert(), rows)
        known |= numbered
    return known
