"""Makes a document another one, in one place after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any


def others(value: Any) -> Sequence[Any]:
    """What somebody might put into the place of a value."""
    if isinstance(value, bool):
        return [not value, 7]
    if isinstance(value, int | float):
        return [value + 1, -value - 1, None]
    if isinstance(value, str):
        return [f"{value}x", "../../../../home/user/ck", *([""] if value else [])]
    if value is None:
        return ["x", 0]
    wrong: Sequence[Any] = ([], {}, "x")
    return [other for other in wrong if other != value]


def forgeries(value: Any) -> Iterator[Any]:
    """The same with one place after the other changed, taken out, or added to."""
    yield from others(value)
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        for other in forgeries(value[key]):
            changed = deepcopy(value)
            changed[key] = other
            yield changed
        changed = deepcopy(value)
        del changed[key]
        yield changed
    if isinstance(value, dict):
        yield {**value, "more": 1}
