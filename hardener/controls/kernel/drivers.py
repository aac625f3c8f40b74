"""Drivers nobody on a server needs: neither loaded nor loadable."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host
from hardener.catalogue.kinds import HOST_KERNEL, blocked_module, review
from hardener.controls.kernel.shared import LOW, MEDIUM, ROUTERS


def _driver(name: str, why: str, **more: Any) -> Control:
    """A driver nobody on a server needs."""
    return blocked_module(
        name,
        title=f"The {name} driver cannot be loaded",
        why=why,
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
    _driver("cramfs", "A read-only file system of early embedded devices, unused since."),
    _driver("freevxfs", "Reads disks of an old Unix; its parser is code nobody tests."),
    _driver("hfs", "An old Macintosh disk is a way to feed the kernel crafted data."),
    _driver("hfsplus", "A Macintosh disk is a way to feed the kernel crafted data."),
    _driver("jffs2", "Made for raw flash chips, which servers do not have."),
    _driver(
        "overlay",
        "Layers of file systems have given local users root more than once; only container hosts need them.",
        unless=dict.fromkeys(ROUTERS, "container images are stacked with it: without it no pod starts"),
    ),
    _driver("squashfs", "Compressed images can be crafted; only snap packages mount them."),
    _driver("udf", "Optical discs are not how data reaches a server."),
    _driver("usb-storage", "A stick brings malware in and data out.", severity=MEDIUM),
    review(
        "unused-file-systems",
        _file_systems,
        title="Drivers of file systems that are loaded and not needed are known",
        why="Every driver is code that parses what an attacker may hand it; those without a use should be blocked too.",
        severity=LOW,
        unless=HOST_KERNEL,
    ),
    *(
        _driver(
            name,
            f"{words} is rarely used, and its code has held holes that any local user could reach.",
            severity=severity,
        )
        for name, words, severity in (
            ("dccp", "The datagram congestion protocol", MEDIUM),
            ("tipc", "The cluster protocol TIPC", MEDIUM),
            ("rds", "The datagram protocol RDS", MEDIUM),
            ("sctp", "The stream control protocol", LOW),
        )
    ),
]
