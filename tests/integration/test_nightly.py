"""Ten nights, each with a fault: nothing is lost or forgotten, and nothing compared with half a view."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hardener import lab
from hardener.catalogue.discovery import discover
from hardener.errors import ExitCode
from hardener.model import Outcome, Run
from hardener.store import Store
from tests.integration.ways import Spoiled, Way, inventory

SEED = int(os.environ.get("HARDENER_FAULTS", "10"))
NIGHTS = 10
PROFILE = """\
---
title: Banners alone, so that an audit is short
controls: ["banners-*"]
"""
CONTROL = "banners-issue"
LATEST_KILL = 3.0
"""Seconds after which a controller is killed at the latest: about as long as an audit takes."""
FULL = r"""
mount -t tmpfs -o size=$(( $(stat -c %s "$1") + 65536 )) tmpfs "$2"
cp "$1" "$2/runs.db"; shift 2
exec "$@"
"""
"""In a mount namespace of its own: a command whose store's file system has no room for another run."""
NODES = 3


@pytest.fixture
def ways() -> Iterator[list[Way]]:
    """Two targets on each of three nodes whose banners are as they should be."""
    names = [f"night{number}" for number in range(NODES)]
    for name in names:
        lab.down(name)
    nodes = [lab.up(name, kind="container", release="12", progress=print) for name in names]
    made = [Way(f"t{number}", nodes[number % NODES], nodes[(number + 1) % NODES]) for number in range(2 * NODES)]
    yield made
    for way in made:
        way.close()
    for name in names:
        lab.down(name)


@dataclass
class Fleet:
    """The targets, what is true of them, and what was last completely seen of them."""

    ways: Sequence[Way]
    folder: Path
    holds: dict[str, bool] = field(default_factory=dict)
    """By node, whether its banner is as it should be."""
    seen: dict[str, bool] = field(default_factory=dict)
    """By target, the same as it was last completely seen."""

    @property
    def store(self) -> Path:
        return self.folder / "runs.db"

    def words(self, command: str, *others: str, store: Path | None = None) -> list[str]:
        return [sys.executable, "-m", "hardener", command, "--store", str(store or self.store), "-f", "json", *others]

    @property
    def audit(self) -> list[str]:
        shared = [
            "-i",
            str(self.folder / "hosts.yml"),
            "-p",
            str(self.folder / "banners.yml"),
            "--connect-timeout",
            "3",
        ]
        return self.words("audit", *shared)

    def turn(self, node: lab.Node) -> None:
        """Break a node's banner, or mend it."""
        is_right = self.holds[node.name] = not self.holds[node.name]
        violation = discover()[CONTROL].violation
        assert violation is not None
        commands = ["cp /root/issue /etc/issue"] if is_right else violation.commands
        lab.run(node, "\n".join(commands))

    def saw(self) -> None:
        """Every target that can be seen has been."""
        self.seen |= {way.name: self.holds[way.node.name] for way in self.ways if way.spoiled in {None, Spoiled.SLOW}}


def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


def runs(fleet: Fleet) -> int:
    return len(Store(fleet.store).runs())


def check_kept(fleet: Fleet, run: Run, lost: set[str]) -> None:
    """Every target once; of every one that could be seen every control once, and of the others none."""
    assert [result.target for result in run.results] == [way.name for way in fleet.ways]
    every = sorted(discover())
    for result in run.results:
        found = sorted(finding.control for finding in result.findings if finding.outcome is not Outcome.ERROR)
        assert found == every or (result.target in lost and result.problem), result
        assert (result.problem is not None) == (result.target in lost), result.problem
    assert list(Store(fleet.store).problems()) == []


def check_drift(fleet: Fleet, before: dict[str, bool], lost: set[str]) -> None:
    """What does not hold any more, as each target was last seen, what was mended since, and nothing else."""
    told = run(fleet.words("drift"))
    events = json.loads(told.stdout)["drift"]["events"] if told.stdout else []
    expected: set[tuple[str, str, str | None]] = {
        (name, "fixed" if holds else "regressed", CONTROL)
        for name, holds in fleet.seen.items()
        if not holds or not before.get(name, True)
    }
    expected |= {(name, "unreachable", None) for name in lost}
    assert {(event["target"], event["kind"], event["control"]) for event in events} == expected
    regressed = any(kind == "regressed" for _, kind, _ in expected)
    code = ExitCode.INCOMPLETE if lost else ExitCode.FINDINGS if regressed else ExitCode.COMPLIANT
    assert told.returncode == code, told.stderr


def spoiled_night(fleet: Fleet, chance: random.Random, fault: Spoiled) -> None:
    """Some targets cannot be reached as they should."""
    for way in chance.sample(list(fleet.ways), k=2):
        way.spoiled = fault
    lost = set() if fault is Spoiled.SLOW else {way.name for way in fleet.ways if way.spoiled}
    before = dict(fleet.seen)
    told = run(fleet.audit)
    fleet.saw()
    is_failing = any(not fleet.holds[way.node.name] for way in fleet.ways if way.name not in lost)
    code = ExitCode.INCOMPLETE if lost else ExitCode.FINDINGS if is_failing else ExitCode.COMPLIANT
    assert told.returncode == code, told.stderr
    check_kept(fleet, Store(fleet.store).load("latest"), lost)
    check_drift(fleet, before, lost)
    for way in fleet.ways:
        way.spoiled = None


def full_night(fleet: Fleet) -> None:
    """The store has no room: what was seen is told all the same, and the store stays as it was."""
    kept = runs(fleet)
    (fleet.folder / "full").mkdir(exist_ok=True)
    words = [word.replace(str(fleet.store), str(fleet.folder / "full" / "runs.db")) for word in fleet.audit]
    inside = ["sh", "-ec", FULL, "sh", str(fleet.store), str(fleet.folder / "full"), *words]
    told = run(["unshare", "--mount", "--propagation", "private", "--", *inside])
    assert told.returncode == ExitCode.BAD_CONFIG, told.stderr
    assert "full" in told.stderr.splitlines()[-1], told.stderr
    results: list[dict[str, Any]] = json.loads(told.stdout)["run"]["results"]
    assert [result["target"] for result in results] == [way.name for way in fleet.ways]
    assert runs(fleet) == kept


def killed_night(fleet: Fleet, chance: random.Random) -> None:
    """The controller is killed and started again; what it had kept by then counts, and nothing else."""
    kept = runs(fleet)
    process = subprocess.Popen(fleet.audit, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(chance.uniform(0.2, LATEST_KILL))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if runs(fleet) > kept:
        fleet.saw()
    before = dict(fleet.seen)
    assert run(fleet.audit).returncode in {ExitCode.COMPLIANT, ExitCode.FINDINGS}
    fleet.saw()
    check_kept(fleet, Store(fleet.store).load("latest"), set())
    check_drift(fleet, before, set())


def test_ten_nights_with_a_fault_each(ways: list[Way], tmp_path: Path) -> None:
    fleet = Fleet(ways, tmp_path)
    inventory(ways, tmp_path)
    (tmp_path / "banners.yml").write_text(PROFILE)
    one_of_each = ":".join(way.name for way in ways[:NODES])
    applied = run(["apply" if word == "audit" else word for word in [*fleet.audit, "-l", one_of_each, "--yes"]])
    assert applied.returncode == ExitCode.COMPLIANT, applied.stderr
    for way in ways[:NODES]:
        fleet.holds[way.node.name] = True
        lab.run(way.node, "cp /etc/issue /root/issue")
    assert run(fleet.audit).returncode == ExitCode.COMPLIANT
    fleet.saw()
    chance = random.Random(SEED)
    faults = [*Spoiled, "full", "killed"]
    for fault in [*faults, *chance.choices(faults, k=NIGHTS - len(faults))]:
        fleet.turn(chance.choice(ways).node)
        if fault == "full":
            full_night(fleet)
        elif fault == "killed":
            killed_night(fleet, chance)
        else:
            spoiled_night(fleet, chance, Spoiled(fault))
