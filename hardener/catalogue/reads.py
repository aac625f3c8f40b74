"""What a question rests on besides what it says: the files a program reads, and the package whose program it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from hardener.catalogue.recent import PLACES

_LOGIN = ("/etc/profile", "/etc/profile.d", "/etc/bash.bashrc")
_FILES: Mapping[str, Collection[str]] = {
    r".*\baa-status\b": ("/etc/apparmor.d",),
    r"apt-(config|cache)\b": ("/etc/apt",),
    r"cvtsudoers\b": ("/etc/sudoers.d",),
    r"getent group\b": ("/etc/group",),
    r"getent passwd\b": ("/etc/passwd",),
    r"modprobe --showconfig\b": ("/etc/modprobe.d",),
    r"postconf\b": ("/etc/postfix",),
    r"shell=": _LOGIN,
    r"sshd -T\b": ("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d"),
    r"systemctl cat .*\*\.mount\b": ("/etc/systemd/system/*.mount", "/etc/systemd/system/*.mount.d"),
    r"systemd-tmpfiles --cat-config\b": ("/etc/tmpfiles.d",),
    r"/usr/lib/systemd/systemd-sysctl\b": ("/etc/sysctl.conf", "/etc/sysctl.d"),
    r"useradd -D\b": ("/etc/default/useradd",),
}
"""How a question begins → the files its program reads without being told, as a regular expression and as patterns."""
_PACKAGES = {
    r".*\baa-status\b": "apparmor",
    r"augenrules\b": "auditd",
    r".*\bauditctl -l\b": "auditd",
    r"cvtsudoers\b": "sudo",
    r"modprobe\b": "kmod",
    r"postconf\b": "postfix",
    r"sshd -T\b": "openssh-server",
    r"systemd-(analyze|tmpfiles)\b": "systemd",
}
"""How a question begins → the package that its program, and its answer where nothing is set, come from."""
_CAT_CONFIG = re.compile(r"systemd-analyze (?:--\S+ )*cat-config (systemd/[\w.-]+)")
_VERSION_OF = re.compile(r"dpkg-query --show --showformat='\$\{Version\}' ([a-z0-9][a-z0-9+.-]+)")
_PATH = re.compile(r"(?<![\w.}/-])(?:" + "|".join(map(re.escape, PLACES)) + r")/[\w.*/@-]+")


@dataclass(frozen=True)
class Reading:
    """What a question rests on: patterns of files, where a directory stands for everything below it, and packages."""

    files: Collection[str]
    packages: Collection[str]

    def touches(self, path: str) -> bool:
        """Whether a file is one of them. A pattern that ends with a slash is about the directory alone."""
        return any(
            path == pattern.removesuffix("/") if pattern.endswith("/") else _is_at_or_below(path, pattern)
            for pattern in self.files
        )


def _is_at_or_below(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}/*")


@lru_cache(maxsize=1024)
def reading(command: str) -> Reading:
    """What one question rests on, as far as its command says."""
    files = {*_PATH.findall(command)}
    files |= {
        pattern for begins, patterns in _FILES.items() if re.match(begins, command, re.DOTALL) for pattern in patterns
    }
    files |= {f"/etc/{name}{end}" for name in _CAT_CONFIG.findall(command) for end in ("", ".d")}
    packages = {package for begins, package in _PACKAGES.items() if re.match(begins, command, re.DOTALL)}
    return Reading(files=files, packages=packages | {*_VERSION_OF.findall(command)})
