"""Gives a container node control groups of its own: two nodes in one would manage, and kill, each other's services."""

import hashlib
import os
import time
from pathlib import Path

from hardener.errors import LabError
from hardener.lab.node import Node

_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.05


def name(node: Node) -> str:
    """The name of the node's control groups, which no other lab's node on this machine has."""
    return f"hardener-lab-{hashlib.sha256(str(node.folder).encode()).hexdigest()[:12]}"


def make(node: Node) -> Path:
    """Make and return the node's control group; raises LabError on a machine without version 2 of them."""
    mounts = [mount for mount, version in cgroup_mounts(mountinfo()) if version == "cgroup2"]
    if not mounts:
        raise LabError("lab: a container node needs control groups of version 2 (mount -t cgroup2)")
    group = mounts[0] / name(node)
    group.mkdir(exist_ok=True)
    return group


def remove(node: Node) -> None:
    """Remove the node's control groups from every hierarchy; raises LabError if something in them does not end."""
    for mount, _version in cgroup_mounts(mountinfo()):
        group = mount / name(node)
        if (group / "cgroup.kill").exists():
            (group / "cgroup.kill").write_text("1\n")
        deadline = time.monotonic() + _GRACE_SECONDS
        while group.exists() and not _removed(group):
            if time.monotonic() > deadline:
                raise LabError(f"lab: processes in {group} do not end")
            time.sleep(_POLL_SECONDS)


def cgroup_mounts(mountinfo: str) -> list[tuple[Path, str]]:
    """Where a ``mountinfo`` file says control groups are, each with its version: ``cgroup`` or ``cgroup2``."""
    mounts = []
    for line in mountinfo.splitlines():
        place, _, source = line.partition(" - ")
        if source.startswith(("cgroup ", "cgroup2 ")):
            mounts.append((Path(place.split()[4]), source.split()[0]))
    return mounts


def _removed(group: Path) -> bool:
    """Remove a control group and those in it, inner ones first; False while the kernel is still emptying one."""
    try:
        for folder, _folders, _files in os.walk(group, topdown=False):
            Path(folder).rmdir()
    except FileNotFoundError:
        return not group.exists()
    except OSError:
        return False
    return True


def mountinfo() -> str:
    """The mounts this process sees."""
    return Path("/proc/self/mountinfo").read_text()
