"""Kinds about file systems: whether a directory is one, and how it is mounted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Declared, Host, NotApplicable, Parameter, Violation, command
from hardener.catalogue.expectations import AFTER_REBOOT, NOW, equals, now_and_after_reboot
from hardener.catalogue.kinds.shared import HOST_MOUNTS, subject_of, with_reasons


def separate_mount(
    path: str,
    *,
    remedy: str,
    is_remediable: bool,
    violation: Violation,
    parameters: Sequence[Parameter] = (),
    **declared: Unpack[Declared],
) -> Control:
    """A directory that is a file system of its own, now and after a reboot."""

    def observe(host: Host) -> JsonValue:
        return {NOW: path in seen.mounted(host), AFTER_REBOOT: path in seen.mounted_at_boot(host)}

    return Control(
        subject=f"{subject_of(path)}-separate",
        observe=observe,
        expect=lambda _: now_and_after_reboot(equals(True)),
        parameters=parameters,
        remedy=remedy,
        is_remediable=is_remediable,
        violation=violation,
        **with_reasons(declared, HOST_MOUNTS),
    )


def mount_option(path: str, option: str, **declared: Unpack[Declared]) -> Control:
    """A mount option of a file system that is mounted separately, live and in what the next boot mounts.

    Values: ``<role>_options`` by path and option.
    """

    def observe(host: Host) -> JsonValue:
        mounted, at_boot = seen.mounted(host), seen.mounted_at_boot(host)
        if path not in mounted and path not in at_boot:
            raise NotApplicable(f"{path} is not a separate file system")
        return {
            NOW: option in mounted[path]["options"] if path in mounted else "not mounted",
            AFTER_REBOOT: option in at_boot[path] if path in at_boot else "not mounted",
        }

    return Control(
        subject=f"{subject_of(path)}-{option}",
        observe=observe,
        expect=lambda values: now_and_after_reboot(equals(values[0])),
        parameters=[Parameter("options", (path, option), equals)],
        remedy="Adds the option to the entry in fstab or to the mount unit, and remounts.",
        violation=Violation(_without(path, option)),
        **with_reasons(declared, HOST_MOUNTS),
    )


def _without(path: str, option: str) -> Sequence[str]:
    """Commands that take an option from fstab and from our drop-in, then live: a remount obeys fstab first."""
    unit = f"{path.strip('/').replace('/', '-')}.mount"
    opposite = option.removeprefix("no")
    return [
        command("sed --in-place %s /etc/fstab", rf"\#\s{path}\s# s/\b{option}\b/{opposite}/"),
        command(
            "find /etc/systemd/system/%s.d -type f -exec sed --in-place %s {} +", unit, rf"s/\b{option}\b/{opposite}/"
        ),
        command("mount --options remount,%s %s", opposite, path),
    ]
