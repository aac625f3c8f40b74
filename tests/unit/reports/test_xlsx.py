"""The workbook: what its sheets hold, text that stays text, and a clear word where it cannot hold a run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from hardener import reports
from hardener.errors import ConfigError
from hardener.model import Finding, Outcome, Run, TargetResult
from hardener.reports import xlsx
from tests.unit.waivers import waiver

from .conftest import CONTROLS, dead, findings, run, soft, unchecked

FORMULA = "=HYPERLINK(A1)"


def book(sample: Run) -> Any:
    data = b"".join(reports.render(sample, sample.results, "xlsx"))
    return openpyxl.load_workbook(io.BytesIO(data))


def rows(sample: Run, sheet: str) -> list[dict[str, Any]]:
    """The rows of a sheet, by the words of its header."""
    header, *found = book(sample)[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in found]


def waived_run() -> Run:
    failure = Finding(control="kernel-aslr", outcome=Outcome.FAIL, observed=0, reason="is 0", waiver="w")
    return run(soft(findings=findings(kernel_aslr=failure)), dead(), waivers=(waiver(),))


def test_every_finding_is_a_row(audit_run: Run) -> None:
    found = rows(audit_run, "Findings")
    assert [(row["target"], row["control"]) for row in found] == [
        (result.target, finding.control) for result in audit_run.results for finding in result.findings
    ]
    assert found[2] == {
        "target": "soft",
        "control": "kernel-aslr",
        "title": "The title of kernel-aslr",
        "severity": "medium",
        "outcome": "fail",
        "observed": "now: 2, after reboot: 0",
        "expected": "2",
        "reason": "after reboot: is 0",
        "waiver": None,
    }


def test_the_pivot_has_a_row_a_control_and_a_column_a_target() -> None:
    found = {row["control"]: row for row in rows(waived_run(), "Controls × targets")}
    assert list(found) == list(CONTROLS)
    assert list(found["kernel-aslr"]) == ["control", "severity", "failing on", "soft", "dead"]
    assert [found["kernel-aslr"][name] for name in ("failing on", "soft", "dead")] == [0, "waived", "error"]
    assert [found["sshd-maxauthtries"][name] for name in ("failing on", "soft")] == [1, "fail"]
    assert found["mounts-tmp"]["soft"] == "notapplicable"


def test_targets_of_one_name_keep_their_columns() -> None:
    sheet = book(run(soft("same"), soft("same")))["Controls × targets"]
    assert [cell.value for cell in sheet[1]][3:] == ["same", "same"]


def test_what_all_findings_are_about_has_sheets_of_its_own() -> None:
    sample = waived_run()
    about = {row["what"]: row["value"] for row in rows(sample, "Run")}
    assert (about["run"], about["operator"], about["tool"]) == (sample.id, "somebody", "hardener 0.1.0")
    assert [row["problem"] for row in rows(sample, "Targets")] == [None, "no connection: connection refused"]
    assert rows(sample, "Controls")[0]["references"] == "cis-debian12 1.2.3"
    (excuse,) = rows(sample, "Waivers")
    assert (excuse["waiver"], excuse["waiver_approved_by"], excuse["scope"]) == ("w", "bob", "all")


def test_formulas_of_a_host_are_text_and_stay_so_when_edited() -> None:
    seen = findings(sshd_maxauthtries=Finding(control="sshd-maxauthtries", outcome=Outcome.FAIL, observed=FORMULA))
    sample = run(soft(FORMULA, findings=seen, groups=(FORMULA,)), profile=FORMULA, waivers=(waiver(reason=FORMULA),))
    cells = [cell for sheet in book(sample) for row in sheet.iter_rows(min_row=2) for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    evil = [cell for cell in cells if cell.value == FORMULA]
    assert len(evil) >= 5
    assert all(cell.quotePrefix for cell in evil)


@pytest.mark.parametrize("text", ["<r>a</r>", "_x003D_1", "a_x0041_", "a & b < c > d \"e\" 'f'", "\u00e4 \U0001f512"])
def test_text_is_read_as_it_was_written(text: str) -> None:
    sample = run(unchecked(soft(problem=text), target=text), profile=text)
    assert unescape(rows(sample, "Targets")[0]["problem"]) == text
    assert unescape(list(rows(sample, "Controls × targets")[0])[-1]) == text


def test_a_value_is_whole_up_to_what_a_cell_holds() -> None:
    seen = findings(
        sshd_maxauthtries=Finding(control="sshd-maxauthtries", outcome=Outcome.FAIL, observed="\U000e0001" * 9999)
    )
    told = rows(run(soft(findings=seen)), "Findings")[0]["observed"]
    assert told.startswith(r"\U000e0001\U000e0001")
    assert told.endswith("more characters]")


def many(count: int) -> Iterator[TargetResult]:
    return (soft(f"node{number}") for number in range(count))


def test_too_many_findings_name_the_formats_that_hold_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 20)
    with pytest.raises(ConfigError) as caught:
        next(xlsx.render(run(), many(3)))
    assert str(caught.value) == (
        "xlsx: the sheet 'Findings' cannot hold more than 19 rows: use csv or ndjson, or fewer targets (-l)"
    )
    assert next(xlsx.render(run(), many(2)))


def test_too_many_targets_name_them_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_COLUMNS", 15)
    with pytest.raises(ConfigError, match="the sheet 'Controls × targets' cannot hold more than 12 targets"):
        next(xlsx.render(run(), many(13)))
    assert next(xlsx.render(run(), many(12)))
