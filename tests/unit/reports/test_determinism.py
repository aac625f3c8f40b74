"""The same run gives the same bytes, in any format, in any process, at any time and place."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from hardener import reports
from hardener.model import Run

from .conftest import dead, run, soft, text_of

FORMATS = reports.formats()
LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
PROGRAM = """
import json, sys
from hardener import reports
from hardener.model import Run
run = Run.model_validate(json.load(sys.stdin)["run"])
for name in reports.formats():
    sys.stdout.buffer.writelines(reports.render(run, run.results, name))
"""


def data_of(sample: Run, format_name: str) -> bytes:
    return b"".join(reports.render(sample, sample.results, format_name))


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_run_from_json_is_told_in_the_same_bytes(format_name: str, audit_run: Run, apply_run: Run) -> None:
    for sample in (audit_run, apply_run):
        again = Run.model_validate(json.loads(text_of(sample, "json"))["run"])
        assert data_of(again, format_name) == data_of(sample, format_name)


@pytest.mark.parametrize("format_name", FORMATS)
def test_results_that_come_one_by_one_are_told_as_those_of_the_run(format_name: str, audit_run: Run) -> None:
    head = audit_run.model_copy(update={"results": ()})
    told = b"".join(reports.render(head, iter(audit_run.results), format_name))
    assert told == data_of(audit_run, format_name)


def test_bytes_depend_on_no_order_of_sets_and_on_no_clock_or_locale() -> None:
    """Traits are a set, and the order of a set of words changes with every process."""
    text = text_of(run(soft(), dead()), "json")

    def told(seed: str, zone: str, locale: str) -> bytes:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale, "COLUMNS": seed * 3}
        command = [sys.executable, "-c", PROGRAM]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True, env=environment).stdout

    assert told("1", "UTC", "C.UTF-8") == told("7", "Asia/Kolkata", "C")


@pytest.mark.parametrize("format_name", FORMATS)
def test_no_format_tells_when_it_was_written(format_name: str) -> None:
    data = data_of(run(soft(), started=LONG_AGO, finished=LONG_AGO + timedelta(seconds=9)), format_name)
    texts, today = [data], datetime.now(UTC).strftime("%Y-%m-%d").encode()
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert {item.date_time[0] for item in archive.infolist()} == {1980}  # the oldest a zip can tell
            texts = [archive.read(name) for name in archive.namelist()]
    assert not [text for text in texts if today in text]
