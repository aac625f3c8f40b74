"""Formats are found by name, tell the same run in the same bytes, and let nothing a host says act."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from hardener import reports
from hardener.errors import HardenerError
from hardener.model import Answer, Finding, Outcome, Run, Transcript

from .conftest import SSHD, facts, findings, run, soft, text_of

FORMATS = reports.formats()
HOSTILE = "<script>alert(1)</script> [red]x[/red] \x1b[31mred\x1b[0m \x9b31m NUL:\x00 \u202eright"


def hostile_run() -> Run:
    bad = Finding(
        control="sshd-maxauthtries",
        outcome=Outcome.FAIL,
        observed={HOSTILE: [HOSTILE, "x" * 100_000]},
        expected=HOSTILE,
        reason=f"{HOSTILE}\n{'y' * 100_000}",
        questions=(SSHD,),
    )
    error = Finding(control="kernel-aslr", outcome=Outcome.ERROR, reason=HOSTILE)
    none = Finding(control="mounts-tmp", outcome=Outcome.NOTAPPLICABLE, reason=HOSTILE)
    answers = {SSHD: Answer(exit_status=1, stdout=HOSTILE.encode() + b"z" * 100_000, stderr=HOSTILE.encode())}
    result = soft(
        HOSTILE,
        facts=facts(kernel=HOSTILE, operator=HOSTILE),
        findings=findings(sshd_maxauthtries=bad, kernel_aslr=error, mounts_tmp=none),
        transcript=Transcript(answers=answers, round_trips=1),
        problem=HOSTILE,
    )
    return run(result, profile=HOSTILE, operator=HOSTILE)


def test_the_table_comes_first() -> None:
    assert FORMATS[0] == "table"
    assert {"json", "html"} <= set(FORMATS)
    assert FORMATS[1:] == sorted(FORMATS[1:])


def test_modules_that_render_nothing_are_no_formats() -> None:
    assert not {"listing", "planned", "progress", "arranged", "evidence"} & set(FORMATS)


def test_an_unknown_format_is_an_error_in_one_line(audit_run: Run) -> None:
    with pytest.raises(HardenerError, match="'pdf' is not one of table, "):
        text_of(audit_run, "pdf")


@pytest.mark.parametrize("format_name", FORMATS)
def test_nothing_a_host_says_steers_a_terminal(format_name: str) -> None:
    text = text_of(hostile_run(), format_name)
    assert not {"\x1b", "\x9b", "\x00", "\u202e"} & set(text)
    assert format_name == "json" or len(text) < 100_000


def test_markup_stays_text_in_the_table() -> None:
    assert "[red]x[/red]" in text_of(hostile_run(), "table")


def test_json_keeps_hostile_text_whole() -> None:
    assert json.loads(text_of(hostile_run(), "json"))["run"]["operator"] == HOSTILE


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_run_with_no_target_is_told(format_name: str) -> None:
    assert text_of(run(), format_name)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_run_from_json_is_told_in_the_same_bytes(format_name: str, apply_run: Run) -> None:
    again = Run.model_validate(json.loads(text_of(apply_run, "json"))["run"])
    assert text_of(again, format_name) == text_of(apply_run, format_name)


def test_bytes_do_not_depend_on_the_order_of_sets() -> None:
    """Traits are a set, and the order of a set of words changes with every process."""
    program = (
        "import json, sys; from hardener import reports; from hardener.model import Run; "
        "run = Run.model_validate(json.load(sys.stdin)['run']); "
        "told = (reports.render(run, run.results, name) for name in reports.formats()); "
        "sys.stdout.buffer.writelines(piece for pieces in told for piece in pieces)"
    )
    text = text_of(run(soft()), "json")

    def told(seed: str) -> bytes:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True, env=environment).stdout

    assert told("1") == told("2")
