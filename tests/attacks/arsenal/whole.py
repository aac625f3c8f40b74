"""The whole node: what everything was before, and what is different after; without what changes by itself."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import suppress

from tests.attacks.arsenal.base import PLAIN, SUBORDINATE

TOPS = ("/etc", "/usr", "/root", "/var", "/boot", "/home", "/opt", "/srv")
VOLATILE = {
    r"/home/(plain|roamer)(/|$)": "the attacker's own",
    r"/usr/local/lib/(victims|arsenal)(/|$)": "the victims are looked at one by one",
    r"/var/lib/hardener(/|$)": "checkpoints",
    r"/(root|home/admin)/\.ansible(/|$)": "where Ansible puts its modules for a moment",
    r"/home/admin/\.(cache|local)(/|$)": "made by logging in",
    r"/var/(cache|lib/(dpkg|apt|systemd|logrotate|ucf|postfix|rpm|pam|man-db|polkit-1|private))(/|$)": "package lists",
    r"/var/log/(journal|apt|lastlog|wtmp|btmp|dpkg\.log|alternatives\.log|sudo\.log|aide)(/|$)": "logs grow",
    r"/var/(spool|tmp|backups)(/|$)": "queues",
    r".*/__pycache__(/|$)": "Python's own",
    r"/etc/(ld\.so\.cache|\.pwd\.lock|mtab|resolv\.conf|adjtime)$": "caches and locks of the system itself",
    r"/etc/systemd/system/(\S+/)?hardener-guard-(boot|early)\.service$": "the guard's own units",
}
"""What may differ, as expressions, each with its reason."""


def kept() -> dict[str, str]:
    """Path → type and mode, owner, group, attributes and hash; without the directories of the attacker's own."""
    volatile = re.compile("|".join(VOLATILE))
    found: dict[str, str] = {}
    for top in TOPS:
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if not _is_left_out(f"{folder}/{name}", volatile)]
            for path in (f"{folder}/{name}" for name in (*folders, *files)):
                if not volatile.match(path):
                    with suppress(FileNotFoundError):
                        found[path.encode("utf-8", "backslashreplace").decode()] = _image(path)
    return found


def _is_left_out(path: str, volatile: re.Pattern[str]) -> bool:
    return volatile.match(path) is not None or os.lstat(path).st_uid in {PLAIN, SUBORDINATE}


def _image(path: str) -> str:
    status = os.lstat(path)
    said = f"{status.st_mode:o} {status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        return f"{said} {os.readlink(path)}"
    attributes = {name: os.getxattr(path, name).hex() for name in sorted(os.listxattr(path))}
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            said += f" {hashlib.file_digest(file, 'sha256').hexdigest()}"
    return f"{said} {attributes or ''}"


def differences(before: object, now: dict[str, str]) -> list[str]:
    """What is different, a line each."""
    assert isinstance(before, dict)
    return [
        f"{path}: {before.get(path, 'was not there')} -> {now.get(path, 'is not there')}"
        for path in sorted({*before, *now})
        if before.get(path) != now.get(path)
    ]
