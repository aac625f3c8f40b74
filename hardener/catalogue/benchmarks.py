"""Benchmarks: what others recommend by number, and which of our controls answers each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from hardener.catalogue.discovery import Catalogue
from hardener.documents import read_document
from hardener.errors import ConfigError
from hardener.model import ControlRecord

BUILT_IN = Path(__file__).parent / "benchmarks"


class Recommendation(BaseModel):
    """One recommendation of a benchmark, without its text, which is licensed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: int
    judged_by: Literal["machine", "person"]
    way: str | None = None
    """For a recommendation about one of several ways to do something: a key of ``not_chosen`` where it is not ours."""


class NotChosen(BaseModel):
    """A way that the roles do not take, and the control that proves that nobody else has taken it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str
    proven_by: str


class Benchmark(BaseModel):
    """A benchmark's file: its numbers, and the name by which controls refer to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    reference: str
    not_chosen: Mapping[str, NotChosen] = {}
    recommendations: Mapping[str, Recommendation]


class Answered(StrEnum):
    """How a recommendation is answered."""

    AUTOMATED = "automated"
    MANUAL = "manual, with evidence"
    BY_CHOICE = "covered by choice"
    GAP = "GAP"


@dataclass(frozen=True)
class Place:
    """One recommendation's place among our controls."""

    number: str
    level: int
    answered: Answered
    controls: Sequence[str]
    note: str = ""


def built_in_benchmarks() -> Sequence[str]:
    """Names of the benchmarks that come with the tool, with and without their version."""
    return sorted(file.stem for file in BUILT_IN.glob("*.yml"))


def load_benchmark(name: str) -> Benchmark:
    """A benchmark by name, of which the version may be left out; ``ConfigError`` where there is none."""
    files = [
        BUILT_IN / f"{known}.yml" for known in built_in_benchmarks() if known == name or known.startswith(f"{name}-")
    ]
    if not files:
        raise ConfigError(f"no benchmark {name!r}; there are {', '.join(built_in_benchmarks())}", location=name)
    document = read_document(files[-1], error=ConfigError)
    try:
        return Benchmark.model_validate(document.data)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise ConfigError(first["msg"], location=document.location(*first["loc"])) from None


def coverage(benchmark: Benchmark, catalogue: Catalogue) -> Sequence[Place]:
    """The place of every recommendation, in the benchmark's order."""
    return places(benchmark, [control.record() for control in catalogue.values()])


def places(benchmark: Benchmark, controls: Iterable[ControlRecord]) -> Sequence[Place]:
    """The same among controls as a run keeps them."""
    answers: dict[str, list[str]] = {}
    for control in controls:
        for number in control.references.get(benchmark.reference, ()):
            answers.setdefault(number, []).append(control.id)
    return [
        _place(number, item, answers.get(number, ()), benchmark.not_chosen)
        for number, item in benchmark.recommendations.items()
    ]


def _place(number: str, item: Recommendation, controls: Sequence[str], not_chosen: Mapping[str, NotChosen]) -> Place:
    if controls:
        answered = Answered.AUTOMATED if item.judged_by == "machine" else Answered.MANUAL
        return Place(number, item.level, answered, controls)
    if item.way is not None and item.way in not_chosen:
        other = not_chosen[item.way]
        return Place(number, item.level, Answered.BY_CHOICE, [other.proven_by], f"{item.way}: {other.reason}")
    return Place(number, item.level, Answered.GAP, ())
