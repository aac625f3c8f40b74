"""Benchmarks: what others recommend by number, which of our controls answer each number, and of which level."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hardener.errors import ConfigError
from hardener.model import Platform

_NAME = re.compile(r"(?P<family>.+?)(?:-(?P<version>\d+(?:\.\d+)*))?")

Level = Annotated[int, Field(ge=1)]


class Form(BaseModel):
    """Base of what a benchmark's file holds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Recommendation(Form):
    """One recommendation of a benchmark, without its text, which is licensed."""

    level: Level | None = None
    """``None`` where whoever recommends it knows no levels."""
    judged_by: Literal["machine", "person"] | None = None
    way: str | None = None
    """For a recommendation about one of several ways to do something: a key of ``not_chosen`` where it is not ours."""
    controls: Sequence[str] = ()


class NotChosen(Form):
    """A way that the roles do not take, and the control that proves that nobody else has taken it."""

    reason: str
    proven_by: str


@dataclass(frozen=True)
class Benchmark:
    """What somebody recommends, number by number, and which controls answer it."""

    name: str
    """With the version."""
    title: str
    recommendations: Mapping[str, Recommendation]
    """By number; where there are no numbers, by the control that each is about."""
    reference: str | None = None
    """How runs and reports call its numbers; ``None`` where there are none."""
    not_chosen: Mapping[str, NotChosen] = field(default_factory=dict)
    platform: Platform | None = None
    """The system it is for: there it is the one that a profile means which names none."""

    @property
    def family(self) -> str:
        """Its name without the version."""
        return parts_of(self.name)[0]

    @property
    def version(self) -> list[tuple[int, str]]:
        """By which the newest of a family is found."""
        return by_number(parts_of(self.name)[1])

    @property
    def has_levels(self) -> bool:
        """Whether its recommendations have levels."""
        return any(item.level is not None for item in self.recommendations.values())


def by_number(number: str) -> list[tuple[int, str]]:
    """Sorts as people count: ``AC-10`` comes after ``AC-2``."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", number)]


def parts_of(name: str) -> tuple[str, str]:
    """Family and version: ``nist-800-53-5`` is the fifth of ``nist-800-53``."""
    match = _NAME.fullmatch(name)
    return (match["family"], match["version"] or "") if match else (name, "")


def benchmark_named(
    name: str, benchmarks: Iterable[Benchmark], *, location: str, error: type[ConfigError] = ConfigError
) -> Benchmark:
    """A benchmark by name, and the newest of those where the version is left out; ``error`` without any."""
    known = list(benchmarks)
    found = [item for item in known if item.name == name] or [item for item in known if item.family == name]
    if not found:
        names = ", ".join(item.name for item in known)
        raise error(f"no benchmark {name!r}; there are {names}", location=location)
    return max(found, key=lambda item: item.version)


def of_platforms(benchmarks: Iterable[Benchmark]) -> Mapping[Platform, Benchmark]:
    """The benchmark that is meant on each system: the newest of those that are for it."""
    known = sorted(benchmarks, key=lambda item: item.version)
    return {item.platform: item for item in known if item.platform is not None}


def references_of(benchmarks: Iterable[Benchmark]) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Control → reference of a benchmark → its numbers there."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for benchmark in benchmarks:
        if benchmark.reference is None:
            continue
        for number, item in benchmark.recommendations.items():
            for identifier in item.controls:
                numbers = found.setdefault(identifier, {})
                numbers[benchmark.reference] = (*numbers.get(benchmark.reference, ()), number)
    return found


def levels_of(benchmarks: Iterable[Benchmark]) -> Mapping[str, int]:
    """Control → its level, which is the lowest it has anywhere."""
    levels: dict[str, int] = {}
    for item in (item for benchmark in benchmarks for item in benchmark.recommendations.values()):
        if item.level is None:
            continue
        for identifier in item.controls:
            levels[identifier] = min(item.level, levels.get(identifier, item.level))
    return levels
