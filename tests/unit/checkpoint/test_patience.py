"""A guard waits as long as it hears from its controller, and no time counts in which its target stood still."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.checkpoint import patience
from hardener.checkpoint.patience import MOST_FORGIVEN, Patience


def test_it_ends_when_no_word_comes() -> None:
    waiting = Patience(20, now=100)
    looks = [waiting.left(100 + second, None) for second in range(1, 21)]
    assert looks[0] == 19
    assert looks[-1] == 0


def test_a_word_puts_it_off_and_says_for_how_long() -> None:
    waiting = Patience(20, now=100)
    assert waiting.left(101, (101, 90)) == 90
    assert waiting.left(102, (101, 90)) == 89
    assert waiting.seconds == 90


def test_a_word_that_is_being_written_changes_nothing() -> None:
    waiting = Patience(20, now=100)
    assert waiting.left(101, None) == 19


def test_time_in_which_the_target_stood_still_is_not_held_against_its_controller() -> None:
    waiting = Patience(20, now=100)
    assert waiting.left(101, None) == 19
    assert waiting.left(161, None) > 0, "a frozen minute, after which the controller has not had its turn yet"
    assert waiting.left(162, (162, 20)) == 20


def test_however_often_it_stands_still_nobody_is_locked_out_for_ever() -> None:
    waiting = Patience(20, now=0)
    now = 0
    while waiting.left(now, None) > 0:
        now += 10
    assert now <= 20 * (MOST_FORGIVEN + 1) + 10


def test_words_are_read_as_a_shell_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEARTBEATS", str(tmp_path / "beats"))
    patience.begin("R1", 30)
    word = patience.last_word("R1")
    assert word is not None
    assert word[1] == 30
    for text in ("", "12.5", "x y", "1 2 3"):
        (tmp_path / "beats/R1").write_text(text)
        assert patience.last_word("R1") is None
    patience.end("R1")
    assert patience.last_word("R1") is None
