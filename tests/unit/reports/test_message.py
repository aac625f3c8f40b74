"""What recipients read: counts in the subject, a line for each alert, and an end to it."""

from __future__ import annotations

from typing import Any

import pytest

from hardener.model import Alert, News
from hardener.reports.drift.message import MOST_LINES, message
from tests.unit.store.nights import FIRST_NIGHT, finding


def alert(target: str = "web", **changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "target": target,
        "control": "alpha-one",
        "run": "new",
        "title": "A title",
        "before": finding("alpha-one", 5),
        "after": finding("alpha-one", 99),
        "since": FIRST_NIGHT,
        "remedy": "hardener apply -l web --controls alpha-one",
    }
    return Alert(**{**fields, **changes})


def news(**parts: Any) -> News:
    return News(run="new", started=FIRST_NIGHT, **parts)


def test_every_part_has_its_count_and_its_line() -> None:
    told = message(
        news(
            regressed=[alert()],
            recovered=[alert("db", after=finding("alpha-one", 5))],
            silent=[alert("mail", control=None, reason="no route")],
        )
    )
    assert told.subject == "hardener: 1 regressed, 1 recovered, 1 silent on 3 targets"
    since = "since 2026-01-01 03:00:00 UTC"
    assert told.body.split("\n") == [
        "REGRESSED (1)",
        f"web  alpha-one  A title: pass: 5 -> fail: 99, {since}; hardener apply -l web --controls alpha-one",
        "",
        "RECOVERED (1)",
        f"db  alpha-one  A title: pass: 5, had failed {since}",
        "",
        "SILENT (1)",
        "mail: last seen completely 2026-01-01 03:00:00 UTC; no route",
        "",
        "run new, 2026-01-01 03:00:00 UTC",
    ]


def test_one_target_is_named_in_the_subject() -> None:
    assert message(news(regressed=[alert(), alert(control="b")])).subject == "hardener: 2 regressed on web"


def test_what_is_not_known_is_left_out() -> None:
    told = message(news(regressed=[alert(before=None, since=None, remedy="Only a person can decide.")]))
    assert "A title: not looked at -> fail: 99; Only a person can decide.\n" in told.body
    told = message(news(silent=[alert(control=None, since=None, reason="no route")]))
    assert "web: never seen completely; no route\n" in told.body
    told = message(news(recovered=[alert(control=None)]))
    assert "web: answers again\n" in told.body


def test_a_bad_night_is_counted_and_not_listed() -> None:
    told = message(news(regressed=[alert(f"web{number}") for number in range(500)]))
    assert told.subject == "hardener: 500 regressed on 500 targets"
    assert f"\nand {500 - MOST_LINES} more\n" in told.body
    assert told.body.count("\n") == MOST_LINES + 3


@pytest.mark.parametrize("text", ["x" * 100_000, "line\nline\x1b[31m", "\N{RIGHT-TO-LEFT OVERRIDE}"])
def test_what_a_host_says_neither_breaks_a_line_nor_floods_a_message(text: str) -> None:
    seen = finding("alpha-one", 99).model_copy(update={"observed": text})
    told = message(news(regressed=[alert(text, title=text, before=seen, after=seen, remedy=text)]))
    assert len(told.body) + len(told.subject) < 2000
    assert told.body.count("\n") == 3
    assert "\x1b" not in told.body + told.subject
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in told.body + told.subject
