"""Files: what is below the directories a run may touch, and how to bring it back."""

from __future__ import annotations

import base64
import grp
import hashlib
import os
import pwd
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

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
LARGEST = 4 * 1024 * 1024
"""Bytes; of larger files only the hash is kept, and a change of them cannot be undone."""

Entry = dict[str, Any]
"""``type`` (file, directory, link, other), ``mode``, ``uid``, ``gid``, ``xattrs``; of files below ``KEPT`` also
``sha256``, ``size``, ``mtime`` (nanoseconds) and ``at`` (where its content starts in the file of contents, or ``None``
where it is not kept); of links ``target``."""
IDENTITY = ("type", "mode", "uid", "gid", "xattrs", "sha256", "target")
"""What has to be equal for two entries to be the same."""


def identity(entry: Entry | None) -> tuple[Any, ...] | None:
    """What two entries are compared by."""
    return None if entry is None else tuple(str(entry.get(name)) for name in IDENTITY)


def capture(
    contents: BinaryIO | None = None, known: Mapping[str, Entry] | None = None, root: str = ""
) -> dict[str, Entry]:
    """Path → entry of everything that is kept; contents go to ``contents``, where that is given.

    ``known``: an earlier capture; a file with the same inode, size and times is not read again.
    ``root`` stands before every path, for tests.
    """
    entries: dict[str, Entry] = {}
    for is_kept, tops in ((True, KEPT), (False, ATTRIBUTES_ONLY)):
        for top, depth in tops.items():
            for path, status in _walk(top, root, depth):
                entries[path] = _entry(path, status, contents, (known or {}).get(path), root, is_kept=is_kept)
    return entries


def _walk(top: str, root: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    """A directory and all that is in it; never into what is foreign."""
    try:
        status = os.lstat(root + top)
    except FileNotFoundError:
        return
    yield top, status
    if not stat.S_ISDIR(status.st_mode) or depth == 0:
        return
    with suppress(FileNotFoundError), os.scandir(root + top) as items:
        for name in sorted(item.name for item in items):
            path = f"{top}/{name}"
            if path not in FOREIGN and not name.startswith(".hardener-"):
                yield from _walk(path, root, depth - 1)


def _entry(
    path: str, status: os.stat_result, contents: BinaryIO | None, known: Entry | None, root: str, *, is_kept: bool
) -> Entry:
    entry: Entry = {
        "type": _type(status.st_mode),
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "xattrs": _attributes(root + path),
    }
    if entry["type"] == "link":
        entry["target"] = os.readlink(root + path)
    if entry["type"] == "file" and is_kept:
        times = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        if contents is None and known is not None and known.get("times") == times:
            return {**entry, **{name: known[name] for name in ("sha256", "size", "mtime", "times", "at")}}
        entry.update(_content(root + path, status, contents), times=times)
    return entry


def _type(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"


def _attributes(path: str) -> dict[str, str]:
    """Extended attributes, ACLs and capabilities among them, as base64."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {
            name: base64.b64encode(os.getxattr(path, name, follow_symlinks=False)).decode()
            for name in sorted(names)
            if not name.startswith("security.selinux")
        }
    except OSError:  # a file system without them
        return {}


def _content(path: str, status: os.stat_result, contents: BinaryIO | None) -> Entry:
    hashed = hashlib.sha256()
    start = contents.tell() if contents is not None and status.st_size <= LARGEST else None
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            hashed.update(chunk)
            if contents is not None and start is not None:
                contents.write(chunk)
    size = contents.tell() - start if contents is not None and start is not None else status.st_size
    return {"sha256": hashed.hexdigest(), "size": size, "mtime": status.st_mtime_ns, "at": start}


# --- bringing back ----------------------------------------------------------------------------------------------------


class Contents:
    """The kept contents of a checkpoint, and texts that take the place of some of them."""

    def __init__(self, path: Path, texts: Mapping[str, bytes] | None = None) -> None:
        self.path, self.texts = path, texts or {}

    def of(self, path: str, entry: Entry) -> bytes | None:
        """The content a file shall have; ``None`` where it was not kept."""
        if path in self.texts:
            return self.texts[path]
        if entry.get("at") is None:
            return None
        with open(str(self.path), "rb") as file:
            file.seek(entry["at"])
            data = file.read(entry["size"])
        return data if hashlib.sha256(data).hexdigest() == entry["sha256"] else None


def restore(
    wanted: Mapping[str, Entry | None], now: Mapping[str, Entry | None], contents: Contents, root: str = ""
) -> list[str]:
    """Make the paths of ``wanted`` what they say (``None``: absent); returns what could not be done.

    Directories come first and go last; every file is replaced whole, so that nobody ever reads half of one.
    """
    problems = []
    for path in sorted(path for path, entry in wanted.items() if entry is not None):
        try:
            _make(path, wanted[path] or {}, now.get(path), contents, root)
        except OSError as error:
            problems.append(f"{path}: {error.strerror or error}")
    for path in sorted((path for path, entry in wanted.items() if entry is None), reverse=True):
        problems += _remove(path, root)
    return problems


def adopt(wanted: Mapping[str, Entry], now: Mapping[str, Entry], root: str = "") -> None:
    """Give to root what came since and belongs to nobody any more: logs of programs that have gone stay, as data."""
    for path in [path for path in now if path not in wanted]:
        with suppress(FileNotFoundError):
            status = os.lstat(root + path)
            owner = status.st_uid if _has_name(pwd.getpwuid, status.st_uid) else 0
            group = status.st_gid if _has_name(grp.getgrgid, status.st_gid) else 0
            if (owner, group) != (status.st_uid, status.st_gid):
                mode = stat.S_IMODE(status.st_mode)
                os.chown(root + path, owner, group, follow_symlinks=False)
                os.chmod(root + path, mode)


def _has_name(lookup: Callable[[int], Any], number: int) -> bool:
    try:
        lookup(number)
    except KeyError:
        return False
    return True


def _make(path: str, entry: Entry, now: Entry | None, contents: Contents, root: str) -> None:
    real = root + path
    kind = entry["type"]
    if now is not None and now["type"] != kind and kind != "other":
        _remove(path, root)
        now = None
    if kind == "directory" and now is None:
        os.makedirs(real, exist_ok=True)
    if kind == "link" and (now is None or now.get("target") != entry["target"]):
        _replace_link(real, entry["target"])
    if kind == "file" and "sha256" in entry and (now is None or now.get("sha256") != entry["sha256"]):
        data = contents.of(path, entry)
        if data is None:
            raise OSError(f"changed, and its content was not kept (more than {LARGEST} bytes)")
        _replace(real, data, entry)
        return
    if os.path.lexists(real):
        _dress(real, entry)


def _replace(real: str, data: bytes, entry: Entry) -> None:
    temporary = os.path.join(os.path.dirname(real), f".hardener-{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _dress(temporary, entry)
        os.utime(temporary, ns=(entry["mtime"], entry["mtime"]))
        os.replace(temporary, real)
    except BaseException:
        os.unlink(temporary)
        raise


def _replace_link(real: str, target: str) -> None:
    temporary = os.path.join(os.path.dirname(real), f".hardener-{os.getpid()}")
    os.symlink(target, temporary)
    os.replace(temporary, real)


def _dress(real: str, entry: Entry) -> None:
    """Owner, mode and extended attributes; a change of owner clears set-id bits, so the mode comes after it."""
    os.chown(real, entry["uid"], entry["gid"], follow_symlinks=False)
    if entry["type"] == "link":
        return
    os.chmod(real, entry["mode"])
    for name in set(_attributes(real)) - set(entry["xattrs"]):
        with suppress(OSError):
            os.removexattr(real, name)
    for name, value in entry["xattrs"].items():
        os.setxattr(real, name, base64.b64decode(value))


def _remove(path: str, root: str) -> list[str]:
    """Take a path away; a directory that is not empty belongs to somebody else as well, and stays."""
    real = root + path
    try:
        if os.path.isdir(real) and not os.path.islink(real):
            os.rmdir(real)
        elif os.path.lexists(real):
            os.unlink(real)
    except OSError as error:
        return [f"{path}: {error.strerror or error}"]
    return []
