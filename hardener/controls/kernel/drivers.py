"""Drivers nobody on a server needs: neither loaded nor loadable."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host
from hardener.catalogue.kinds import HOST_KERNEL, blocked_module, review
from hardener.controls.kernel.shared import LOW, MEDIUM, ROUTERS, references


def _driver(name: str, level: int, numbers: tuple[str, str], why: str, **more: Any) -> Control:
    """A driver nobody on a server needs."""
    return blocked_module(
        name,
        title=f"The {name} driver cannot be loaded",
        why=why,
        level=level,
        references=references(*numbers, "CM-7 SI-16"),
        **{"severity": LOW, **more},
    )


def _file_systems(host: Host) -> JsonValue:
    """Loaded drivers of file systems, and the types that are mounted."""
    loaded = seen.ask(host, "find /lib/modules/$(uname -r)/kernel/fs -name '*.ko*' -printf '%f\\n'")
    drivers = {name.partition(".")[0].replace("-", "_") for name in loaded.split()}
    types = {str(item["fstype"]) for item in seen.mounted(host).values()}
    loaded_drivers: list[JsonValue] = [*sorted(drivers & seen.loaded_modules(host))]
    return {"loaded drivers": loaded_drivers, "mounted types": [*sorted(types)]}


CONTROLS = [
    _driver("cramfs", 1, ("1.1.1.1", "1.1.1.1"), "A read-only file system of early embedded devices, unused since."),
    _driver("freevxfs", 1, ("1.1.1.2", "1.1.1.2"), "Reads disks of an old Unix; its parser is code nobody tests."),
    _driver("hfs", 1, ("1.1.1.3", "1.1.1.3"), "An old Macintosh disk is a way to feed the kernel crafted data."),
    _driver("hfsplus", 1, ("1.1.1.4", "1.1.1.4"), "A Macintosh disk is a way to feed the kernel crafted data."),
    _driver("jffs2", 1, ("1.1.1.5", "1.1.1.5"), "Made for raw flash chips, which servers do not have."),
    _driver(
        "overlay",
        2,
        ("1.1.1.6", "1.1.1.6"),
        "Layers of file systems have given local users root more than once; only container hosts need them.",
        unless=dict.fromkeys(ROUTERS, "container images are stacked with it: without it no pod starts"),
    ),
    _driver("squashfs", 2, ("1.1.1.7", "1.1.1.7"), "Compressed images can be crafted; only snap packages mount them."),
    _driver("udf", 2, ("1.1.1.8", "1.1.1.8"), "Optical discs are not how data reaches a server."),
    _driver("usb-storage", 1, ("1.1.1.9", "1.1.1.10"), "A stick brings malware in and data out.", severity=MEDIUM),
    review(
        "unused-file-systems",
        _file_systems,
        title="Drivers of file systems that are loaded and not needed are known",
        why="Every driver is code that parses what an attacker may hand it; those without a use should be blocked too.",
        level=1,
        severity=LOW,
        references=references("1.1.1.10", "1.1.1.11"),
        unless=HOST_KERNEL,
    ),
    *(
        _driver(
            name,
            2,
            numbers,
            f"{words} is rarely used, and its code has held holes that any local user could reach.",
            severity=severity,
        )
        for name, numbers, words, severity in (
            ("dccp", ("3.2.1", "3.2.3"), "The datagram congestion protocol", MEDIUM),
            ("tipc", ("3.2.2", "3.2.6"), "The cluster protocol TIPC", MEDIUM),
            ("rds", ("3.2.3", "3.2.4"), "The datagram protocol RDS", MEDIUM),
            ("sctp", ("3.2.4", "3.2.5"), "The stream control protocol", LOW),
        )
    ),
]
