"""Starts a container node: systemd-nspawn its own system and network on this machine's kernel."""

import shutil
import subprocess
from pathlib import Path

from hardener.errors import LabError
from hardener.lab import cgroups, network
from hardener.lab.node import Node
from hardener.lab.tools import SYSTEM_PATH, run_tool, tolerate
from hardener.private import PUBLIC

_SUPERVISOR = Path(__file__).with_name("supervise.sh")
WITHHELD = ("CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_TIME")
"""What would reach through to this machine: its kernel's modules, its hardware, its clock."""
ENVIRONMENT = {
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
    "SYSTEMD_NSPAWN_TMPFS_TMP": "0",
}
"""cgroup version 2; the node's own net.* settings writable; no separate /tmp."""


def make_tree(node: Node) -> None:
    """Give the node a file tree of its own: an overlay on the image, or a copy where overlays are impossible."""
    rootfs, upper, scratch = node.image / "rootfs", node.folder / "upper", node.folder / "scratch"
    for folder in (upper, scratch, node.root):
        folder.mkdir(exist_ok=True)
    shutil.copystat(rootfs, upper)
    options = f"lowerdir={rootfs},upperdir={upper},workdir={scratch}"
    try:
        run_tool(["mount", "-t", "overlay", "hardener-lab", "-o", options, str(node.root)])
    except LabError:
        run_tool(["cp", "-a", "--reflink=auto", f"{rootfs}/.", str(node.root)])
    shutil.copyfile(node.folder / "seed.tar", node.root / "lab-seed.tar")
    resolv = node.root / "etc/resolv.conf"
    resolv.unlink(missing_ok=True)
    resolv.write_text(network.resolv_conf())
    resolv.chmod(0o644)


def start(node: Node) -> None:
    """Start the container in the background, under a supervisor that starts it again when it reboots."""
    with node.log_file.open("ab") as log:
        subprocess.run(
            ["setsid", "--fork", "sh", str(_SUPERVISOR), str(cgroups.make(node) / "cgroup.procs"), *nspawn_argv(node)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": SYSTEM_PATH, **ENVIRONMENT},
            cwd="/",
            check=True,
            umask=PUBLIC,
        )


def nspawn_argv(node: Node) -> list[str]:
    """The command that boots the node's file tree inside its network namespace."""
    return [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        f"--directory={node.root}",
        f"--machine={node.name}",
        f"--network-namespace-path=/run/netns/{network.namespace(node)}",
        "--register=no",
        "--keep-unit",
        "--capability=all",
        f"--drop-capability={','.join(WITHHELD)}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=pipe",
    ]


def remove_tree(folder: Path) -> None:
    """Unmount a node's file tree if it is mounted; a copy goes with the folder."""
    root = folder / "root"
    while root.is_mount():
        run_tool(["umount", "--lazy", str(root)])
    tolerate(["rmdir", str(root)])
