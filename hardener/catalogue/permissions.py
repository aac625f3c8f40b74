"""What may be taken from a file, and from whom: one rule for the audit, which judges, and for the modules, which take.

Ansible's modules have this file by a link, as one of their module_utils: it needs nothing but the standard library.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

REMOTE = "nfs4?|cifs|smb3|afs|ceph|glusterfs|lustre|gfs2|ocfs2|autofs|fuse([.].*)?"
"""Types of file systems that others serve: asking them can hang, be refused, or mount them all; awk's expression."""
READ, WRITE = 4, 2
ACCESS = (READ, WRITE, READ | WRITE)
"""What a process has opened a file for, by the last two bits of its open flags."""


class Holder(NamedTuple):
    """A process that has a file open: as whom, with which groups, and for what: ``READ``, ``WRITE`` or both."""

    uid: int
    groups: frozenset[int]
    access: int


class Permissions(NamedTuple):
    """Mode of a file, and the numbers of its owner and group."""

    mode: int
    uid: int
    gid: int


def used_by(holder: Holder, file: Permissions) -> int:
    """The bits of a file's mode by which a process uses it; root needs none."""
    if holder.uid == 0:
        return 0
    shift = 6 if holder.uid == file.uid else 3 if file.gid in holder.groups else 0
    return file.mode & holder.access << shift


def cut_off(file: Permissions, mode: int, holders: Iterable[Holder]) -> list[Holder]:
    """Those who could not open a file any more as they have it open, once it has another mode."""
    return [holder for holder in holders if used_by(holder, file) & ~mode]


def closed(mode: int, limit: int, *, is_known_group: bool) -> int:
    """The mode of a log without the bits that go beyond a limit.

    What a group may do that the limit is not about stays: nobody knows who in it reads, or writes without staying.
    """
    return mode & (limit if is_known_group else limit | 0o060)


def kind_of(path: str, patterns: Iterable[str]) -> str | None:
    """The longest pattern that a path matches: by the name, or by the path where the pattern has a slash."""
    name = path.rpartition("/")[2]
    matching = [pattern for pattern in patterns if fnmatchcase(path if "/" in pattern else name, pattern)]
    return max(matching, key=len, default=None)
