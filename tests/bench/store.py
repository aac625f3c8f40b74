"""A simulated year of nights in a store: its size, and how long a night, drift and one control's history take."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from hardener.drift import find_drift
from hardener.model import (
    Access,
    Answer,
    Become,
    ControlRecord,
    Disruption,
    Facts,
    FileWalk,
    Finding,
    Outcome,
    Platform,
    Run,
    RunKind,
    Scope,
    Severity,
    TargetResult,
    Transcript,
)
from hardener.store import Store
from tests.bench.figures import median, say, seconds
from tests.integration.postgresql import postgresql

TARGETS = 1000
CONTROLS = 270
CHANGING = 0.001
"""Findings that are different on the next night, half of them because somebody repaired them."""
REPAIRED = 7
"""Nights after which a difference is gone again."""
RESTARTED = 0.03
"""Targets on which something was restarted since the night before: once a month."""
FIRST = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)


def _record(number: int) -> ControlRecord:
    return ControlRecord(
        id=f"role{number % 20}-control{number}",
        title=f"The title of control {number}, a line of some length",
        why="A reason of a sentence or two, as the catalogue has them for every control there is.",
        role=f"role{number % 20}",
        level=1,
        severity=Severity.MEDIUM,
        disruption=Disruption.NONE,
        references={"cis-debian12": (f"1.{number}",), "nist-800-53": ("SI-16",)},
        remedy="What the role does, in a sentence.",
        is_remediable=True,
        is_manual=False,
    )


@dataclass
class Fleet:
    """Targets that change a little every night; what stays the same is the same object, so that a night is cheap."""

    targets: int = TARGETS
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    records: Sequence[ControlRecord] = tuple(_record(number) for number in range(CONTROLS))
    findings: dict[tuple[str, int], Finding] = field(default_factory=dict)
    answers: dict[tuple[str, int], Answer] = field(default_factory=dict)
    restarts: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Number of a target → the last night something was restarted on it."""

    def nights(self, count: int) -> Iterator[Run]:
        """Runs of the whole fleet, one a night."""
        values = [[self.dice.randrange(4) for _ in self.records] for _ in range(self.targets)]
        usual = [[*row] for row in values]
        different: deque[list[tuple[int, int]]] = deque(maxlen=REPAIRED)
        for night in range(count):
            if len(different) == REPAIRED:
                for row, column in different[0]:
                    values[row][column] = usual[row][column]
            if night:
                different.append([])
            for _ in range(round(self.targets * CONTROLS * CHANGING / 2) if night else 0):
                row, column = self.dice.randrange(self.targets), self.dice.randrange(CONTROLS)
                values[row][column] = (values[row][column] + self.dice.randrange(1, 100)) % 103
                different[-1].append((row, column))
            yield self._run(night, [self._result(number, night, seen) for number, seen in enumerate(values)])

    def _run(self, night: int, results: Sequence[TargetResult]) -> Run:
        started = FIRST + timedelta(days=night)
        return Run.model_construct(
            id=f"{started:%Y%m%dT%H%M%SZ}-0000",
            kind=RunKind.AUDIT,
            started=started,
            finished=started + timedelta(minutes=3),
            operator="bench",
            tool_version="0",
            profile="cis-level1",
            scope=Scope(inventories=("hosts.yml",)),
            controls={record.id: record for record in self.records},
            results=tuple(results),
            before=(),
        )

    def _result(self, number: int, night: int, values: Sequence[int]) -> TargetResult:
        findings = [self._finding(column, seen) for column, seen in enumerate(values)]
        answers = {
            f"cat /proc/{record.id}": self._answer(record.id, seen)
            for record, seen in zip(self.records, values, strict=True)
        }
        # A quiet target answers as it did the night before, but for its sockets, which move with every restart.
        if self.dice.random() < RESTARTED:
            self.restarts[number] = night
        answers["ss -l"] = self._sockets(number)
        began = FIRST + timedelta(days=night, seconds=self.dice.random() * 180)
        return TargetResult.model_construct(
            target=f"host{number:04}",
            groups=("nodes", f"rack{number // 40}"),
            access=_access(number, began),
            facts=_facts(number),
            values={"sshd_options.maxauthtries": 3, "time_choice.daemon": "chrony"},
            findings=tuple(findings),
            changes=(),
            transcript=Transcript.model_construct(answers=answers, round_trips=1),
            problem=None,
            seconds=round(1 + self.dice.random(), 3),
            walk=FileWalk(started=began, seconds=round(self.dice.random(), 2), directories=("/", "/var")),
            tasks=0,
        )

    def _sockets(self, number: int) -> Answer:
        rows = (f"LISTEN 0 128 0.0.0.0:{port} 0.0.0.0:* sshd pid={self.restarts[number]}{port}" for port in range(8))
        return Answer(exit_status=0, stdout="\n".join(rows).encode())

    def _finding(self, column: int, seen: int) -> Finding:
        identifier = self.records[column].id
        if (identifier, seen) not in self.findings:
            is_good = seen < 4
            self.findings[identifier, seen] = Finding(
                control=identifier,
                outcome=Outcome.PASS if is_good else Outcome.FAIL,
                observed={"now": seen, "after reboot": seen},
                expected="now and after reboot: at most 3",
                reason="" if is_good else f"is {seen}",
                questions=(f"cat /proc/{identifier}",),
            )
        return self.findings[identifier, seen]

    def _answer(self, identifier: str, seen: int) -> Answer:
        if (identifier, seen) not in self.answers:
            self.answers[identifier, seen] = Answer(exit_status=0, stdout=f"{identifier} = {seen}\n".encode() * 8)
        return self.answers[identifier, seen]


def _access(number: int, at: datetime) -> Access:
    key = base64.b64encode(hashlib.sha256(str(number).encode()).digest()).decode().rstrip("=")
    return Access(at=at, host_key=f"ssh-ed25519 SHA256:{key}", become=Become(user="root", method="sudo"))


def _facts(number: int) -> Facts:
    return Facts(
        platform=Platform(family="debian", release="12"),
        kernel="6.1.0-28-amd64",
        machine_id=f"{number:032x}",
        operator="admin",
        operator_groups=("admin", "sudo"),
        is_root=True,
        has_python=True,
    )


def year() -> None:
    """The figures on SQLite, then on a PostgreSQL server of our own; ``HARDENER_BENCH_NIGHTS`` of 365 is all of it."""
    count = int(os.environ.get("HARDENER_BENCH_NIGHTS", "30"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "runs.sqlite"
        _measure("SQLite", str(file), count, lambda: file.stat().st_size)
    with postgresql() as url:
        _measure("PostgreSQL", url, count, lambda: _server_size(url))


def _server_size(url: str) -> int:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        size = int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    engine.dispose()
    return size


def _measure(name: str, location: str, count: int, size: Callable[[], int]) -> None:
    store = Store(location)
    fleet = Fleet()
    nights = [seconds(partial(store.save, run)) for run in fleet.nights(count)]
    what = f"{name}, {TARGETS} targets x {CONTROLS} controls x {count} nights"
    say(f"{what}: MB", f"{size() / 1e6:.0f}")
    say(f"{name}: MB a night", f"{size() / 1e6 / count:.2f}")
    say(
        f"{name}: writing the first night, a later one: seconds",
        f"{nights[0]:.1f}, {statistics.median(nights[1:]):.1f}",
    )
    say(f"{name}: writing a night, the slowest: seconds", f"{max(nights):.1f}")
    say(f"{name}: drift since the night before: seconds", f"{median(lambda: find_drift(store.compare())):.2f}")
    first = min(item.id for item in store.runs())
    store.declare_baseline(first, "*", FIRST)
    say(f"{name}: drift since the first night: seconds", f"{median(lambda: find_drift(store.compare())):.2f}")
    command = [sys.executable, "-m", "hardener", "drift", "--store", location]
    whole = median(lambda: subprocess.run(command, check=False, capture_output=True), 3)
    say(f"{name}: the command `hardener drift`: seconds", f"{whole:.2f}")
    once = median(lambda: store.history("host0500", fleet.records[5].id))
    say(f"{name}: history of a control on a target: ms", f"{1000 * once:.1f}")
    say(f"{name}: loading a whole night: seconds", f"{seconds(lambda: store.load('latest')):.1f}")
    say(f"{name}: looking through the whole store: seconds", f"{seconds(store.problems):.1f}")
    say(f"{name}: pruning all but a tenth: seconds", f"{seconds(lambda: store.prune(keep_runs=count // 10)):.1f}")
    say(f"{name}: MB afterwards", f"{size() / 1e6:.0f}")
