"""The one walk of the local file systems, which every control shares that needs to know all files.

It is niced, never leaves local disks, and stays out of container storage, whose files belong to images. Of all files it
lists only those somebody may have to look at, so that its answer stays short on hosts with millions of others. Users of
the host choose most of the names: ``hardener.catalogue.listing`` says what keeps them from more than that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from hardener.catalogue import listing, names, permissions
from hardener.catalogue import observations as seen
from hardener.catalogue.control import CouldNotLook, Host
from hardener.catalogue.listing import Listing, More, Room, Unseen

SECONDS = 900
"""Longest time a walk may take; a disk with ten million files takes about two minutes."""
CONTAINER_STORAGE = (
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/lib/lxc",
    "/var/lib/machines",
    "/var/lib/rancher",
)
"""Where runtimes unpack images and keep volumes: users, groups and modes there mean nothing to this host."""

REMOTE_OR_VIRTUAL = (
    "9p|afs|autofs|binfmt_misc|bpf|ceph|cgroup2?|cifs|configfs|debugfs|devpts|devtmpfs|efivarfs|erofs|fuse([.].*)?|fusectl|"
    "glusterfs|gfs2|hugetlbfs|iso9660|lustre|mqueue|nfs4?|nsfs|ocfs2|overlay|proc|pstore|ramfs|rpc_pipefs|securityfs|"
    "selinuxfs|smb3|squashfs|sysfs|tmpfs|tracefs|vfat|virtiofs"
)
"""Types of file systems that are remote or hold no files of this host's own; a regular expression."""
LONGEST_PATH = 4096
"""So long a path no program can name, PATH_MAX of Linux. Below one the walk would cost what its depth squared costs."""
ROOM = {
    **dict.fromkeys(("world-writable", "set-id", "unowned"), Room(256 * 1024)),
    "dot": Room(1536 * 1024),
    "deep": Room(16 * 1024),
}
"""By kind; all of it fits into one answer."""
_BEFORE = r"""
LC_ALL=C; export LC_ALL
set -f
systems=$(findmnt --noheadings --raw --output TARGET,FSTYPE,SOURCE) || exit
walked=$(printf '%s\n' "$systems" | awk '
    $1 == "/" || ($2 !~ /^(REMOTE_OR_VIRTUAL)$/ && ($3 !~ /\[/ || $2 == "btrfs")) { print $1 }' | sort -u)
STARTS
people=$(getent passwd)
owners=$(printf '%s\n' "$people" | awk -F : '! seen[$3]++ { print "-o -uid " $3 }')
groups=$(getent group | awk -F : '! seen[$3]++ { print "-o -gid " $3 }')
homes=$(printf '%s\n' "$systems" -- "$people" | awk '
    $0 == "--" { is_person = 1; next } ! is_person { gsub(/\\x20/, " ", $1); type[$1] = $2; next }
    split($0, field, ":") > 5 && field[6] ~ /^\// && ! seen[field[6]]++ {
        for (place = field[6]; place != "" && ! (place in type);) sub(/\/[^\/]*$/, "", place)
        if (type[place == "" ? "/" : place] !~ /^(REMOTE)$/) print field[6]
    }')
long=?
while [ ${#long} -lt LONGEST_PATH ]; do long=$long$long; done
"""
_FIND = r"""
IFS='
'
printf 'start %s\0' $homes
printf '%s\0' $homes | timeout 60 xargs -0 sh -c '
    exec find -H "$@" -maxdepth 1 -ignore_readdir_race \( -name ".?*" ! -type d -printf "dot RECORD" , \
    -type d -printf "begun %d %p\0" \)' sh
printf 'ended homes %s\0' "$?"
unset IFS
timeout 840 nice -n 19 find "$@" -xdev -ignore_readdir_race \( -type d \( PRUNED \) -prune \) -o \
    -type d -path "$long*" -printf 'deep RECORD' -prune -o \( \
    -perm -0002 \( -type f -o -type d ! -perm -1000 \) -printf 'world-writable RECORD' , \
    -type f -perm /6000 -printf 'set-id RECORD' , \
    \( ! \( -uid 0 $owners -o ! -nouser \) -o ! \( -gid 0 $groups -o ! -nogroup \) \) -printf 'unowned RECORD' \)
printf 'ended walk %s\0' "$?"
"""


def _command() -> str:
    texts = {
        "REMOTE_OR_VIRTUAL": REMOTE_OR_VIRTUAL,
        "REMOTE": permissions.REMOTE,
        "RECORD": listing.RECORD,
        "STARTS": listing.STARTS.strip(),
        "LONGEST_PATH": str(LONGEST_PATH),
        "PRUNED": " -o ".join(f"-path {path}" for path in CONTAINER_STORAGE),
    }

    def filled(template: str) -> str:
        return re.sub("|".join(texts), lambda match: texts[match[0]], template)

    return filled(_BEFORE) + listing.listed(filled(_FIND), ROOM) + "printf 'walked %s\\n' $walked\n"


COMMAND = _command()
"""Prints ``kind mode uid gid type path`` a line, and last where it walked; how long it took, the transport tells.

The dot files of home directories come first, below the home directory as passwd has it. Those get a find of their own,
which a dead server of one of them can stop without stopping the walk.
"""
_ENDS = {"homes": (0, 123, 124), "walk": (0, 1, 124)}
"""Statuses of find itself, of xargs, and of timeout: what was not looked at, the listing names."""


@dataclass(frozen=True)
class Entry:
    """What the walk met: its mode, the numbers of its owners, its type (``f``, ``d``, ``l`` …) and path, written."""

    mode: int
    uid: int
    gid: int
    type: str
    path: str

    @property
    def shown(self) -> str:
        """The path as evidence holds it, with its mode and the numbers of its owners."""
        return f"{self.path} ({self.mode:04o} {self.uid}:{self.gid})"


@dataclass(frozen=True)
class Found:
    """What the walk met of one kind: root's first, then by path."""

    entries: Sequence[Entry]
    more: Sequence[More] = ()
    """What there is besides: a list that was cut is never a pass."""
    unseen: Sequence[Unseen] = ()
    """What could not be looked at, and may hide more of them."""

    @property
    def missing(self) -> Sequence[str]:
        """As evidence holds it: how many did not fit, and where they may be that nobody saw."""
        return [*(item.shown for item in self.more), *(f"not looked at: {item.shown}" for item in self.unseen)]

    def shown(self, most: int) -> Sequence[str]:
        """As evidence holds them; so many entries at most, and the number of the rest."""
        rest = [More(len(self.entries) - most, self.entries[most].path).shown] if len(self.entries) > most else []
        return [*(entry.shown for entry in self.entries[:most]), *rest, *self.missing]

    def insist(self) -> None:
        """``CouldNotLook`` where nothing was found, and not everywhere was looked."""
        if self.unseen and not self.entries and not self.more:
            raise listing.unseen_among(self.unseen)


@dataclass(frozen=True)
class Walk:
    """What one walk met, by kind, and where it started."""

    listed: Listing
    directories: Sequence[str]

    def found(self, kind: str) -> Found:
        """The entries of a kind, and what may be missing among them."""
        entries = sorted(map(_entry, self.listed.records.get(kind, ())), key=lambda entry: (entry.uid != 0, entry.path))
        return Found(entries, self.listed.more.get(kind, ()), self.listed.unseen)


def _entry(record: listing.Record) -> Entry:
    kind, _, path = record.rest.partition(" ")
    return Entry(record.mode, record.uid, record.gid, kind, names.as_evidence(path))


def walk(host: Host) -> Walk:
    """The walk of this host; ``CouldNotLook`` where it did not come to its end."""
    result = host.run(COMMAND, seconds=SECONDS)
    if result.stderr.strip() or result.rc != 0:
        said = result.stderr.strip().splitlines() or [f"status {result.rc}"]
        raise CouldNotLook(f"the file walk failed: {said[-1]}")
    return read_walk(result.stdout)


@lru_cache(maxsize=16)
def read_walk(answer: str) -> Walk:
    """The answer of ``COMMAND``; ``CouldNotLook`` where it is none."""
    lines = answer.removesuffix("\n").split("\n")
    start = next((at for at in range(len(lines), 0, -1) if not lines[at - 1].startswith("walked /")), 0)
    walked = [names.as_evidence(line.removeprefix("walked ")) for line in lines[start:]]
    if not walked:
        raise CouldNotLook("the file walk was cut short")
    listed = listing.read("\n".join(lines[:start]), _ENDS)
    if listed.others or any(not _is_entry(item) for found in listed.records.values() for item in found):
        raise CouldNotLook("the file walk said what nobody can read")
    deep = [Unseen(_entry(item).path, "too long a path") for item in listed.records.get("deep", ())]
    deep += [Unseen(item.path, f"too long a path, and {item.count - 1} more") for item in listed.more.get("deep", ())]
    return Walk(replace(listed, unseen=[*listed.unseen, *deep]), walked)


def _is_entry(record: listing.Record) -> bool:
    return re.match(r"\w /", record.rest) is not None


def world_writable(host: Host) -> Found:
    """Files that everybody can write, and directories in which everybody can replace the files of others."""
    return walk(host).found("world-writable")


def unowned(host: Host) -> Found:
    """Files and directories whose owner or group has no name on this host."""
    return walk(host).found("unowned")


def dot_files(walked: Walk) -> Mapping[str, Mapping[str, Entry]]:
    """The hidden files right in home directories: home directory, without a slash at its end → name → file."""
    homes: dict[str, dict[str, Entry]] = {}
    for entry in walked.found("dot").entries:
        home, _, name = entry.path.rpartition("/")
        homes.setdefault(names.as_said(home).rstrip("/"), {})[name] = entry
    return homes


def may_hide_dot_files(unseen: Unseen, home: str) -> bool:
    """Whether there may be hidden files right in a home directory that were not seen because of this."""
    path, place = names.as_said(unseen.path), home.rstrip("/")
    return f"{place}/".startswith(f"{path.rstrip('/')}/") or path.rpartition("/")[0] == place


def set_id_programs(host: Host) -> Found:
    """Set-uid and set-gid files where the kernel heeds those bits: not below ``nosuid`` or ``noexec``."""
    found = walk(host).found("set-id")
    mounts = seen.mounted(host)
    heeded = [entry for entry in found.entries if {"nosuid", "noexec"}.isdisjoint(_options(mounts, entry.path))]
    return replace(found, entries=heeded)


def _options(mounts: Mapping[str, Mapping[str, Any]], path: str) -> Sequence[str]:
    """The options of the mount a path is on."""
    for parent in PurePosixPath(names.as_said(path)).parents:
        if str(parent) in mounts:
            options: Sequence[str] = mounts[str(parent)]["options"]
            return options
    return ()
