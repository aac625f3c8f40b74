"""Kinds: factories for controls that differ only in a name and a number.

Every kind knows how to observe, what to expect, and how to violate; a declaration adds the words.
"""

from hardener.catalogue.kinds.audit import audit_rule
from hardener.catalogue.kinds.bootloader import kernel_argument
from hardener.catalogue.kinds.files import file_modes
from hardener.catalogue.kinds.kernel import blocked_module, sysctl
from hardener.catalogue.kinds.manual import review
from hardener.catalogue.kinds.mounts import mount_option, separate_mount
from hardener.catalogue.kinds.services import (
    absent_packages,
    installed_packages,
    recent_package,
    running_service,
    unneeded_service,
)
from hardener.catalogue.kinds.settings import systemd_setting
from hardener.catalogue.kinds.shared import HOST_KERNEL, HOST_MOUNTS, Judge
from hardener.catalogue.kinds.sshd import sshd_algorithms, sshd_option

__all__ = [
    "HOST_KERNEL",
    "HOST_MOUNTS",
    "Judge",
    "absent_packages",
    "audit_rule",
    "blocked_module",
    "file_modes",
    "installed_packages",
    "kernel_argument",
    "mount_option",
    "recent_package",
    "review",
    "running_service",
    "separate_mount",
    "sshd_algorithms",
    "sshd_option",
    "sysctl",
    "systemd_setting",
    "unneeded_service",
]
