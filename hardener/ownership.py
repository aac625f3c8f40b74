"""Refuses files that others could have written, where what they say decides what runs as root."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
import struct
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from hardener.errors import ConfigError

MOST_LINKS = 40
"""As many symbolic links as the kernel follows on the way to one file."""
_ELSEWHERE = "use a directory that only you can write"
_ACL = "system.posix_acl_access"
_ACL_ENTRY = struct.Struct("<HHI")
_ACL_USER, _ACL_GROUP, _ACL_WRITE = 0x02, 0x08, 0x02


def refuse_foreign(*paths: Path | str, error: type[ConfigError] = ConfigError) -> None:
    """Raise ``error`` unless root or whoever runs us alone decides what is at each of these paths.

    Each path, and every directory and symbolic link on the way to it, has to belong to one of the two, and nobody else
    may write it. A directory means everything below it. Where nothing is at a path, nobody else may be able to put
    something there. In a directory with the sticky bit others can write and yet not touch what is ours: on the way to
    a file such a directory is allowed.

    What was checked is what is read afterwards, since nobody else can exchange any part of it. What this cannot see: a
    descriptor that somebody opened while the file was still his to write, and NFSv4 ACLs.
    """
    inspection = _Inspection(error)
    for path in paths:
        inspection.follow(Path(path).absolute())


class _Inspection:
    """One look at some paths; what is the same for several is looked at once."""

    def __init__(self, error: type[ConfigError]) -> None:
        self._error = error
        self._trusted = {0, os.geteuid()}
        self._statuses: dict[Path, os.stat_result | None] = {}
        self._walked: set[Path] = set()

    def follow(self, named: Path) -> None:
        """Hold every step on the way to a path to the rule, and what is below it."""
        here, links = Path("/"), 0
        self._hold(here, self._status(here), named)
        ahead = [*reversed(named.parts[1:])]
        while ahead:
            name = ahead.pop()
            step = here.parent if name == ".." else here / name  # no link is left in what lies behind us
            status = self._status(step)
            if status is None:
                self._hold_room(here, named)
                return
            self._hold(step, status, named)
            if not stat.S_ISLNK(status.st_mode):
                here = step
                continue
            if (links := links + 1) > MOST_LINKS:
                raise self._error("too many symbolic links", location=_shown(named))
            target = step.readlink()
            here = Path("/") if target.is_absolute() else here
            ahead += reversed([part for part in target.parts if part != "/"])
        if here.is_dir():
            self._hold_all_below(here, named)

    def _status(self, path: Path) -> os.stat_result | None:
        """What a path is, itself; ``None`` where there is nothing."""
        if path not in self._statuses:
            try:
                self._statuses[path] = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                self._statuses[path] = None
            except OSError as problem:
                raise self._error(problem.strerror or str(problem), location=_shown(path)) from None
        return self._statuses[path]

    def _hold_all_below(self, folder: Path, named: Path) -> None:
        if folder in self._walked:
            return
        self._walked.add(folder)
        self._hold_room(folder, named)
        try:
            with os.scandir(folder) as entries:
                found = sorted(Path(entry.path) for entry in entries)
        except OSError as problem:
            raise self._error(problem.strerror or str(problem), location=_shown(folder)) from None
        for path in found:
            status = self._status(path)
            if status is None:
                continue
            self._hold(path, status, path)
            if stat.S_ISLNK(status.st_mode):
                self.follow(path)
            elif stat.S_ISDIR(status.st_mode):
                self._hold_all_below(path, path)

    def _hold(self, path: Path, status: os.stat_result | None, named: Path) -> None:
        """Refuse what belongs to others, or what they can write."""
        if status is None:
            return
        if status.st_uid not in self._trusted:
            why = f"it belongs to {_user(status.st_uid)}"
            raise self._refusal(path, status, why, f"chown {_user(os.geteuid())} {_quoted(path)}", named)
        if not _is_sticky(status):
            self._hold_closed(path, status, named)

    def _hold_closed(self, path: Path, status: os.stat_result, named: Path) -> None:
        """Refuse what others can write, by its mode or by its ACL. A link has no mode of its own."""
        if stat.S_ISLNK(status.st_mode):
            return
        is_group_foreign = status.st_mode & stat.S_IWGRP and status.st_gid not in self._own_groups
        closing = [*(["g-w"] if is_group_foreign else []), *(["o-w"] if status.st_mode & stat.S_IWOTH else [])]
        if closing:
            mend = f"chmod {','.join(closing)} {_quoted(path)}"
            raise self._refusal(path, status, "others can write it", _ELSEWHERE if _is_sticky(status) else mend, named)
        # An ACL that lets anybody write shows as a group that may.
        if status.st_mode & stat.S_IWGRP and not all(self._is_known(*entry) for entry in _writers(path)):
            mend = f"setfacl --remove-all {_quoted(path)}"
            raise self._refusal(path, status, "its ACL lets others write it", mend, named)

    def _hold_room(self, folder: Path, named: Path) -> None:
        """Refuse a directory in which others can put what will be looked for there, the sticky bit or not."""
        status = self._status(folder)
        if status is not None:
            self._hold_closed(folder, status, named)

    def _refusal(self, path: Path, status: os.stat_result, why: str, mend: str, named: Path) -> ConfigError:
        about = "" if path == named else f", on the way to {_shown(named)}"
        facts = f"owner {_user(status.st_uid)}, group {_group(status.st_gid)}, mode {stat.S_IMODE(status.st_mode):04o}"
        return self._error(f"{why} ({facts}), and it decides what runs as root{about}: {mend}", location=_shown(path))

    def _is_known(self, tag: int, identity: int) -> bool:
        """Whether somebody whom an ACL lets write is one of those who may."""
        return identity in (self._trusted if tag == _ACL_USER else self._own_groups)

    @cached_property
    def _own_groups(self) -> frozenset[int]:
        """The private groups of root and of whoever runs us: those of their names which nobody else is in."""
        return frozenset(group for user in self._trusted for group in _private_groups(user, self._trusted))


def _private_groups(user: int, trusted: set[int]) -> Iterator[int]:
    try:
        account = pwd.getpwuid(user)
        group = grp.getgrgid(account.pw_gid)
    except KeyError:
        return
    others = [item for item in pwd.getpwall() if item.pw_gid == group.gr_gid and item.pw_uid not in trusted]
    if group.gr_name == account.pw_name and set(group.gr_mem) <= {account.pw_name} and not others:
        yield group.gr_gid


def _is_sticky(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_ISVTX)


def _writers(path: Path) -> Iterator[tuple[int, int]]:
    """Kind and number of the users and groups whom an ACL names and lets write, of a file whose mask lets them.

    The owning group is not among them: its number is the file's own, which the mode was compared with.
    """
    try:
        acl = os.getxattr(path, _ACL, follow_symlinks=False)
    except OSError:  # it has none, or its file system knows none
        return
    for tag, permissions, identity in _ACL_ENTRY.iter_unpack(acl[4:]):
        if tag in {_ACL_USER, _ACL_GROUP} and permissions & _ACL_WRITE:
            yield tag, identity


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _quoted(path: Path) -> str:
    return shlex.quote(_shown(path))


def _shown(path: Path) -> str:
    """A path as one line, whatever is in its name."""
    text = str(path)
    return text if text.isprintable() else ascii(text)[1:-1]
