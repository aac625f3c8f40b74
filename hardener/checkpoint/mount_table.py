"""What is mounted where, as the kernel tells it: asked before anything is touched that may be on a dead server."""

from __future__ import annotations

import re

from hardener.checkpoint.lossless import lines_of
from hardener.checkpoint.secure_paths import kernel_text

LOCAL = {
    "bcachefs",
    "btrfs",
    "ext2",
    "ext3",
    "ext4",
    "f2fs",
    "jfs",
    "overlay",
    "ramfs",
    "reiserfs",
    "tmpfs",
    "vfat",
    "xfs",
    "zfs",
}
"""Types that only root mounts and that no server stands behind."""


def rows(text: str | None = None) -> list[tuple[str, str, list[str]]]:
    """Mount point, type and flags of every mount, in their order; ``text``: that of /proc/self/mountinfo."""
    found = []
    for line in lines_of(kernel_text("/proc/self/mountinfo") if text is None else text):
        words = line.split(" ")  # names keep all but blanks, newlines and backslashes
        path = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), words[4])
        found.append((path, words[words.index("-") + 1], words[5].split(",")))
    return found


def file_systems(text: str | None = None) -> dict[str, str]:
    """Mount point → type; of several at one place the last, which hides the others."""
    return {path: fstype for path, fstype, _ in rows(text)}


def is_local(fstype: str) -> bool:
    """Whether a file system holds files of this host and cannot be gone."""
    return fstype in LOCAL
