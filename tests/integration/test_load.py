"""A busy node keeps its changes or gives all of them back, and nobody else notices: whatever starves or stops it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from hardener import lab
from hardener.lab import cgroups
from hardener.lab.pressure import frozen, throttled
from tests.integration.snapshots import differences, snapshot
from tests.integration.test_kill import settled

SHARE = 0.1
"""Of one processor, for all of a node."""
GUARD_SECONDS = 20
APPLIES = int(os.environ.get("HARDENER_LOADED_APPLIES", "0"))
KILLS = int(os.environ.get("HARDENER_LOADED_KILLS", "0"))
"""How many of the long ones: none, but in ``make drill``."""
SIDE_BY_SIDE = int(os.environ.get("HARDENER_LOADED_NODES", "4"))
CONTROLS = "[fps]*"
"""Firewall, packages, PAM, patching, services, sshd, sudo: packages come, services restart, access is at stake."""
PATIENCE_SECONDS = 1200


@contextmanager
def soft_node(name: str) -> Iterator[lab.Node]:
    """A soft container node."""
    lab.down(name)
    try:
        yield lab.up(name, kind="container", release="12", progress=print)
    finally:
        lab.down(name)


def started(nodes: list[lab.Node], store: Path, *words: str) -> subprocess.Popen[str]:
    """An apply over some nodes, under way."""
    inventories = [word for node in nodes for word in ("-i", str(node.inventory))]
    command = [
        sys.executable,
        "-m",
        "hardener",
        "apply",
        "--yes",
        *inventories,
        "-p",
        "beyond-cis",
        "--store",
        str(store),
    ]
    command += ["--guard-seconds", str(GUARD_SECONDS), "--connect-timeout", "60", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def is_installing(node: lab.Node) -> bool:
    """Whether apt-get installs packages there: what a checkpoint asks of it and has packed is no installation."""
    for file in cgroups.make(node).rglob("cgroup.procs"):
        for pid in file.read_text().split():
            try:
                program, *words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if Path(program).name == "apt-get" and "install" in words and "--simulate" not in words:
                return True
    return False


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look again and again, as long as a process is under way."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not is_so() and process.poll() is None:
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.1)


def loaded(number: int, store: Path, disturb: Callable[[lab.Node, subprocess.Popen[str]], None]) -> str:
    """One apply on a starved node of its own, disturbed; what became of it, and what it left that is neither."""
    with soft_node(f"load{number}-container12") as node:
        before = snapshot(node)
        with throttled(node, SHARE):
            process = started([node], store, "--controls", CONTROLS)
            disturb(node, process)
            told, complaints = process.communicate(timeout=PATIENCE_SECONDS)
            state = settled(node, PATIENCE_SECONDS)
        if state == "released":
            assert "problem" not in told, told
            return "kept"
        left = differences(before, snapshot(node))
        assert not left, (state, left, told[-500:], complaints[-500:])
        return state


def side_by_side(runs: int, store: Path, disturb: Callable[[lab.Node, subprocess.Popen[str]], None]) -> list[str]:
    """So many of these, some at once: each has its share of a processor and no more."""
    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        work = [pool.submit(loaded, number, store.with_name(f"runs{number}.db"), disturb) for number in range(runs)]
        ended = [future.result() for future in work]
    print(f"{runs} runs: {', '.join(f'{state} {ended.count(state)}' for state in sorted(set(ended)))}")
    return ended


@pytest.mark.skipif(not APPLIES, reason="takes minutes: make drill")
def test_an_apply_on_a_starved_node_keeps_its_changes_or_gives_all_back(tmp_path: Path) -> None:
    ended = side_by_side(APPLIES, tmp_path / "runs.db", lambda _node, _process: None)
    assert set(ended) <= {"kept", "restored", "untouched"}


@pytest.mark.skipif(not KILLS, reason="takes minutes: make drill")
def test_a_controller_that_is_killed_while_packages_are_installed_leaves_nothing_between(tmp_path: Path) -> None:
    chance = random.Random(KILLS)

    def kill_in_mid_installation(node: lab.Node, process: subprocess.Popen[str]) -> None:
        wait_until(lambda: is_installing(node), process)
        ends = time.monotonic() + chance.uniform(0.0, 60.0)
        wait_until(lambda: time.monotonic() > ends and is_installing(node), process)
        assert process.poll() is None, "it ended before the moment this test is about"
        process.send_signal(signal.SIGKILL)

    ended = side_by_side(KILLS, tmp_path / "runs.db", kill_in_mid_installation)
    assert set(ended) <= {"kept", "restored"}


def test_a_node_that_stands_still_for_longer_than_its_guard_waits_is_not_left_between(tmp_path: Path) -> None:
    with soft_node("load-frozen-container12") as node:
        before = snapshot(node)
        process = started([node], tmp_path / "runs.db", "--controls", "[bs]*")
        changed = "test -e /etc/ssh/sshd_config.d/00-hardener.conf -o -e /etc/sudoers.d/00-hardener"
        wait_until(lambda: lab.run(node, changed).returncode == 0, process)
        with frozen(node):
            time.sleep(GUARD_SECONDS * 1.5)  # what is tried here is that time passes
        process.communicate(timeout=PATIENCE_SECONDS)
        state = settled(node, PATIENCE_SECONDS)
        print(f"a frozen node ends as {state}")
        assert state == "released" or not differences(before, snapshot(node))


def test_nobody_notices_that_anothers_checkpoint_takes_longer_than_a_guard_waits(tmp_path: Path) -> None:
    with soft_node("load-slow-container12") as slow, soft_node("load-quick-container12") as quick:
        with throttled(slow, 0.03):
            words = ("--controls", "banners-*", "-f", "json")
            told, complaints = started([slow, quick], tmp_path / "runs.db", *words).communicate(
                timeout=PATIENCE_SECONDS
            )
            settled(slow, PATIENCE_SECONDS)
        results = {result["target"]: result for result in json.loads(told)["run"]["results"]}
        took = [line for line in complaints.splitlines() if "its checkpoint took" in line]
        print(took, results[slow.name].get("problem"))
        assert took, "the node was not slow enough to prove anything"
        assert results[quick.name]["problem"] is None
        assert results[quick.name]["checkpoint"] == "released"


SLOW_ONCE = r"""
cat > /usr/local/sbin/slow-once <<'SCRIPT'
#!/bin/sh
tr '\0' ' ' < "/proc/$PPID/cmdline" | grep --quiet BECOME-SUCCESS && mkdir /run/slowed 2>/dev/null && sleep 20
true
SCRIPT
chmod 0755 /usr/local/sbin/slow-once
echo 'session optional pam_exec.so seteuid /usr/local/sbin/slow-once' >> /etc/pam.d/sudo
"""
"""A sudo that once keeps Ansible waiting, as a busy machine's does: longer than Ansible waits by itself."""


def test_a_task_whose_sudo_takes_its_time_is_waited_for(tmp_path: Path) -> None:
    with soft_node("load-waiting-container12") as node:
        lab.run(node, SLOW_ONCE)
        told, complaints = started([node], tmp_path / "runs.db", "--controls", "banners-*").communicate(
            timeout=PATIENCE_SECONDS
        )
        assert lab.run(node, "test -d /run/slowed").returncode == 0, "nobody was kept waiting"
        assert settled(node, PATIENCE_SECONDS) == "released", (told, complaints)
