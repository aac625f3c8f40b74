"""Reads unit files as systemd.syntax(7) and systemd.exec(5) say they are read: the other side of our quoting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

_ESCAPES = {"n": "\n", "t": "\t", "s": " ", '"': '"', "'": "'", "\\": "\\"}


def settings(text: str) -> Mapping[str, Sequence[str]]:
    """Every value of every setting, by ``Section.Name``, in order."""
    found: dict[str, list[str]] = {}
    section = ""
    assert not re.search(r"\\\n", text), "a backslash at the end of a line joins it with the next"
    for line in text.split("\n"):
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] not in "#;":
            name, _, value = line.partition("=")
            found.setdefault(f"{section}.{name}", []).append(value.strip())
    return found


def words(value: str, *, is_list_of_paths: bool = False) -> list[str]:
    """The words of a value, without quotation marks and escapes, with specifiers replaced.

    In a list of paths a backslash stands before a letter that means itself, whichever that is.
    """
    letters = iter(value)
    return [specified("".join(_word(letter, letters, is_list_of_paths))) for letter in letters if letter != " "]


def _word(letter: str, rest: Iterator[str], is_list_of_paths: bool) -> Iterator[str]:
    mark = ""
    while letter:
        if letter == "\\":
            yield next(rest) if is_list_of_paths else _escaped(rest)
        elif letter == mark:
            mark = ""
        elif not mark and letter in "\"'":
            mark = letter
        elif not mark and letter == " ":
            return
        else:
            yield letter
        letter = next(rest, "")
    assert not mark, "a quotation mark is open at the end of the line"


def _escaped(rest: Iterator[str]) -> str:
    kind = next(rest)
    return chr(int(next(rest) + next(rest), 16)) if kind == "x" else _ESCAPES[kind]


def specified(text: str) -> str:
    """Specifiers replaced: of them all we use only ``%%``."""
    assert "%" not in text.replace("%%", ""), "another specifier"
    return text.replace("%%", "%")
