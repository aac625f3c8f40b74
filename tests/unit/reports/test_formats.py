"""Formats are found by name; the page is whole, light, and leads where it says."""

from __future__ import annotations

import io
import zipfile

import pytest

from hardener import reports
from hardener.errors import HardenerError
from hardener.model import Run, Scope

from .conftest import run, text_of

FORMATS = reports.formats()


def unpacked(data: bytes) -> str:
    """All texts of a workbook."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return "".join(book.read(name).decode() for name in book.namelist())


def test_the_table_comes_first() -> None:
    assert FORMATS[0] == "table"
    assert {"csv", "html", "json", "junit", "markdown", "metrics", "ndjson", "xlsx"} <= set(FORMATS)
    assert FORMATS[1:] == sorted(FORMATS[1:])


def test_modules_that_render_nothing_are_no_formats() -> None:
    assert not {"listing", "planned", "progress", "arranged", "evidence", "rows"} & set(FORMATS)


def test_an_unknown_format_is_an_error_in_one_line(audit_run: Run) -> None:
    with pytest.raises(HardenerError, match="'pdf' is not one of table, "):
        text_of(audit_run, "pdf")


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_format_tells_what_was_before_only_where_it_says_so(format_name: str, apply_run: Run) -> None:
    """The store does not even read it for the others."""

    def told(sample: Run) -> bytes:
        return b"".join(reports.render(sample, apply_run.results, format_name))

    is_same = told(apply_run) == told(apply_run.model_copy(update={"before": ()}))
    assert is_same is not reports.tells_before(format_name)


@pytest.mark.parametrize("format_name", [name for name in FORMATS if name not in {"csv", "metrics", "ndjson"}])
def test_what_is_told_in_part_says_so(format_name: str, audit_run: Run) -> None:
    """The others are rows of findings, and say nothing of the run as a whole."""

    def told(scope: Scope) -> str:
        data = b"".join(reports.render(audit_run.model_copy(update={"scope": scope}), audit_run.results, format_name))
        return unpacked(data) if reports.is_binary(format_name) else data.decode()

    assert "web-of-lies" in told(Scope(excerpt="web-of-lies*"))
    assert "web-of-lies" in told(Scope(limit="web-of-lies"))
    assert "Not all" not in told(Scope())


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_format_is_text_unless_it_says_otherwise(format_name: str, audit_run: Run) -> None:
    data = b"".join(reports.render(audit_run, audit_run.results, format_name))
    assert (b"\x00" in data) is reports.is_binary(format_name)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_run_with_no_target_can_be_told(format_name: str) -> None:
    told = b"".join(reports.render(run(), (), format_name))
    assert told or format_name == "ndjson"  # nothing but findings
