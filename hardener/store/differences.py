"""Reads only what differs between two results of each target."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, RowMapping, or_, select

from hardener.model import Finding
from hardener.store import schema
from hardener.store.intervals import covers, seen_by
from hardener.store.reading import ResultReader

Findings = Mapping[str, Finding]
Both = tuple[Findings, Findings]


def differing(
    connection: Connection, reader: ResultReader, pairs: Sequence[tuple[RowMapping, RowMapping]]
) -> Mapping[str, Both]:
    """By target, the findings of an earlier and a later result of one machine that are not the same in both."""
    found = _Differing(connection, reader)
    seen = found.seen(pairs)
    return {after["target"]: found.findings_of(before, after, seen) for before, after in pairs}


class _Differing:
    def __init__(self, connection: Connection, reader: ResultReader) -> None:
        self._connection = connection
        self._reader = reader

    def seen(self, pairs: Sequence[tuple[RowMapping, RowMapping]]) -> Mapping[int, Mapping[str, int]]:
        """By result, the content of the controls that may differ: all of them where the outlines do."""
        subjects = {row["number"]: row["subject"] for pair in pairs for row in pair if _have_other_outlines(*pair)}
        seen = {**seen_by(self._connection, schema.finding, subjects)} if subjects else {}
        alike = {before["subject"]: (before["number"], after["number"]) for before, after in pairs}
        alike = {key: numbers for key, numbers in alike.items() if numbers[1] not in subjects}
        lower = [min(pair, key=lambda row: row["number"]) for pair in pairs if pair[1]["number"] not in subjects]
        seen |= self._changed(alike, _last_of_first_run(lower))
        return self._reader.named(seen)

    def _changed(self, results: Mapping[int, tuple[int, int]], begun: int) -> Mapping[int, Mapping[int, int]]:
        """By result, the content of what has another interval in the other result of the subject.

        Intervals that had begun by then and have not ended are the same in both, and are not even read.
        """
        seen: dict[int, dict[int, int]] = {number: {} for pair in results.values() for number in pair}
        if not results:
            return seen
        table = schema.finding
        query = select(table.c.subject, table.c.name, table.c.since, table.c.until, table.c.content)
        query = query.where(or_(table.c.since > begun, table.c.until > min(seen)), table.c.since <= max(seen))
        for subject, name, since, until, content in self._connection.execute(query):
            pair = results.get(subject, (0, 0))
            of = [number for number in pair if covers(since, until, number)]
            if len(of) == 1:
                seen[of[0]][name] = content
        return seen

    def findings_of(self, before: RowMapping, after: RowMapping, seen: Mapping[int, Mapping[str, int]]) -> Both:
        """The findings of both results that are not the same."""
        old, new = (self._findings(row, seen[row["number"]]) for row in (before, after))
        if not _have_other_outlines(before, after):
            return old, new
        same = {control for control in old.keys() & new.keys() if old[control] == new[control]}
        return _without(old, same), _without(new, same)

    def _findings(self, row: RowMapping, seen: Mapping[str, int]) -> Findings:
        """The findings that were read, and those of controls nobody looked at."""
        outline = self._reader.outline(row["findings"])
        findings = [self._reader.finding(item, seen) for item in outline if not isinstance(item, str) or item in seen]
        return {finding.control: finding for finding in findings}


def _without(findings: Findings, controls: Collection[str]) -> Findings:
    return {control: item for control, item in findings.items() if control not in controls}


def _last_of_first_run(rows: Sequence[RowMapping]) -> int:
    """The last of those results that are of the same run, for the run of which that is the smallest number.

    Every interval that began up to there began with, or before, the result of its own subject: results of a run
    follow each other, and a subject has one in it.
    """
    last: dict[int, int] = {}
    for row in rows:
        last[row["run"]] = max(last.get(row["run"], 0), row["number"])
    return min(last.values(), default=0)


def _have_other_outlines(before: RowMapping, after: RowMapping) -> bool:
    return bool(before["findings"] != after["findings"])
