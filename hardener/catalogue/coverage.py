"""Coverage: how each recommendation of a benchmark is answered, or that it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hardener.catalogue.benchmarks import Benchmark
from hardener.model import ControlRecord


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
    level: int | None
    answered: Answered
    controls: Sequence[str]
    note: str = ""


def places(benchmark: Benchmark, controls: Mapping[str, ControlRecord]) -> Sequence[Place]:
    """The place of every recommendation among some controls, in the benchmark's order."""
    return [_place(number, benchmark, controls) for number in benchmark.recommendations]


def _place(number: str, benchmark: Benchmark, controls: Mapping[str, ControlRecord]) -> Place:
    item = benchmark.recommendations[number]
    answering = [name for name in controls if name in item.controls]
    if item.way is not None and item.way in benchmark.not_chosen:
        other = benchmark.not_chosen[item.way]
        note = f"{item.way}: {other.reason}"
        return Place(number, item.level, Answered.BY_CHOICE, answering or [other.proven_by], note)
    if answering:
        is_manual = item.judged_by == "person" or all(controls[name].is_manual for name in answering)
        return Place(number, item.level, Answered.MANUAL if is_manual else Answered.AUTOMATED, answering)
    return Place(number, item.level, Answered.GAP, ())
