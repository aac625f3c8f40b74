"""What a target's checkpoint program answers, read as what it may say: whatever else it says is ``CheckpointFailed``.

One function for each thing the program is asked for. Fields that nobody here knows are a later program's, and ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hardener.errors import CheckpointFailed
from hardener.untrusted import json_of, one_line

LIMIT = 2 * 1024 * 1024
"""Most bytes of an answer: ten thousands of names. Reading more of them could need more than 64 MiB."""
TEXT_LIMIT = 4096 + 256
"""Most characters of one text: a path, and what is the matter with it."""
STATES = ("taking", "armed", "restoring", "released", "restored")

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Status:
    """What has become of a run; of one that was never there all is empty. All texts are lines that can be shown."""

    run: str = ""
    operator: str = ""
    state: str = ""
    """One of ``STATES``."""
    reason: str = ""
    """Why it was restored."""
    left: Sequence[str] = ()
    """What could not be brought back, in words."""

    @property
    def words(self) -> str:
        """Which run it is, and whose."""
        return f"{self.run or 'unknown'} of {self.operator or 'unknown'}"


@dataclass(frozen=True)
class Taken:
    """A checkpoint that was taken, or the run that is under way there, so that none was."""

    locked_by: Status | None
    unkept: Mapping[str, str]
    """What could not be kept: path → why."""


@dataclass(frozen=True)
class RolledBack:
    """What a rollback came to: kinds of state and names, and in words what could not be brought back."""

    undone: Sequence[tuple[str, str]]
    conflicts: Sequence[tuple[str, str]]
    left: Sequence[str]
    ownerless: Sequence[str]
    """What came since the run and belongs to accounts that are gone, in words; it stays as it is."""


def taken(answer: bytes) -> Taken:
    """The answer to ``take``."""
    return _read(
        answer,
        lambda found: Taken(
            locked_by=_status(_mapping(found["locked_by"])) if "locked_by" in found else None,
            unkept={_text(path): _text(why) for path, why in _mapping(found.get("unkept", {})).items()},
        ),
    )


def status(answer: bytes) -> Status:
    """The answer to ``status``, ``release`` and ``restore``."""
    return _read(answer, _status)


def rolled_back(answer: bytes) -> RolledBack:
    """The answer to ``rollback``."""
    return _read(
        answer,
        lambda found: RolledBack(
            undone=[_pair(item) for item in _list(found["undone"])],
            conflicts=[_pair(item) for item in _list(found["conflicts"])],
            left=[_text(item) for item in _list(found["left"])],
            # A checkpoint of an earlier version answers by its own program, which does not know of them.
            ownerless=[_text(item) for item in _list(found.get("ownerless", []))],
        ),
    )


def failure(stderr: bytes) -> CheckpointFailed:
    """The error of a program that failed: the last thing it said."""
    lines = stderr[-TEXT_LIMIT:].decode("utf-8", "backslashreplace").strip().splitlines()
    return CheckpointFailed(
        one_line(lines[-1].removeprefix("hardener: ") if lines else "the checkpoint program failed")
    )


def _read(answer: bytes, read: Callable[[Mapping[str, Any]], _Answer]) -> _Answer:
    try:
        return read(_mapping(json_of(answer, most=LIMIT)))
    except KeyError as error:
        raise CheckpointFailed(f"the checkpoint program's answer cannot be read: it lacks {error}") from None
    except ValueError as error:
        raise CheckpointFailed(one_line(f"the checkpoint program's answer cannot be read: {error}")) from None


def _status(found: Mapping[str, Any]) -> Status:
    state = _text(found.get("state", ""))
    if state not in {"", *STATES}:
        raise ValueError(f"not the state of a run: {state}")
    return Status(
        run=_text(found.get("run", "")),
        operator=_text(found.get("operator", "")),
        state=state,
        reason=_text(found.get("reason", "")),
        left=[_text(item) for item in _list(found.get("left", []))],
    )


def _mapping(found: object) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(f"not an object: {type(found).__name__}")  # noqa: TRY004  (the target's mistake, not ours)
    return found


def _list(found: object) -> Sequence[Any]:
    if not isinstance(found, list):
        raise ValueError(f"not a list: {type(found).__name__}")  # noqa: TRY004
    return found


def _pair(found: object) -> tuple[str, str]:
    words = _list(found)
    if len(words) != 2:
        raise ValueError(f"not a kind and a name: {len(words)} words")
    return _text(words[0]), _text(words[1])


def _text(found: object) -> str:
    """Text on one line: what is not UTF-8 in a name, or controls a terminal, becomes visible escapes."""
    if not isinstance(found, str):
        raise ValueError(f"not a text: {type(found).__name__}")  # noqa: TRY004
    return one_line(found, TEXT_LIMIT)
