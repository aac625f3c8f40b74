"""Expectations decide whether an observed value is acceptable, and say so in words.

An expectation never asks a host anything: it takes what a control observed and returns its complaints.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOW = "now"
AFTER_REBOOT = "after reboot"


@dataclass(frozen=True)
class Expectation:
    """What is acceptable, in words, and the complaints about one observed value (none: acceptable)."""

    words: str
    complaints: Callable[[Any], Sequence[str]]

    def accepts(self, observed: object) -> bool:
        """Whether there is nothing to complain about."""
        return not self.complaints(observed)


def shown(value: object) -> str:
    """A value as people read it: ``unset`` for nothing, lists with commas."""
    if isinstance(value, str):
        return value
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(item)}" for key, item in value.items())
    if isinstance(value, Iterable):
        return ", ".join(shown(item) for item in value) or "none"
    return str(value)


def satisfying(words: str, accepts: Callable[[Any], bool]) -> Expectation:
    """An expectation from a predicate; its one complaint shows the value."""
    return Expectation(words, lambda observed: () if accepts(observed) else (f"is {shown(observed)}",))


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    try:
        return int(str(value))
    except ValueError:
        return None


def _numeric(words: str, accepts: Callable[[int], bool]) -> Expectation:
    def numeric_and_accepted(observed: object) -> bool:
        number = _number(observed)
        return number is not None and accepts(number)

    return satisfying(words, numeric_and_accepted)


def equals(wanted: object) -> Expectation:
    """Exactly this value; ``1`` and ``"1"`` are the same value, as they are to every configuration file."""
    words = shown(wanted)
    return satisfying(words, lambda observed: shown(observed) == words)


def one_of(*wanted: object) -> Expectation:
    """Any of these values."""
    words = [shown(value) for value in wanted]
    return satisfying(" or ".join(words), lambda observed: shown(observed) in words)


def at_most(limit: object) -> Expectation:
    """A number no greater than the limit."""
    return _numeric(f"at most {limit}", lambda number: number <= int(str(limit)))


def at_least(limit: object) -> Expectation:
    """A number no smaller than the limit."""
    return _numeric(f"at least {limit}", lambda number: number >= int(str(limit)))


def between(least: object, most: object) -> Expectation:
    """A number in the closed range."""
    return _numeric(f"{least} to {most}", lambda number: int(str(least)) <= number <= int(str(most)))


def version_at_least(oldest: str) -> Expectation:
    """A package version that sorts after another, or is the same, as deb-version(7) orders them."""
    return satisfying(f"{oldest} or newer", lambda observed: _sorted_version(observed) >= _sorted_version(oldest))


def _sorted_version(version: object) -> list[Any]:
    """A version as a list that Python orders as dpkg does: epoch, then letters and numbers by turns.

    A tilde sorts before the end of a part, letters before all other signs.
    """
    match = re.fullmatch(r"(?:(\d+):)?(.*?)(?:-([^-]*))?", str(version))
    epoch, upstream, revision = match.groups() if match else (None, str(version), None)
    return [int(epoch or 0), _sorted_part(upstream), _sorted_part(revision or "0")]


def _sorted_part(part: str) -> list[Any]:
    """Alternating: the order of every letter of a run without digits, then the number that follows it."""
    runs = re.findall(r"(\D*)(\d*)", part)
    orders = [[*map(_letter_order, letters), 0] for letters, _ in runs]
    return [item for order, (_, digits) in zip(orders, runs, strict=True) for item in (order, int(digits or 0))]


def _letter_order(letter: str) -> int:
    """Of one sign: tilde, end of the run (0), letters, everything else."""
    return -1 if letter == "~" else ord(letter) if letter.isalpha() else ord(letter) + 256


def each_at_most(limits: str, *, separator: str = ":") -> Expectation:
    """Numbers in one word, each no greater than its counterpart: ``10:30:60``."""

    def accepts(observed: object) -> bool:
        numbers = [_number(part) for part in str(observed).split(separator)]
        bounds = [int(part) for part in limits.split(separator)]
        return len(numbers) == len(bounds) and all(
            number is not None and number <= bound for number, bound in zip(numbers, bounds, strict=True)
        )

    return satisfying(f"at most {limits}", accepts)


def subset_of(allowed: Iterable[str]) -> Expectation:
    """A list that holds nothing else; an empty list is not acceptable, for it allows nothing at all."""
    names = tuple(allowed)
    permitted = frozenset(names)

    def complaints(observed: Sequence[str] | None) -> Sequence[str]:
        if not observed:
            return ("lists nothing",)
        surplus = [name for name in observed if name not in permitted]
        return (f"also has {', '.join(surplus)}",) if surplus else ()

    return Expectation(f"only {', '.join(names)}", complaints)


def nothing() -> Expectation:
    """An empty list, an empty mapping, or no value."""
    return Expectation("none", lambda observed: (f"has {shown(observed)}",) if observed else ())


def something() -> Expectation:
    """Any non-empty value."""
    return Expectation("set", lambda observed: () if observed else ("is not set",))


def is_true() -> Expectation:
    """The observed fact holds."""
    return satisfying("yes", lambda observed: observed is True)


def mode_at_most(limit: str) -> Expectation:
    """An octal mode with no permission bit beyond the limit: ``0600`` accepts ``0400``."""
    return satisfying(f"mode {limit} or stricter", lambda observed: not int(str(observed), 8) & ~int(limit, 8) & 0o7777)


def fields(wanted: Mapping[str, Expectation]) -> Expectation:
    """One expectation for each named field of a mapping; every complaint says which field it is about."""

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        found = []
        for name, expectation in wanted.items():
            if name not in observed:
                found.append(f"{name} is missing")
                continue
            found += [f"{name} {text}" for text in expectation.complaints(observed[name])]
        return tuple(found)

    return Expectation(_words_of_fields(wanted), complaints)


def _words_of_fields(wanted: Mapping[str, Expectation]) -> str:
    """Once where every field is expected to be the same."""
    words = {item.words for item in wanted.values()}
    if len(words) == 1:
        return next(iter(words))
    return "; ".join(f"{name}: {item.words}" for name, item in wanted.items())


def present_fields(wanted: Mapping[str, Expectation]) -> Expectation:
    """Like ``fields``, for the fields that were observed: for things a host need not have."""

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        return fields({name: wanted[name] for name in observed}).complaints(observed)

    return Expectation(fields(wanted).words, complaints)


def every(expectation: Expectation, words: str) -> Expectation:
    """The same expectation for every value of a mapping, whatever its keys; an empty mapping is acceptable."""

    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        return tuple(f"{name} {text}" for name, value in observed.items() for text in expectation.complaints(value))

    return Expectation(words, complaints)


def any_of(*options: Expectation) -> Expectation:
    """At least one of the options; the complaints are those of the first, which is the one a remedy brings about."""

    def complaints(observed: object) -> Sequence[str]:
        if any(option.accepts(observed) for option in options):
            return ()
        return options[0].complaints(observed)

    return Expectation(" or ".join(option.words for option in options), complaints)


def now_and_after_reboot(expectation: Expectation) -> Expectation:
    """The expectation for both the running system and the one that comes up next; complaints say which."""
    both = fields({NOW: expectation, AFTER_REBOOT: expectation})
    return Expectation(f"{expectation.words}, now and after a reboot", both.complaints)
