"""Makes a container node slow, or stand still: what guards and restores have to live with on a busy machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hardener.errors import LabError
from hardener.lab import cgroups
from hardener.lab.node import Node

_PERIOD_MICROSECONDS = 100_000
"""The kernel's own; a node that has used its share waits for the rest of it."""


@contextmanager
def throttled(node: Node, share: float) -> Iterator[None]:
    """All processes of a container node together get this share of one processor.

    Raises LabError where this machine cannot limit them.
    """
    group = cgroups.make(node)
    quota = int(_PERIOD_MICROSECONDS * share)
    if (group / "cpu.max").exists():
        file, limited, free = group / "cpu.max", f"{quota} {_PERIOD_MICROSECONDS}", "max"
    else:
        file, limited, free = _version_1(node, group) / "cpu.cfs_quota_us", str(quota), "-1"
    file.write_text(f"{limited}\n")
    try:
        yield
    finally:
        file.write_text(f"{free}\n")


@contextmanager
def frozen(node: Node) -> Iterator[None]:
    """A container node stands still: none of its processes runs, and its clocks go on."""
    file = cgroups.make(node) / "cgroup.freeze"
    file.write_text("1\n")
    try:
        yield
    finally:
        file.write_text("0\n")


def _version_1(node: Node, group: Path) -> Path:
    """A control group of version 1 for the node's processors, with all of the node's processes in it."""
    mounts = [mount for mount, _ in cgroups.cgroup_mounts(cgroups.mountinfo()) if (mount / "cpu.cfs_quota_us").exists()]
    if not mounts:
        raise LabError("lab: no control group of this machine limits processors")
    limiting = mounts[0] / cgroups.name(node)
    limiting.mkdir(exist_ok=True)
    while outside := _processes(group) - _own(limiting):  # what they start meanwhile is where they were
        for pid in outside:
            try:
                (limiting / "cgroup.procs").write_text(f"{pid}\n")
            except ProcessLookupError:
                continue
    return limiting


def _processes(group: Path) -> set[str]:
    """The processes of a control group and those in it."""
    return {pid for file in group.rglob("cgroup.procs") for pid in file.read_text().split()}


def _own(group: Path) -> set[str]:
    return set((group / "cgroup.procs").read_text().split())
