"""An apply over several real nodes: it stops where one is lost, goes on from there, and restarts what waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from hardener import lab
from hardener.errors import ExitCode
from tests.integration.snapshots import KIND, RELEASE, differences, snapshot

WAITS_FOR_REBOOT = "bootloader-argument-audit"


@pytest.fixture
def nodes() -> Iterator[list[lab.Node]]:
    """Three soft containers, or with a virtual machine asked for that one alone."""
    names = [f"roll{number}-{KIND}{RELEASE}" for number in range(3 if KIND == "container" else 1)]
    for name in names:
        lab.down(name)
    yield [lab.up(name, kind=KIND, release=RELEASE, progress=print) for name in names]
    for name in names:
        lab.down(name)


def inventory(nodes: Sequence[lab.Node], folder: Path, **lost: int) -> Path:
    """All nodes in one inventory, in their order; those ``lost`` at a port where nobody answers."""
    hosts: dict[str, Any] = {}
    for node in nodes:
        hosts |= yaml.safe_load(node.inventory.read_text())["lab"]["hosts"]
    for name, port in lost.items():
        hosts[name]["ansible_port"] = port
    file = folder / "hosts.yml"
    file.write_text(yaml.safe_dump({"lab": {"hosts": hosts}}, sort_keys=False))
    return file


def hardener(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line, to its end."""
    command = [sys.executable, "-m", "hardener", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def results(said: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """By target, what a run in JSON says."""
    assert said.stdout, said.stderr
    return {result["target"]: result for result in json.loads(said.stdout)["run"]["results"]}


@pytest.mark.skipif(KIND != "container", reason="three nodes")
def test_a_rollout_stops_where_a_node_is_lost_and_goes_on_from_there(nodes: list[lab.Node], tmp_path: Path) -> None:
    first, second, third = nodes
    hosts = inventory(nodes, tmp_path, **{second.name: 9})
    shared = ("-i", hosts, "-p", "beyond-cis", "--controls", "banners-*", "--store", tmp_path / "runs.db", "-f", "json")
    untouched = snapshot(third)
    stopped = hardener("apply", "--yes", *shared, "--batches", "1", "--connect-timeout", "5")
    assert stopped.returncode == ExitCode.INCOMPLETE
    seen = results(stopped)
    assert seen[first.name]["problem"] is None
    assert seen[third.name]["problem"] == f"not started: 1 of 2 targets failed ({second.name})"
    assert not differences(untouched, snapshot(third))
    inventory(nodes, tmp_path)
    seen = results(
        resumed := hardener("apply", "--yes", *shared, "--resume", "latest", "--batches", "1", "--health", "true")
    )
    assert (resumed.returncode, list(seen)) == (ExitCode.COMPLIANT, [second.name, third.name])


@pytest.mark.skipif(KIND != "container", reason="three nodes")
def test_a_health_command_that_fails_ends_a_rollout_in_the_groups_order(nodes: list[lab.Node], tmp_path: Path) -> None:
    hosts = yaml.safe_load(inventory(nodes, tmp_path).read_text())["lab"]["hosts"]
    last = nodes[2].name
    groups = {"lab": {"hosts": hosts}, "canary": {"hosts": {last: {}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(groups, sort_keys=False))
    shared = (
        "-i",
        tmp_path / "hosts.yml",
        "-p",
        "beyond-cis",
        "--controls",
        "banners-*",
        "--store",
        tmp_path / "runs.db",
        "-f",
        "json",
    )
    health = f"{sys.executable} -c 'raise SystemExit(\"pods are pending\")'"
    stopped = hardener("apply", "--yes", *shared, "--batches", "1,100%", "--group-order", "canary", "--health", health)
    seen = results(stopped)
    assert seen[last]["problem"] is None
    assert {seen[node.name]["problem"] for node in nodes[:2]} == {
        "not started: the health command failed: pods are pending"
    }


@pytest.mark.skipif(KIND != "vm", reason="a kernel of its own")
def test_what_waits_for_a_restart_is_drained_restarted_and_undrained(nodes: list[lab.Node], tmp_path: Path) -> None:
    (node,) = nodes
    shared = ("-i", node.inventory, "-p", "beyond-cis", "--controls", WAITS_FOR_REBOOT, "--store", tmp_path / "runs.db")
    log = tmp_path / "log"
    told = ("--drain", f"echo drained {{target}} >>{log}", "--undrain", f"echo undrained {{target}} >>{log}")
    seen = results(hardener("apply", "--yes", *shared, "-f", "json", "--reboot", "when-needed", *told))[node.name]
    assert seen["problem"] is None
    outcomes = {finding["control"]: finding["outcome"] for finding in seen["findings"]}
    assert outcomes[WAITS_FOR_REBOOT] == "pass"
    assert log.read_text() == f"drained {node.name}\nundrained {node.name}\n"
    assert hardener("apply", "--yes", *shared, "--reboot", "when-needed", *told).returncode == ExitCode.COMPLIANT
    assert log.read_text().count("drained") == 2, "nothing waits any more"
