"""The kill drill: the controller dies at random moments of an apply, and the node is old or new, never between."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardener import lab
from hardener.errors import ExitCode
from tests.integration.snapshots import KIND, RELEASE, differences, snapshot

KILLS = int(os.environ.get("HARDENER_KILLS", "3"))
GUARD_SECONDS = 10 if KIND == "container" else 60
CONTROLS = "[bks]*"
"""Banners, kernel, services, sshd, sudo: an apply of half a minute with restarts, removals and a package or two."""
LATEST = 30.0 if KIND == "container" else 300.0
"""Seconds after which the last kill comes: about as long as the apply takes."""
PATIENCE_SECONDS = 300 if KIND == "container" else 1200


@pytest.fixture
def soft_node() -> Iterator[Callable[[], lab.Node]]:
    """Makes soft nodes, each of a name of its own and in the place of the one before."""
    made: list[str] = []

    def make() -> lab.Node:
        for name in made[-1:]:
            lab.down(name)
        made.append(f"kill{len(made)}-{KIND}{RELEASE}")
        lab.down(made[-1])
        return lab.up(made[-1], kind=KIND, release=RELEASE, progress=print)

    yield make
    lab.down(made[-1])


def command(node: lab.Node, name: str, *words: str, store: Path) -> list[str]:
    """The command line of hardener over the node."""
    shared = ["-i", str(node.inventory), "-p", "beyond-cis", "--controls", CONTROLS, "--store", str(store)]
    return [sys.executable, "-m", "hardener", name, *shared, *words]


def killed_apply(node: lab.Node, seconds: float, store: Path) -> None:
    """An apply whose controller is killed after so many seconds, unless it has ended by then."""
    words = command(node, "apply", "--yes", "--guard-seconds", str(GUARD_SECONDS), store=store)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def settled(node: lab.Node, seconds: float = PATIENCE_SECONDS) -> str:
    """What became of the node's newest run, once nothing of it is under way any more."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done = lab.run(node, "[ ! -L /var/lib/hardener/lock ] && { cat /var/lib/hardener/last.json || echo {}; }")
        if done.returncode == 0:
            return str(json.loads(done.stdout).get("state", "untouched"))
        time.sleep(1)
    raise AssertionError("the guard did not come to its end")


def test_a_node_whose_controller_was_killed_is_old_or_new(soft_node: Callable[[], lab.Node], tmp_path: Path) -> None:
    node = soft_node()
    chance = random.Random(KILLS)
    before = snapshot(node)
    ended = []
    for number in range(KILLS):
        moment = chance.uniform(1.0, LATEST)
        killed_apply(node, moment, tmp_path / "runs.sqlite")
        state = settled(node)
        ended.append(f"{moment:.1f} s: {state}")
        print(f"kill {number + 1} of {KILLS} after {ended[-1]}", flush=True)
        words = command(node, "audit", store=tmp_path / "runs.sqlite")
        told = subprocess.run(words, capture_output=True, text=True, check=False)
        if state == "released":
            node = soft_node()
            before = snapshot(node)
            continue
        assert not differences(before, snapshot(node)), ended
        if state == "restored":
            assert "was taken back: " in told.stdout


def test_an_interrupted_apply_is_taken_back_and_can_be_resumed(
    soft_node: Callable[[], lab.Node], tmp_path: Path
) -> None:
    node = soft_node()
    store = tmp_path / "runs.sqlite"
    before = snapshot(node)
    words = command(node, "apply", "--yes", store=store)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ends = time.monotonic() + PATIENCE_SECONDS
    while lab.run(node, "test -e /etc/modprobe.d/hardener.conf -o -e /etc/sysctl.d/zz-hardener.conf").returncode:
        assert time.monotonic() < ends
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.INTERRUPTED, told
    assert settled(node) == "restored"
    assert not differences(before, snapshot(node))
    resumed = told.partition("--resume ")[2].split()[0]
    again = subprocess.run(
        command(node, "apply", "--yes", "--resume", resumed, store=store), capture_output=True, text=True, check=False
    )
    assert again.returncode in {ExitCode.COMPLIANT, ExitCode.FINDINGS}, again.stderr
    assert settled(node) == "released"
