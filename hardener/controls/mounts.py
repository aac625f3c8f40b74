"""File systems: which directories are separate, and what may be done with the files on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hardener.catalogue.control import Control, Parameter, Violation, command
from hardener.catalogue.expectations import Expectation, satisfying
from hardener.catalogue.kinds import mount_option, separate_mount
from hardener.model import Disruption, Severity, Trait

KEEP_FSTAB = "test -e /etc/fstab.violation || cp --preserve=all /etc/fstab /etc/fstab.violation"
RESTORE_FSTAB = "test ! -e /etc/fstab.violation || mv /etc/fstab.violation /etc/fstab"

# What an option takes away from whoever can write below the mount point.
WHY = {
    "nodev": "A device file made here would open the hardware behind it, past every permission of the real one.",
    "nosuid": "A program left here with the set-user-id bit would run with its owner's rights for whoever starts it.",
    "noexec": "Whatever an attacker manages to write here cannot be started from here.",
}
SEVERITIES = {"nodev": Severity.LOW, "nosuid": Severity.MEDIUM, "noexec": Severity.MEDIUM}

# Mount point → its options, each with its number in both releases' benchmarks.
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "/tmp": {"nodev": "1.1.2.1.2", "nosuid": "1.1.2.1.3", "noexec": "1.1.2.1.4"},  # noqa: S108
    "/dev/shm": {"nodev": "1.1.2.2.2", "nosuid": "1.1.2.2.3", "noexec": "1.1.2.2.4"},  # noqa: S108
    "/home": {"nodev": "1.1.2.3.2", "nosuid": "1.1.2.3.3"},
    "/var": {"nodev": "1.1.2.4.2", "nosuid": "1.1.2.4.3"},
    "/var/tmp": {"nodev": "1.1.2.5.2", "nosuid": "1.1.2.5.3", "noexec": "1.1.2.5.4"},  # noqa: S108
    "/var/log": {"nodev": "1.1.2.6.2", "nosuid": "1.1.2.6.3", "noexec": "1.1.2.6.4"},
    "/var/log/audit": {"nodev": "1.1.2.7.2", "nosuid": "1.1.2.7.3", "noexec": "1.1.2.7.4"},
}
# Pods see what is bind-mounted from below /var/lib/kubelet with the options of /var.
KUBERNETES = "volumes of pods lie below /var/lib/kubelet and inherit the option"
UNLESS = {
    ("/var", "nosuid"): {Trait.KUBERNETES_WORKER: KUBERNETES, Trait.KUBERNETES_CONTROL_PLANE: KUBERNETES},
}


def _references(number: str, *nist: str) -> Mapping[str, Any]:
    own = {"cis-debian12": number, "cis-debian13": number, "nist-800-53": nist}
    return {**own, "cis-controls-8": "3.3", "pci-dss-4": "2.2.6"}


def _a_file_system(_: object) -> Expectation:
    return satisfying(
        "a mapping of source, fstype and options",
        lambda value: isinstance(value, Mapping) and {"source", "fstype", "options"} == set(value),
    )


def _partition(path: str, number: str, why: str) -> Control:
    """A directory that only whoever installs the host can put on a partition of its own."""
    return separate_mount(
        path,
        title=f"{path} is a file system of its own",
        why=why,
        level=2,
        severity=Severity.LOW,
        references=_references(number, "CM-7", "SC-5"),
        remedy="None: a missing partition is for a person, who plans its size and moves the data.",
        is_remediable=False,
        violation=Violation(
            [KEEP_FSTAB, command("sed --in-place '\\# '%s' #d' /etc/fstab", path)], undo=[RESTORE_FSTAB]
        ),
    )


def _memory(path: str, references: Mapping[str, Any], why: str, violation: str) -> Control:
    """A directory that can live in memory, and so needs no partition."""
    return separate_mount(
        path,
        title=f"{path} is a file system of its own",
        why=why,
        level=1,
        severity=Severity.LOW,
        references=references,
        disruption=Disruption.RESTART,
        remedy="Mounts a file system in memory and adds it to fstab; programs that keep sockets there need a restart.",
        is_remediable=True,
        violation=Violation([violation]),
        parameters=[Parameter("file_systems", (path,), _a_file_system)],
    )


def _option(path: str, option: str, number: str) -> Control:
    return mount_option(
        path,
        option,
        title=f"{path} is mounted with {option}",
        why=WHY[option],
        level=1,
        severity=SEVERITIES[option],
        references=_references(number, "CM-7", "AC-3", "AC-6"),
        disruption=Disruption.RESTART if option == "noexec" else Disruption.NONE,
        unless=UNLESS.get((path, option), {}),
    )


CONTROLS = [
    _memory(
        "/tmp",  # noqa: S108
        _references("1.1.2.1.1", "CM-7", "SC-5"),
        "Everybody may write to /tmp: on a file system of its own, filling it does not fill the system's.",
        "sed --in-place '\\# /tmp #d' /etc/fstab",
    ),
    _memory(
        "/dev/shm",  # noqa: S108
        {"cis-debian12": "1.1.2.2.1", "nist-800-53": ("CM-7", "SC-5")},
        "Shared memory is writable by everybody; as a file system of its own it can be bounded and stripped of rights.",
        "umount --lazy /dev/shm",
    ),
    _partition("/home", "1.1.2.3.1", "Users who fill their home directories must not stop the system."),
    _partition("/var", "1.1.2.4.1", "Databases, images and caches grow below /var, and must not take the root down."),
    _partition("/var/tmp", "1.1.2.5.1", "Everybody may write to /var/tmp, and what is there outlives a reboot."),  # noqa: S108
    _partition("/var/log", "1.1.2.6.1", "A flood of log lines must fill nothing but the logs, and data not the logs."),
    _partition("/var/log/audit", "1.1.2.7.1", "The audit trail needs room that no other log can take from it."),
    *(_option(path, option, number) for path, options in OPTIONS.items() for option, number in options.items()),
]
