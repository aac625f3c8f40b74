"""How long something takes, and how that is told."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 5


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Median wall time of some calls."""
    return statistics.median(seconds(work) for _ in range(rounds))


def say(what: str, figure: str) -> None:
    """One row."""
    print(f"{what:<58}{figure:>24}", flush=True)
