"""A run for spreadsheets and whatever imports tables: RFC 4180, one row a finding."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from hardener.model import Run, TargetResult
from hardener.reports.rows import COLUMNS, Cell, Rows, without_formulas


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """A header, then the rows of one target after the other; the same run gives the same bytes."""
    rows = Rows(run, without_formulas)
    yield _lines([tuple(COLUMNS)])
    for result in results:
        yield _lines(rows.of(result))


def _lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue().encode()
