"""File systems: which directories are separate, and what may be done with the files on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

# Mount point → its options.
OPTIONS: Mapping[str, Sequence[str]] = {
    "/tmp": ("nodev", "nosuid", "noexec"),  # noqa: S108
    "/dev/shm": ("nodev", "nosuid", "noexec"),  # noqa: S108
    "/home": ("nodev", "nosuid"),
    "/var": ("nodev", "nosuid"),
    "/var/tmp": ("nodev", "nosuid", "noexec"),  # noqa: S108
    "/var/log": ("nodev", "nosuid", "noexec"),
    "/var/log/audit": ("nodev", "nosuid", "noexec"),
}
# Pods see what is bind-mounted from below /var/lib/kubelet with the options of /var.
KUBERNETES = "volumes of pods lie below /var/lib/kubelet and inherit the option"
UNLESS = {
    ("/var", "nosuid"): {Trait.KUBERNETES_WORKER: KUBERNETES, Trait.KUBERNETES_CONTROL_PLANE: KUBERNETES},
}


def _a_file_system(_: object) -> Expectation:
    return satisfying(
        "a mapping of source, fstype and options",
        lambda value: isinstance(value, Mapping) and {"source", "fstype", "options"} == set(value),
    )


def _partition(path: str, why: str) -> Control:
    """A directory that only whoever installs the host can put on a partition of its own."""
    return separate_mount(
        path,
        title=f"{path} is a file system of its own",
        why=why,
        severity=Severity.LOW,
        remedy="None: a missing partition is for a person, who plans its size and moves the data.",
        is_remediable=False,
        violation=Violation(
            [KEEP_FSTAB, command("sed --in-place '\\# '%s' #d' /etc/fstab", path)], undo=[RESTORE_FSTAB]
        ),
    )


def _memory(path: str, why: str, violation: str) -> Control:
    """A directory that can live in memory, and so needs no partition."""
    return separate_mount(
        path,
        title=f"{path} is a file system of its own",
        why=why,
        severity=Severity.LOW,
        disruption=Disruption.RESTART,
        remedy="Mounts a file system in memory and adds it to fstab; programs that keep sockets there need a restart.",
        is_remediable=True,
        violation=Violation([violation]),
        parameters=[Parameter("file_systems", (path,), _a_file_system)],
    )


def _option(path: str, option: str) -> Control:
    return mount_option(
        path,
        option,
        title=f"{path} is mounted with {option}",
        why=WHY[option],
        severity=SEVERITIES[option],
        disruption=Disruption.RESTART if option == "noexec" else Disruption.NONE,
        unless=UNLESS.get((path, option), {}),
    )


CONTROLS = [
    _memory(
        "/tmp",  # noqa: S108
        "Everybody may write to /tmp: on a file system of its own, filling it does not fill the system's.",
        "sed --in-place '\\# /tmp #d' /etc/fstab",
    ),
    _memory(
        "/dev/shm",  # noqa: S108
        "Shared memory is writable by everybody; as a file system of its own it can be bounded and stripped of rights.",
        "umount --lazy /dev/shm",
    ),
    _partition("/home", "Users who fill their home directories must not stop the system."),
    _partition("/var", "Databases, images and caches grow below /var, and must not take the root down."),
    _partition("/var/tmp", "Everybody may write to /var/tmp, and what is there outlives a reboot."),  # noqa: S108
    _partition("/var/log", "A flood of log lines must fill nothing but the logs, and data not the logs."),
    _partition("/var/log/audit", "The audit trail needs room that no other log can take from it."),
    *(_option(path, option) for path, options in OPTIONS.items() for option in options),
]
