"""Nouns agree with their numbers."""

from hardener.model import counted


def test_a_noun_is_a_plural_unless_there_is_one() -> None:
    assert [counted(number, "target") for number in (0, 1, 2)] == ["0 targets", "1 target", "2 targets"]
    assert counted(2, "process", "es") == "2 processes"
