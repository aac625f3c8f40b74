"""The one walk of the local file systems, which every control shares that needs to know all files.

It is niced, never leaves local disks, and stays out of container storage, whose files belong to images. Of all files it
lists only those somebody may have to look at, so that its answer stays short on hosts with millions of others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from hardener.catalogue import observations as seen
from hardener.catalogue.control import CouldNotLook, Host

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
    "9p|afs|autofs|binfmt_misc|bpf|ceph|cgroup2?|cifs|configfs|debugfs|devpts|devtmpfs|efivarfs|erofs|fuse[.].*|fusectl|"
    "glusterfs|gfs2|hugetlbfs|iso9660|lustre|mqueue|nfs4?|nsfs|ocfs2|overlay|proc|pstore|ramfs|rpc_pipefs|securityfs|"
    "selinuxfs|smb3|squashfs|sysfs|tmpfs|tracefs|vfat|virtiofs"
)
"""Types of file systems that are remote or hold no files of this host's own; a regular expression."""
_COMMAND = r"""
set --
while read -r target; do set -- "$@" "$(printf %b "$target")"; done <<MOUNTS
$(findmnt --noheadings --raw --output TARGET,FSTYPE,SOURCE | awk '
    $1 == "/" || ($2 !~ /^(REMOTE_OR_VIRTUAL)$/ && ($3 !~ /\[/ || $2 == "btrfs")) { print $1 }' | sort -u)
MOUNTS
owners=$(getent passwd | cut -d : -f 3 | sort -u | sed 's/^/-o -uid /')
groups=$(getent group | cut -d : -f 3 | sort -u | sed 's/^/-o -gid /')
people=$(getent passwd | cut -d : -f 6 | sort -u)
homes=$(printf '%s\n' "$people" | xargs -d '\n' readlink -m --)
printf '%s\n' "$people" -- "$homes" | awk '
    $0 == "--" { is_real = 1; next } ! is_real { home[++all] = $0; next }
    home[++seen] != $0 { print "home " home[seen] "\t" $0 }'
homes=$(printf '%s\n' "$homes" | sort -u | sed 's/[][\.*^$+?(){}|]/\\&/g' | paste -s -d '|' -)
nice -n 19 find "$@" -xdev -regextype posix-extended \( -type d \( PRUNED \) -prune \) -o \( \
    -name '.?*' ! -type d -regex "($homes)/[^/]*" -o \
    -perm -0002 \( -type f -o -type d ! -perm -1000 \) -o -type f -perm /6000 -o \
    ! \( -uid 0 $owners -o ! -nouser \) -o ! \( -gid 0 $groups -o ! -nogroup \) \) -printf '%#m %U %G %y %p\n' || exit
echo "walked $*"
"""
COMMAND = _COMMAND.replace("REMOTE_OR_VIRTUAL", REMOTE_OR_VIRTUAL).replace(
    "PRUNED", " -o ".join(f"-path {path}" for path in CONTAINER_STORAGE)
)
"""Prints ``mode uid gid type path`` a line, and last where it walked; how long it took, the transport tells.

First, a line each, come the home directories that are elsewhere than passwd says, for a link leads there.
"""


@dataclass(frozen=True)
class Entry:
    """What the walk met: its mode, the numbers of its owners, its type (``f``, ``d``, ``l`` …) and its path."""

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
class Walk:
    """What one walk met, and where it started."""

    entries: Sequence[Entry]
    directories: Sequence[str]
    homes: Mapping[str, str]
    """Home directory as passwd has it → where it really is, for those a link leads to."""


def walk(host: Host) -> Walk:
    """The walk of this host; ``CouldNotLook`` where it did not come to its end.

    ``find`` exits with 1 where a file vanished under it, which happens on every busy host: what it says of that is
    tolerated, anything else is not.
    """
    result = host.run(COMMAND, seconds=SECONDS)
    complaints = [line for line in result.stderr.splitlines() if not line.endswith(": No such file or directory")]
    if complaints or result.rc not in {0, 1}:
        raise CouldNotLook(f"the file walk failed: {complaints[-1] if complaints else f'status {result.rc}'}")
    return read_walk(result.stdout)


@lru_cache(maxsize=16)
def read_walk(listing: str) -> Walk:
    """The answer of ``COMMAND``; a line that is no entry belongs to a path with a line break in it."""
    lines = listing.removesuffix("\n").split("\n")
    if not lines[-1].startswith("walked "):
        raise CouldNotLook("the file walk was cut short")
    entries: list[Entry] = []
    homes: dict[str, str] = {}
    for line in lines[:-1]:
        if entry := re.fullmatch(r"(0[0-7]*) (\d+) (\d+) (\w) (/.*)", line):
            mode, uid, gid, kind, path = entry.groups()
            entries.append(Entry(int(mode, 8), int(uid), int(gid), kind, path))
        elif not entries and (link := re.fullmatch(r"home (.*)\t(.*)", line)):
            homes[link[1]] = link[2]
        elif entries:
            last = entries.pop()
            entries.append(Entry(last.mode, last.uid, last.gid, last.type, f"{last.path}\n{line}"))
    return Walk(entries, lines[-1].split()[1:], homes)


def _entries(host: Host, is_meant: Callable[[Entry], bool]) -> Sequence[Entry]:
    return sorted(filter(is_meant, walk(host).entries), key=lambda entry: entry.path)


def world_writable(host: Host) -> Sequence[Entry]:
    """Files that everybody can write, and directories in which everybody can replace the files of others."""
    return _entries(
        host,
        lambda entry: (
            bool(entry.mode & 0o002) and (entry.type == "f" or (entry.type == "d" and not entry.mode & 0o1000))
        ),
    )


def unowned(host: Host) -> Sequence[Entry]:
    """Files and directories whose owner or group has no name on this host."""
    users, groups = (
        {int(line.split(":")[2]) for line in seen.ask(host, f"getent {name}").splitlines()}
        for name in ("passwd", "group")
    )
    return _entries(host, lambda entry: entry.uid not in users or entry.gid not in groups)


def dot_files(walked: Walk, home: str) -> Mapping[str, Entry]:
    """The hidden files right in a home directory, by name."""
    place = walked.homes.get(home, home).rstrip("/")
    hidden = [entry for entry in walked.entries if entry.path.startswith(f"{place}/.") and entry.type != "d"]
    names = {entry.path.removeprefix(f"{place}/"): entry for entry in hidden}
    return {name: entry for name, entry in names.items() if "/" not in name}


def set_id_programs(host: Host) -> Sequence[str]:
    """Paths of set-uid and set-gid files where the kernel heeds those bits: not below ``nosuid`` or ``noexec``."""
    found = _entries(host, lambda entry: entry.type == "f" and bool(entry.mode & 0o6000))
    mounts = seen.mounted(host)
    return [entry.path for entry in found if {"nosuid", "noexec"}.isdisjoint(_options(mounts, entry.path))]


def _options(mounts: Mapping[str, Mapping[str, Any]], path: str) -> Sequence[str]:
    """The options of the mount a path is on."""
    for parent in PurePosixPath(path).parents:
        if str(parent) in mounts:
            options: Sequence[str] = mounts[str(parent)]["options"]
            return options
    return ()
