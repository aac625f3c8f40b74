"""Files: what is below the directories a run may touch, each file looked at and read through its own descriptor."""

from __future__ import annotations

import base64
import grp
import hashlib
import pwd
import stat
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, BinaryIO

from hardener.checkpoint import mount_table
from hardener.checkpoint.secure_files import LARGEST, TEMPORARY, Directory, Item, Unsafe
from hardener.checkpoint.secure_paths import item_at, located

KEPT = {
    "/etc": 40,
    "/boot/grub": 1,
    "/var/lib/pam": 1,
    "/var/lib/aide": 1,
    "/var/spool/cron": 2,
    "/usr/share/pam-configs": 1,
    "/root": 1,
}
"""Below these everything is kept, contents included: directory to how many levels below it."""
ATTRIBUTES_ONLY = {"/var/log": 40, "/home": 2, "/usr/lib/systemd": 2, "/usr/sbin": 1, "/usr/bin": 1}
"""Below these owners and modes are kept: contents are data, or belong to packages."""
FOREIGN = (
    "/etc/.pwd.lock",
    "/etc/adjtime",
    "/etc/cni",
    "/etc/kubernetes",
    "/etc/lvm/archive",
    "/etc/lvm/backup",
    "/etc/mtab",
    "/etc/resolv.conf",
    "/root/.ansible",
    "/etc/systemd/system/hardener-guard-boot.service",
    "/etc/systemd/system/hardener-guard-early.service",
    "/etc/systemd/system/multi-user.target.wants/hardener-guard-boot.service",
    "/etc/systemd/system/sysinit.target.wants/hardener-guard-early.service",
    "/boot/grub/fonts",
    "/boot/grub/i386-pc",
    "/boot/grub/locale",
    "/boot/grub/x86_64-efi",
)
"""What others write at any time, what only packages bring, and the guard's own units."""
MOST_NAMES = 10_000
"""In a directory of somebody else; one with more is left out, for whoever fills it must not fill the checkpoint."""

Entry = dict[str, Any]
"""``type`` (file, directory, link, other), ``mode``, ``uid``, ``gid``, ``xattrs``, ``inode``; ``shared`` where others
than root can change what its directory holds; of files below ``KEPT`` also ``sha256``, ``size``, ``mtime``
(nanoseconds) and ``at`` (where its content starts in the file of contents, or ``None`` where it is not kept); of links
``target``. Of what could not be looked at: ``type`` unseen and ``why``."""
UNSEEN = "unseen"
ACCOUNTS = "/etc/passwd"
"""Its entry also has ``accounts``: the uids in it."""
_OF_CONTENT = ("sha256", "size", "mtime", "times", "at", "accounts")
IDENTITY = ("type", "mode", "uid", "gid", "xattrs", "sha256", "target")
"""What has to be equal for two entries to be the same."""


def identity(entry: Entry | None) -> tuple[Any, ...] | None:
    """What two entries are compared by."""
    return None if entry is None else tuple(str(entry.get(name)) for name in IDENTITY)


def accounts(entries: Mapping[str, Entry | None]) -> set[int]:
    """The uids of all accounts there were."""
    return set((entries.get(ACCOUNTS) or {}).get("accounts", ()))


def unseen(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Path → why it could not be kept."""
    return {path: entry["why"] for path, entry in entries.items() if entry["type"] == UNSEEN}


def ownerless(before: Mapping[str, Entry], now: Mapping[str, Entry]) -> list[str]:
    """What came since and belongs to an account that is gone, as data that a person decides about: nobody's but his."""
    return [
        f"{path} (owner {entry['uid']}:{entry['gid']})"
        for path, entry in now.items()
        if path not in before
        and entry["type"] != UNSEEN
        and not (_has_name(pwd.getpwuid, entry["uid"]) and _has_name(grp.getgrgid, entry["gid"]))
    ]


def _has_name(lookup: Callable[[int], Any], number: int) -> bool:
    try:
        lookup(number)
    except KeyError:
        return False
    return True


def capture(
    contents: BinaryIO | None = None, known: Mapping[str, Entry] | None = None, root: str = ""
) -> dict[str, Entry]:
    """Path → entry of everything that is kept; contents go to ``contents``, where that is given.

    What cannot be looked at, for a file system that is gone or was mounted by somebody else, is an entry that says so.
    ``known``: an earlier capture; a file with the same inode, size and times is not read again.
    ``root`` stands before every path, for tests.
    """
    look = _Capture(contents, known or {})
    for is_kept, tops in ((True, KEPT), (False, ATTRIBUTES_ONLY)):
        look.is_kept = is_kept
        for top, depth in tops.items():
            try:
                with located(top, root or "/") as (parent, name):
                    look.at(parent, name, top, depth)
            except FileNotFoundError:
                continue
            except OSError as error:
                look.entries[top] = _unseen(error)
    return look.entries


class _Capture:
    """One look at all files; ``entries`` holds what was seen so far."""

    def __init__(self, contents: BinaryIO | None, known: Mapping[str, Entry]) -> None:
        self.contents, self.known = contents, known
        self.mounts = mount_table.file_systems()
        self.entries: dict[str, Entry] = {}
        self.is_kept = True

    def at(self, parent: Directory, name: str, path: str, depth: int) -> None:
        """What has a name in a directory, and ``depth`` levels of what is in it."""
        if (mounted := self.mounts.get(path)) and not (parent.is_private and mount_table.is_local(mounted)):
            # Not even looked at: a server that is gone would hold us up for ever.
            self.entries[path] = {"type": UNSEEN, "why": f"a file system of type {mounted}"}
            return
        try:
            with parent.item(name) as item:
                self.entries[path] = self._entry(parent, item, path)
                if isinstance(item, Directory) and depth > 0:
                    for inner in item.names(MOST_NAMES):
                        if f"{path}/{inner}" not in FOREIGN and not inner.startswith(TEMPORARY):
                            self.at(item, inner, f"{path}/{inner}", depth - 1)
        except FileNotFoundError:
            return  # it went meanwhile
        except OSError as error:
            self.entries[path] = _unseen(error)

    def _entry(self, parent: Directory, item: Item, path: str) -> Entry:
        status = item.status
        entry: Entry = {
            "type": item.kind,
            "mode": stat.S_IMODE(status.st_mode),
            "uid": status.st_uid,
            "gid": status.st_gid,
            "xattrs": {name: base64.b64encode(value).decode() for name, value in item.xattrs().items()},
            "inode": status.st_ino,
        }
        if not parent.is_private:
            entry["shared"] = True
        if item.kind == "link":
            entry["target"] = item.target()
        if item.kind == "file" and self.is_kept and _may_be_read(item, parent):
            times = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
            earlier = self.known.get(path)
            if self.contents is None and earlier is not None and earlier.get("times") == times:
                return {**entry, **{name: earlier[name] for name in _OF_CONTENT if name in earlier}}
            entry.update(self._content(item), times=times)
        if path == ACCOUNTS and item.kind == "file":
            entry["accounts"] = sorted(_numbers(item.read()))
        return entry

    def _content(self, item: Item) -> Entry:
        hashed = hashlib.sha256()
        contents = self.contents if item.status.st_size <= LARGEST else None
        start = contents.tell() if contents is not None else None
        size = 0
        for chunk in item.chunks():
            hashed.update(chunk)
            size += len(chunk)
            if contents is not None:
                contents.write(chunk)
        return {"sha256": hashed.hexdigest(), "size": size, "mtime": item.status.st_mtime_ns, "at": start}


def _may_be_read(item: Item, parent: Directory) -> bool:
    """Whether a content is surely that of a file of this name, and no endless one."""
    if parent.is_private:
        return True
    try:
        item.refuse_other_names()
    except Unsafe:
        return False
    return item.status.st_size <= LARGEST


def _numbers(passwd: bytes) -> set[int]:
    rows = [line.split(b":") for line in passwd.splitlines()]
    return {int(row[2]) for row in rows if len(row) > 3 and row[2].isdigit() and len(row[2]) < 11}


def _unseen(error: OSError) -> Entry:
    return {"type": UNSEEN, "why": error.strerror or str(error)}


class Contents:
    """The kept contents of a checkpoint, and texts that take the place of some of them."""

    def __init__(self, path: PurePath, texts: Mapping[str, bytes] | None = None) -> None:
        self.path, self.texts = path, texts or {}

    def of(self, path: str, entry: Entry) -> bytes | None:
        """The content a file shall have; ``None`` where it was not kept."""
        if path in self.texts:
            return self.texts[path]
        if entry.get("at") is None:
            return None
        with item_at(str(self.path)) as item, item.opened() as file:
            file.seek(entry["at"])
            data = file.read(entry["size"])
        return data if hashlib.sha256(data).hexdigest() == entry["sha256"] else None
