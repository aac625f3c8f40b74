"""A run as a workbook: a sheet of findings, a pivot of controls by targets, and what both are about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_rowcol_to_cell_fast
from xlsxwriter.worksheet import Worksheet

from hardener.errors import ConfigError
from hardener.model import Finding, Run, TargetResult
from hardener.private import working_directory
from hardener.reports.rows import (
    COLUMNS,
    Cell,
    Rows,
    as_it_is,
    begins_formula,
    cell,
    instant,
    of_control,
    of_target,
    of_waiver,
)

IS_BINARY = True
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
"""Of one sheet: the file format allows no more."""

OF_FINDINGS = (
    "target",
    "control",
    "title",
    "severity",
    "outcome",
    "observed",
    "expected",
    "reason",
    "waiver",
)
_NAMES = tuple(COLUMNS)
OF_TARGETS = _NAMES[_NAMES.index("target") : _NAMES.index("control")]
OF_CONTROLS = (*_NAMES[_NAMES.index("control") : _NAMES.index("outcome")], "why", "remedy")
OF_WAIVERS = (*_NAMES[_NAMES.index("waiver") :], "controls", "scope", "kind", "requested_by", "ticket")
OF_PIVOT = ("control", "severity", "failing on")
"""The columns of the sheets; those of the pivot go on with the targets."""

_COLOURS = {"fail": "#f8cbad", "error": "#f8cbad", "unknown": "#f8cbad", "waived": "#ffe699", "pass": "#e2efda"}
_SPELLED = re.compile("(_x[0-9A-Fa-f]{4}_)")
"""What programs read as the letter of this number, unless the underscore before it is spelled so itself."""
_WIDTH = 22
_PIECE = 2**20


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The file; the same run gives the same bytes. ``ConfigError`` where a sheet cannot hold so much.

    Rows go to the disk as they come: of each target there stays in memory a word for each control.
    """
    with working_directory() as folder:
        file = folder / "run.xlsx"
        _write(run, results, file)
        with file.open("rb") as written:
            while piece := written.read(_PIECE):
                yield piece


def _write(run: Run, results: Iterable[TargetResult], file: Path) -> None:
    book = Workbook(str(file), {"constant_memory": True, "tmpdir": str(file.parent)})
    book.set_properties({"title": cell(run.id), "created": run.started.replace(tzinfo=None)})
    sheets = [
        _Sheet(book, name, header)
        for name, header in {
            "Run": ("what", "value"),
            "Findings": OF_FINDINGS,
            "Targets": OF_TARGETS,
            "Controls": OF_CONTROLS,
            "Waivers": OF_WAIVERS,
        }.items()
    ]
    try:
        about, findings, targets, controls, waivers = sheets
        _tell_run(run, about, controls, waivers)
        pivot = _Pivot(run)
        rows = Rows(run, as_it_is)
        columns = [_NAMES.index(name) for name in OF_FINDINGS]
        for result in results:
            targets.add(tuple(of_target(result)))
            pivot.add(result)
            for row in rows.of(result):
                findings.add([row[column] for column in columns])
        pivot.write(book)
    except BaseException:
        for sheet in book.worksheets():
            sheet.row_data_fh.close()
        raise
    book.close()


def _tell_run(run: Run, about: _Sheet, controls: _Sheet, waivers: _Sheet) -> None:
    """What every finding has in common."""
    facts = {
        "run": run.id,
        "kind": run.kind.value,
        "started": instant(run.started),
        "finished": instant(run.finished),
        "profile": run.profile,
        "operator": run.operator,
        "tool": f"hardener {run.tool_version}",
        "inventories": " ".join(run.scope.inventories) or "this machine",
        "limit": run.scope.limit or "none",
        "controls": run.scope.controls,
        "targets shown": run.scope.excerpt or "all",
        "limitations": "; ".join(run.limitations) or "none",
    }
    for name, value in facts.items():
        about.add((name, cell(value)))
    for record in run.controls.values():
        controls.add((*of_control(record), cell(record.why), cell(record.remedy)))
    for waiver in run.waivers:
        scope = (waiver.controls, waiver.scope, waiver.kind.value, waiver.requested_by, waiver.ticket or "")
        waivers.add((*of_waiver(waiver), *map(cell, scope)))


class _Worksheet(Worksheet):  # type: ignore[misc]  # the library has no types
    """The library's, but for how text is put down: it would not escape what stands between tags of its own.

    It is also most of the time a large run takes.
    """

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        text = getattr(cell, "string", None)
        if text is None:
            super()._write_cell(row, col, cell)
            return
        style = f' s="{cell.format._get_xf_index()}"' if cell.format else ""  # noqa: SLF001  (as the library does here)
        told = _SPELLED.sub(r"_x005F\1", escape(text, quote=False))
        place = xl_rowcol_to_cell_fast(row, col)
        self.fh.write(f'<c r="{place}"{style} t="inlineStr"><is><t>{told}</t></is></c>')


class _Sheet:
    """A sheet that is written row by row."""

    def __init__(self, book: Any, name: str, header: Sequence[Cell], frozen: int = 1) -> None:
        self._sheet = book.add_worksheet(name, _Worksheet)
        self._name = name
        # A person who edits such a cell does not make a formula of it either.
        self._quoted = book.add_format({"quote_prefix": True})
        self._rows = 0
        if len(header) > MOST_COLUMNS:
            raise _too_much(f"{MOST_COLUMNS - len(OF_PIVOT):,} targets", name)
        self._sheet.set_column(0, len(header) - 1, _WIDTH)
        self._sheet.freeze_panes(1, frozen)
        self.add(header, {str(name): book.add_format({"bold": True}) for name in header})

    def add(self, row: Sequence[Cell], formats: Mapping[str, Any] = {}) -> None:
        """The next row; ``formats`` by what stands in a cell. Text stays text, whatever it looks like."""
        if self._rows == MOST_ROWS:
            raise _too_much(f"{MOST_ROWS - 1:,} rows", self._name)
        for column, item in enumerate(row):
            if isinstance(item, int):
                self._sheet.write_number(self._rows, column, item)
            elif item:
                style = self._quoted if begins_formula(item) else formats.get(item)
                self._sheet.write_string(self._rows, column, item, style)
        self._rows += 1


class _Pivot:
    """What each control came to on each target, until all targets are known."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._targets: list[str] = []
        self._words: list[Sequence[str]] = []

    def add(self, result: TargetResult) -> None:
        """A further target."""
        words = {finding.control: _word(finding) for finding in result.findings}
        self._targets.append(cell(result.target))
        self._words.append([words.get(control, "") for control in self._run.controls])

    def write(self, book: Any) -> None:
        """The sheet: a row a control, a column a target."""
        sheet = _Sheet(book, "Controls × targets", (*OF_PIVOT, *self._targets), len(OF_PIVOT))
        formats = {word: book.add_format({"bg_color": colour}) for word, colour in _COLOURS.items()}
        for number, record in enumerate(self._run.controls.values()):
            words = [of_one[number] for of_one in self._words]
            sheet.add((record.id, record.severity.value, words.count("fail"), *words), formats)


def _word(finding: Finding) -> str:
    return "waived" if finding.waiver else finding.outcome.value


def _too_much(most: str, sheet: str) -> ConfigError:
    return ConfigError(
        f"the sheet {sheet!r} cannot hold more than {most}: use csv or ndjson, or fewer targets (-l)", location="xlsx"
    )
