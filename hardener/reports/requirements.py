"""A run by the requirements of a framework: for people, spreadsheets and programs. Nothing in it is a host's word."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping

from hardener.model import Requirement, Requirements, counted
from hardener.reports import listing
from hardener.reports.arranged import narrowed_words

SCHEMA = "hardener-requirements/1"


def as_table(found: Requirements) -> str:
    """Every requirement on a line, and how many stand how."""
    rows = [(item.number, item.standing.value, _targets(item), _why(item)) for item in found.requirements]
    standings = Counter(item.standing for item in found.requirements)
    summary = ", ".join(f"{number} {standing.value}" for standing, number in sorted(standings.items()))
    heading = (
        f"{found.framework}: {len(found.requirements)} requirements over {counted(found.targets, 'target')}, {summary}"
    )
    note = f"Run {found.run}, profile {found.profile}. Met is only what was looked at on every target.\n"
    if narrowed := narrowed_words(found.scope):
        note += f"Not all targets: {narrowed}.\n"
    return f"{heading}\n{note}\n{listing.table(('requirement', 'standing', 'targets', 'why'), rows)}"


def _targets(item: Requirement) -> str:
    return ", ".join(f"{number} {standing.value}" for standing, number in item.targets.items())


def _why(item: Requirement) -> str:
    parts = [f"fails: {', '.join(item.failing)}" if item.failing else ""]
    parts += [f"not looked at: {', '.join(item.unseen)}" if item.unseen else "", item.note]
    return "; ".join(part for part in parts if part)


def as_csv(found: Requirements) -> str:
    """The same as rows: requirement, standing, targets, controls, failing, unseen, note."""
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(("requirement", "standing", "targets", "controls", "failing", "not looked at", "note"))
    for item in found.requirements:
        controls = [" ".join(names) for names in (item.controls, item.failing, item.unseen)]
        rows.writerow((item.number, item.standing.value, _targets(item), *controls, item.note))
    return file.getvalue()


def as_json(found: Requirements) -> str:
    """One document."""
    return json.dumps({"schema": SCHEMA, "requirements": found.model_dump(mode="json")}, indent=2) + "\n"


FORMATS: Mapping[str, Callable[[Requirements], str]] = {"table": as_table, "csv": as_csv, "json": as_json}
