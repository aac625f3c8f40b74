"""What all attacks share: accounts, victims, moments, and the swap that is done in one step."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import re
import stat
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

PLAIN = 1002
"""The node's account ``plain``: an ordinary user."""
SUBORDINATE = 231_149
"""One of his subordinate user ids (``/etc/subuid``): ``newuidmap`` makes such files for him, a fixture does here."""
HOME = Path("/home/plain")
VICTIMS = Path("/usr/local/lib/victims")
MEMORY = Path("/run/arsenal")
"""Where fixtures remember what they have to compare later."""
CANARY = MEMORY / "canary"
"""Written by any program of the attacker's that finds itself running as root."""
CANARY_PROGRAM = f'#!/bin/sh\n[ "$(id -u)" != 0 ] || echo "$0" >>{CANARY}\n'
TRANSIENT = Path("/run/systemd/transient")
HOLD_SECONDS = 2.5
"""How long a swap lasts: a restore comes by within that time after its look."""
DELAYS = (0.01, 0.05, 0.2, 0.6)
"""Seconds between a look and the swap, one after the other."""
IN_OPEN, IN_ISDIR, EXCHANGE, AT_FDCWD = 0x20, 0x40000000, 2, -100

_libc = ctypes.CDLL(None, use_errno=True)


class Attack:
    """One attack. Its docstring says why it could win, in one sentence.

    ``aims``: the step of a flow it is about. ``account``: who runs it, ``None`` for what stands for a set-uid program.
    ``holds_up``: whether it wins by making a run fail or wait, which only a run of its own can tell.
    """

    aims = ""
    account: int | None = PLAIN
    holds_up = False

    def __init__(self) -> None:
        self.name = name_of(type(self))
        self.item = HOME / self.name
        self.victims = VICTIMS / self.name

    def prepare(self) -> None:
        """What is there before the run; by root."""

    def run(self) -> None:
        """The attack itself; it goes on until it is ended."""

    def won(self) -> str | None:
        """What was won besides the victims, in words; by root, at the end of each step."""
        return None


def name_of(attack: type[Attack]) -> str:
    """``HomeFileForLink`` → ``home-file-for-link``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", attack.__name__).lower()


# --- victims ----------------------------------------------------------------------------------------------------------


def make_victims(folder: Path) -> None:
    """Root's files for one attack: each attack has its own, so that what is harmed tells who won."""
    (folder / "directory").mkdir(parents=True)
    for name, mode, group in [
        ("secret", 0o600, 0),
        ("tool", 0o755, 0),
        ("shared", 0o664, PLAIN),
        ("directory/conf", 0o600, 0),
        ("directory/item", 0o600, 0),
    ]:
        path = folder / name
        path.write_bytes(secret(folder.name))
        os.chown(path, 0, group)
        path.chmod(mode)
    (folder / "directory").chmod(0o755)


def secret(name: str) -> bytes:
    """What is in the victims of an attack, and must be read nowhere else."""
    return f"secret of {name}\n".encode()


def images(folder: Path) -> dict[str, list[object]]:
    """Path → type and mode, owner, group, attributes and content."""
    found: dict[str, list[object]] = {}
    for path in sorted((folder, *folder.rglob("*"))):
        status = path.lstat()
        data = path.read_bytes().hex() if stat.S_ISREG(status.st_mode) else ""
        names = [] if stat.S_ISLNK(status.st_mode) else os.listxattr(path)
        attributes = {name: os.getxattr(path, name).hex() for name in sorted(names)}
        found[str(path.relative_to(folder))] = [status.st_mode, status.st_uid, status.st_gid, attributes, data]
    return found


def remember(name: str, value: object) -> None:
    """Keep something until the attack is looked at."""
    (MEMORY / f"{name}.json").write_text(json.dumps(value), "utf-8")


def remembered(name: str) -> object:
    """What was kept."""
    return json.loads((MEMORY / f"{name}.json").read_text("utf-8"))


# --- moments ----------------------------------------------------------------------------------------------------------


def run_under_guard() -> str | None:
    """The id of the run under way, which any user reads in the name of a unit."""
    for name in os.listdir(TRANSIENT) if TRANSIENT.exists() else ():
        if found := re.match(r"hardener-guard-(\w+-\w+)\.", name):
            return found[1]
    return None


def wait_for_guard() -> str:
    """Wait until a run has begun; its id."""
    while (run := run_under_guard()) is None:
        time.sleep(0.02)
    return run


def looks(folder: Path) -> Iterator[None]:
    """Somebody opens a directory to list it."""
    watch = _libc.inotify_init1(0)
    if watch < 0 or _libc.inotify_add_watch(watch, os.fsencode(folder), IN_OPEN) < 0:
        raise OSError(ctypes.get_errno(), f"inotify: {folder}")
    while True:
        data, place, is_listed = os.read(watch, 65536), 0, False
        while place < len(data):
            _, mask, _, length = struct.unpack_from("iIII", data, place)
            is_listed = is_listed or (bool(mask & IN_ISDIR) and length == 0)
            place += 16 + length
        if is_listed:
            yield


def wait_for_checkpoint(folder: Path) -> None:
    """Wait until a run has begun and has looked into a directory; what is done from now on, a restore takes back."""
    listing = looks(folder)
    wait_for_guard()
    next(listing)
    time.sleep(2)


def exchange(one: Path, other: Path) -> None:
    """Two names change places in one step."""
    if _libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), EXCHANGE) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one))


def aside(path: Path) -> Path:
    """Where the other thing waits for the swap: in a directory that nobody lists for us."""
    return path.with_name(f".{path.name}~")


def swap_after_looks(item: Path) -> None:
    """After each look at its directory: the other thing for a while, then the first again; for ever."""
    delays = itertools.cycle(DELAYS)
    for _ in looks(item.parent):
        time.sleep(next(delays))
        with suppress(FileNotFoundError):  # a restore has taken one of them away
            exchange(item, aside(item))
            time.sleep(HOLD_SECONDS)
            exchange(item, aside(item))


def spin_during_looks(items: Sequence[Path], seconds: float = 0.5) -> None:
    """From each look at their directory on: swap them to and fro, as fast as can be; for ever."""
    for _ in looks(items[0].parent):
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for item in items:
                with suppress(FileNotFoundError):
                    exchange(item, aside(item))


def own(path: Path, account: int = PLAIN) -> None:
    """Give a path to the attacker; by root."""
    os.chown(path, account, account, follow_symlinks=False)
