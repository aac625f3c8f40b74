"""Starts a full virtual machine: QEMU, one disk per file system, a real boot loader."""

import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from hardener.errors import LabError
from hardener.lab.disks import FILE_SYSTEMS
from hardener.lab.node import Node
from hardener.lab.tools import run_tool

MEMORY_MIB = 1536
EMULATION = ("-accel", "tcg,thread=multi,tb-size=128", "-cpu", "max,-cx16")
"""Without cmpxchg16b: QEMU 7.2 emulates it wrongly, and Debian 13's kernel panics on it.

With the default size (MiB) of the translation buffer, what it still holds of the system before makes a reboot take
twice as long as a first boot.
"""
VIRTUALISATION = ("-accel", "kvm", "-cpu", "host")

DISK_ORDER = ("root", *(label for label in FILE_SYSTEMS if label != "root"))
"""The boot loader reads the root file system from the first disk."""


def free_port(taken: Iterable[int]) -> int:
    """A TCP port of the loopback interface that nothing uses and no other node is going to use."""
    reserved = set(taken)
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in reserved:
            return port


def accelerations(modules: Path = Path("/sys/module"), device: Path = Path("/dev/kvm")) -> list[tuple[str, ...]]:
    """The ways to run a processor, best first; hardware only where a processor's own module says it is real."""
    real = any((modules / name).is_dir() for name in ("kvm_intel", "kvm_amd")) and os.access(device, os.R_OK | os.W_OK)
    return [VIRTUALISATION, EMULATION] if real else [EMULATION]


def make_disks(node: Node) -> None:
    """Give the node a writable overlay of each of its image's disks; takes well under a second."""
    for label in DISK_ORDER:
        overlay = node.folder / f"{label}.qcow2"
        overlay.unlink(missing_ok=True)
        base = node.image / f"{label}.raw"
        run_tool(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(base), str(overlay)])


def start(node: Node, acceleration: Sequence[str]) -> None:
    """Start the machine in the background; raises LabError with QEMU's own words if it cannot run."""
    if not (node.image / "boot.iso").exists():
        raise LabError(f"lab: the image of {node.name} is gone; take the node down and up again")
    run_tool(qemu_argv(node, acceleration))


def qemu_argv(node: Node, acceleration: Sequence[str]) -> list[str]:
    """The command that runs the node: daemonized, ssh forwarded from a loopback port, console into a file.

    The devices a machine has by default (disk controller, display, floppy) are left out: each costs boot time.
    """
    disks = [f"file={node.folder}/{label}.qcow2,format=qcow2,cache=unsafe" for label in DISK_ORDER]
    boot_disk = f"file={node.image}/boot.iso,format=raw,readonly=on"
    return [
        "qemu-system-x86_64",
        *("-name", node.name, "-nodefaults", "-machine", "q35,sata=off,usb=off", "-vga", "none", "-display", "none"),
        *(*acceleration, "-smp", "2", "-m", str(MEMORY_MIB)),
        *("-daemonize", "-pidfile", f"{node.folder}/qemu.pid", "-serial", f"file:{node.log_file}"),
        *_disk_arguments([*disks, boot_disk], boot=len(disks)),
        *("-fw_cfg", f"name=opt/hardener-lab/seed,file={node.folder}/seed.tar"),
        *("-netdev", f"user,id=net0,hostfwd=tcp:{node.address}:{node.port}-:22"),
        *("-device", "virtio-net-pci,netdev=net0,romfile="),
        *("-object", "rng-random,id=rng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng0"),
    ]


def _disk_arguments(drives: Sequence[str], *, boot: int) -> list[str]:
    """Attach the drives in order, with the firmware told to start from number ``boot`` and to look at the first next.

    Without an order of its own the firmware gives up on some of that many disks, the boot loader's among them.
    """
    arguments: list[str] = []
    for number, drive in enumerate(drives):
        rank = 0 if number == boot else number + 1
        device = f"virtio-blk-pci,drive=disk{number},bootindex={rank}"
        arguments += ["-drive", f"if=none,id=disk{number},{drive}", "-device", device]
    return arguments
