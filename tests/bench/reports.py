"""How long a report takes and how much memory: every format over a large fleet, those that stream over a vast one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from hardener import reports
from hardener.store import Store
from tests.bench.figures import say
from tests.bench.store import CONTROLS, Fleet

LARGE = 200
VAST = int(os.environ.get("HARDENER_BENCH_TARGETS", "10000"))
STREAMING = ("csv", "json", "ndjson", "sarif")


def tell() -> None:
    """The command `hardener report` as people type it; ``HARDENER_BENCH_TARGETS`` is how many a vast fleet has."""
    _measure(LARGE, reports.formats())
    _measure(VAST, STREAMING)


def _measure(targets: int, formats: Iterable[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, output = Path(folder) / "runs.sqlite", Path(folder) / "report"
        # In a process of its own: the peak of a child's memory is never below that of the process that made it.
        subprocess.run([sys.executable, "-m", "tests.bench.reports", store, str(targets)], check=True)
        for name in formats:
            command = [sys.executable, "-m", "hardener", "report", "-f", name, "-o", output, "--store", store]
            started = time.perf_counter()
            process = subprocess.Popen(list(map(str, command)))
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0, command
            what = f"{name}, {targets} targets x {CONTROLS} controls"
            say(f"{what}: seconds", f"{time.perf_counter() - started:.1f}")
            say(f"{what}: seconds of CPU", f"{usage.ru_utime + usage.ru_stime:.1f}")
            say(f"{what}: peak of memory, MiB", f"{usage.ru_maxrss / 1024:.0f}")
            say(f"{what}: MB written", f"{output.stat().st_size / 1e6:.1f}")


def _keep(location: str, targets: int) -> None:
    """Keep one night of a fleet of so many."""
    store = Store(location)
    for run in Fleet(targets=targets).nights(1):
        store.save(run)


if __name__ == "__main__":
    _keep(sys.argv[1], int(sys.argv[2]))
