"""Reads what a target wrote, which may be anything: in bounds, and with ``ValueError`` as all that can go wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import JsonValue

LARGEST = 2**63 - 1
"""No number of a target's is larger: every database and every format can keep it."""
JSON_LIMIT = 4 * 1024 * 1024
"""As much as is kept of an answer."""
LINE_LIMIT = 1000
"""Most characters of a line for people that are a target's own words."""
MOST_LEVELS = 50
"""Nothing that is observed is nested more deeply."""


def number(text: str, *, most: int = LARGEST) -> int:
    """The whole number that some decimal digits are, from 0 to ``most``; ``ValueError`` where they are none.

    ``int`` takes signs, blanks, underscores and the digits of all scripts, and raises at 4,300 digits.
    """
    if not (0 < len(text) <= len(str(LARGEST)) and text.isascii() and text.isdigit()) or int(text) > most:
        raise ValueError(f"not a number from 0 to {most}: {one_line(text, 40)}")
    return int(text)


def one_line(text: str, most: int = LINE_LIMIT) -> str:
    """Text on one line, without what controls a terminal, and cut after ``most`` characters."""
    kept = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[:most])
    return kept if len(text) <= most else f"{kept}…"


def well_formed(text: str) -> str:
    """Text that can be encoded; lone surrogates, which JSON can say, become visible escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def json_of(text: str | bytes, *, most: int = JSON_LIMIT) -> Any:
    """What a JSON text of at most ``most`` characters or bytes says; ``ValueError`` where it says nothing.

    Its texts may hold lone surrogates: see ``well_formed`` and ``one_line``. An empty list takes three characters of
    JSON and twenty times as much memory, hence the bound.
    """
    if len(text) > most:
        raise ValueError(f"longer than {most} bytes")
    try:
        return json.loads(text, parse_constant=_refused)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"not a number: {constant}")


def observation(value: object, levels: int = MOST_LEVELS) -> JsonValue:
    """A value that every store and every report can keep; ``ValueError`` where it is none.

    Pydantic lets lone surrogates, numbers of any size and NaN pass, and fails when they are to be written.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > LARGEST:
            raise ValueError(f"no number that can be kept: more than {LARGEST}")
        return value
    if levels == 0:
        raise ValueError(f"nested more than {MOST_LEVELS} levels deep")
    if isinstance(value, Mapping):
        return {well_formed(str(name)): observation(item, levels - 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [observation(item, levels - 1) for item in value]
    raise ValueError(f"not a value that can be kept: {type(value).__name__}")
