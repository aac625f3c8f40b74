"""Drift told to someone: silent where nothing regressed, the same bytes for the same drift, and nothing acts."""

from __future__ import annotations

import json as jsonlib
import re
from datetime import UTC, datetime

import jsonschema
import pytest

from hardener.model import Drift, DriftEvent, DriftKind, Finding, Outcome
from hardener.reports.drift import FORMATS, json

from .conftest import record
from .published import refused
from .test_hostile import TEXTS

HOSTILE = TEXTS["markup"] + TEXTS["terminal"] + TEXTS["directions"]
STARTED = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

REGRESSED = DriftEvent(
    kind=DriftKind.REGRESSED,
    target="web",
    control="sshd-permitrootlogin",
    is_regression=True,
    is_new=True,
    nights=1,
    before=Finding(control="sshd-permitrootlogin", outcome=Outcome.PASS, observed="no", expected="no"),
    after=Finding(control="sshd-permitrootlogin", outcome=Outcome.FAIL, observed="yes", expected="no", reason="is yes"),
    reason="is yes",
    since=STARTED,
    cause="after our own run 20261120T030000Z-1234",
    remedy="hardener apply -i hosts.yml -l web --controls sshd-permitrootlogin",
    baseline="20261101T030000Z-abcd",
)
STANDING = REGRESSED.model_copy(update={"is_new": False, "nights": 5})
WORSE = REGRESSED.model_copy(update={"kind": DriftKind.WORSE})
FIXED = REGRESSED.model_copy(
    update={
        "kind": DriftKind.FIXED,
        "is_regression": False,
        "is_new": False,
        "control": "sshd-gone",
        "remedy": "",
        "after": None,
    }
)
DEAD = DriftEvent(kind=DriftKind.UNREACHABLE, target="db", is_incomplete=True, reason="no route")


def drift(*events: DriftEvent) -> Drift:
    return Drift(
        run="20261121T030000Z-9f3a",
        started=STARTED,
        profile="cis-level1",
        controls={"sshd-permitrootlogin": record("sshd-permitrootlogin")},
        targets=2,
        compared=1,
        events=events,
    )


def test_the_table_tells_regressions_with_their_remedies_and_counts_the_rest() -> None:
    assert FORMATS["table"](drift(REGRESSED, DEAD, FIXED)) == (
        "drift in 20261121T030000Z-9f3a: 1 of 2 targets compared with their baselines, profile cis-level1, "
        "2026-11-21 03:00:00 UTC\n"
        "1 regression standing, oldest 1 night; 1 new; 1 silent target\n"
        "\n"
        "REGRESSED (1)\n"
        "  web  sshd-permitrootlogin  medium  The title of sshd-permitrootlogin\n"
        "    pass: no -> fail: yes, expected no\n"
        "    new, since 2026-11-21 03:00:00 UTC, after our own run 20261120T030000Z-1234\n"
        "    hardener apply -i hosts.yml -l web --controls sshd-permitrootlogin\n"
        "\n"
        "COULD NOT LOOK (1)\n"
        "  db  unreachable: no route\n"
        "\n"
        "also: 1 fixed\n"
    )


def test_one_line_says_what_stands() -> None:
    """What stands is no news, and yet it is what is wrong."""
    told = FORMATS["table"](drift(*[STANDING] * 2, WORSE, DEAD, DEAD))
    assert told.splitlines()[1] == "3 regressions standing, oldest 5 nights; 1 new; 2 silent targets"
    assert "    5 nights, since 2026-11-21 03:00:00 UTC, after" in told
    assert "  web  sshd-permitrootlogin  medium  worse  The title" in told
    assert "3 regressions standing, oldest 5 nights; 1 new" in FORMATS["html"](drift(*[STANDING] * 2, WORSE))


def test_the_table_is_silent_where_nothing_regressed() -> None:
    assert FORMATS["table"](drift()) == ""
    assert FORMATS["table"](drift(FIXED)) == ""


def test_json_is_versioned_and_fits_its_schema() -> None:
    body = jsonlib.loads(FORMATS["json"](drift(REGRESSED, DEAD, FIXED)))
    assert body["schema"] == "hardener-drift/1"
    assert Drift.model_validate(body["drift"]) == drift(REGRESSED, DEAD, FIXED)
    jsonschema.Draft202012Validator(jsonlib.loads(json.schema())).validate(body)


def test_each_event_is_a_line_that_needs_no_other() -> None:
    lines = [jsonlib.loads(line) for line in FORMATS["ndjson"](drift(REGRESSED, DEAD)).splitlines()]
    assert [(line["kind"], line["target"], line["run"], line["severity"]) for line in lines] == [
        ("regressed", "web", "20261121T030000Z-9f3a", "medium"),
        ("unreachable", "db", "20261121T030000Z-9f3a", None),
    ]
    assert {line["schema"] for line in lines} == {"hardener-drift-event/1"}
    assert FORMATS["ndjson"](drift()) == ""


def test_the_page_tells_everything_and_loads_nothing() -> None:
    page = FORMATS["html"](drift(REGRESSED, DEAD, FIXED))
    told = ("1 regression standing, oldest 1 night; 1 new", "fail: yes", "expected no", "sshd-gone", "no route")
    for words in (*told, REGRESSED.remedy, REGRESSED.cause):
        assert words in page
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!#)", page)
    assert "Nothing stands, and nothing is different." in FORMATS["html"](drift())


def test_code_scanning_is_told_what_is_new_and_what_is_gone() -> None:
    text = FORMATS["sarif"](drift(REGRESSED, REGRESSED.model_copy(update={"target": "app"}), DEAD, FIXED))
    assert refused("sarif", text.encode()) == []
    (log,) = jsonlib.loads(text)["runs"]
    told = [(item["ruleId"], item["baselineState"], item["kind"], len(item["locations"])) for item in log["results"]]
    assert told == [("sshd-permitrootlogin", "new", "fail", 2), ("sshd-gone", "absent", "informational", 1)]
    stood = jsonlib.loads(FORMATS["sarif"](drift(STANDING, WORSE)))["runs"][0]["results"]
    assert [(item["baselineState"], item["kind"]) for item in stood] == [("unchanged", "fail"), ("updated", "fail")]
    assert REGRESSED.remedy in log["results"][0]["locations"][0]["message"]["text"]
    (invocation,) = log["invocations"]
    assert not invocation["executionSuccessful"]
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "unreachable: no route"


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_a_host_says_acts(name: str) -> None:
    bad = Finding(
        control="sshd-permitrootlogin",
        outcome=Outcome.FAIL,
        observed={HOSTILE: [HOSTILE]},
        expected=HOSTILE,
        reason=HOSTILE,
    )
    words = dict.fromkeys(("target", "reason", "cause", "remedy"), HOSTILE)
    hostile = REGRESSED.model_copy(update={"before": bad, "after": bad, **words})
    found = drift(hostile, DEAD.model_copy(update=words)).model_copy(update={"run": HOSTILE, "profile": HOSTILE})
    text = FORMATS[name](found)
    assert text == FORMATS[name](found)
    for letter in ("\x1b", "\x9b", "\x00", "\u202e"):
        assert letter not in text
    if name == "html":
        assert "<script>" not in text
    if name == "ndjson":
        assert text.count("\n") == 2
