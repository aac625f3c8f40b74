"""Nothing a host says acts, in any format there is: on a terminal, in a page, in a parser, or in a spreadsheet.

A format is judged by what its bytes are, so that a new one is looked at without a word here.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from enum import Enum, auto

import pytest
from lxml import etree

from hardener import reports
from hardener.model import Answer, Change, Finding, LastRun, Outcome, Run, RunKind, Transcript
from tests.unit.waivers import waiver

from .conftest import CONTROLS, SSHD, STARTED, facts, findings, run, soft, unchecked

FORMATS = reports.formats()
TEXTS = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>]]><!--&lt;",
    "terminal": "\x1b[31mred\x1b[0m \x9b31m \x1b]0;title\x07 \x08\x7f NUL:\x00",
    "directions": "\u202eright \u2066\u200b\ufeff \u2028\u2029 \ufffe\uffff",
    "lines": "first\nINJECTED\r\nINJECTED\x0bINJECTED\x0cINJECTED\x85INJECTED",
    "formula": "=HYPERLINK(A1);=1+1",
    "markdown": "| `` ` ``` [a](javascript:alert(1)) **b** ![i](x) <u@v> @somebody #1 ~~~",
    "console": "[red]x[/red] [link=x]y[/link] {{ 7 * 7 }} {% raw %} %s \\",
    "json": '"}],"schema":"other"',
    "sheet": '<r></r></is></c><c r="A9"><f>HYPERLINK(A1)</f></c><c r="B9" t="inlineStr"><is><r></r>',
    "long": "y" * 1_000_000,
    "invalid": b"\xff\xfe\xc3 \xed\xa0\x80".decode("utf-8", "backslashreplace"),
}
LONGEST_LINE = 100_000


class Kind(Enum):
    """What reads some bytes, and so decides what acts in them."""

    JSON = auto()
    MARKUP = auto()
    TEXT = auto()


def hostile_run(text: str) -> Run:
    """Everything in a run that somebody else has a say in says the same."""
    bad = Finding(
        control="sshd-maxauthtries",
        outcome=Outcome.FAIL,
        observed={text: [text, {"deep": text}]},
        expected=text,
        reason=text,
        questions=(SSHD, text),
    )
    waived = bad.model_copy(update={"control": "sshd-permitrootlogin", "waiver": "w"})
    seen = findings(
        sshd_maxauthtries=bad,
        sshd_permitrootlogin=waived,
        kernel_aslr=Finding(control="kernel-aslr", outcome=Outcome.ERROR, reason=text),
        mounts_tmp=Finding(control="mounts-tmp", outcome=Outcome.NOTAPPLICABLE, reason=text),
        accounts_review=Finding(control="accounts-review", outcome=Outcome.INFORMATIONAL, observed=text, reason=text),
        services_cups=Finding(control="services-cups", outcome=Outcome.FIXED, observed=text, expected=text),
    )
    data = text.encode()
    answers = {
        SSHD: Answer(exit_status=1, stdout=data + b"\xff\xfe", stderr=data),
        text: Answer(exit_status=None, problem=text, stdout=b"\xed\xa0\x80"),
    }
    last = unchecked(LastRun(run="R", operator=text, state="restored", reason=text), run=text)
    result = soft(
        facts=unchecked(facts(kernel=text, operator=text, last_run=last), machine_id=text),
        findings=seen,
        changes=(Change(role="sshd", task=text, module=text, subject=text, key=text, before=text, after=text),),
        transcript=Transcript(answers=answers, round_trips=1),
        problem=text,
    )
    result = unchecked(result, target=text, groups=(text,))
    excuse = waiver(reason=text, approved_by=text, ticket=text, scope=text, controls="sshd-*")
    old = waiver("old", reason=text, effective=STARTED, expires=STARTED)
    return run(
        result,
        kind=RunKind.APPLY,
        before=(result,),
        profile=text,
        operator=text,
        waivers=(excuse, old),
        controls=CONTROLS,
    )


def parts(sample: Run, format_name: str) -> Sequence[tuple[Kind, str]]:
    """What a format gives: every file of an archive, or the one text; bytes that are not UTF-8 are an error."""
    data = b"".join(reports.render(sample, sample.results, format_name))
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return [(kind_of(data.decode()), data.decode())]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist()]
    return [(kind_of(text), text) for text in texts]


def kind_of(text: str) -> Kind:
    if text.lstrip().startswith("<"):
        return Kind.MARKUP
    try:
        for part in (text,) if text.startswith("{\n") else text.splitlines():
            json.loads(part)
    except ValueError:
        return Kind.TEXT
    return Kind.JSON


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("format_name", FORMATS)
def test_nothing_a_host_says_acts(format_name: str, text: str) -> None:
    for kind, told in parts(hostile_run(text), format_name):
        assert {letter for letter in set(told) if not letter.isprintable()} <= {"\n", "\r", "\t"}
        if kind is Kind.MARKUP:
            assert "<script>alert" not in told
            assert "<img" not in told
        if kind is Kind.MARKUP and told.startswith("<?xml"):
            etree.fromstring(told.encode())
        if kind is Kind.TEXT:
            assert not [line for line in told.splitlines() if line.startswith("INJECTED")]
        if kind is not Kind.JSON:
            assert max(map(len, told.splitlines()), default=0) < LONGEST_LINE


@pytest.mark.parametrize("format_name", FORMATS)
def test_what_is_said_shapes_nothing(format_name: str) -> None:
    """As many lines, elements and members as where a host says nothing of note."""

    def shape(text: str) -> list[object]:
        found: list[object] = []
        for kind, told in parts(hostile_run(text), format_name):
            if kind is not Kind.MARKUP:
                found.append(len(told.splitlines()))
            else:
                root = etree.fromstring(told.encode(), etree.HTMLParser() if "<!DOCTYPE html>" in told else None)
                found.append([item.tag for item in root.iter()])
        return found

    plain = shape("plain")
    for name in ("markup", "terminal", "directions", "markdown", "console", "json", "sheet", "invalid"):
        assert shape(TEXTS[name]) == plain, name


def test_markup_stays_text() -> None:
    ((_, table),) = parts(hostile_run(TEXTS["console"]), "table")
    assert "[red]x[/red]" in table
    ((_, page),) = parts(hostile_run(TEXTS["markup"]), "html")
    assert "&lt;script&gt;alert" in page
    assert page.count("<script") == 1


def test_the_formats_for_programs_lose_nothing() -> None:
    for text in TEXTS.values():
        ((_, told),) = parts(hostile_run(text), "json")
        assert json.loads(told)["run"]["operator"] == text
        ((_, lines),) = parts(hostile_run(text), "ndjson")
        assert json.loads(lines.splitlines()[0])["finding"]["reason"] == text
