"""Which processes have a file open, and as whom: they are those whom a change of its permissions can cut off."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from .permissions import ACCESS, Holder
from .secure_paths import kernel_names, kernel_status, kernel_text

GONE = (FileNotFoundError, ProcessLookupError)


class OpenFiles:
    """What every process has open at this moment; what ends meanwhile, or is closed, is left out.

    ``is_complete``: whether root could look at every process that is not root's own, which within a container it may
    not, and whether the kernel says which file is open: before Linux 5.14 it does not.
    """

    def __init__(self) -> None:
        self._found: dict[int, list[tuple[str, str, int]]] = {}
        self.is_complete = True
        for process in filter(str.isdigit, kernel_names("/proc")):
            with suppress(*GONE):
                try:
                    for number in kernel_names(f"/proc/{process}/fdinfo"):
                        self._note(process, number)
                except PermissionError:
                    self.is_complete &= _user(process) == 0

    def _note(self, process: str, number: str) -> None:
        with suppress(*GONE):
            told = _fields(f"/proc/{process}/fdinfo/{number}")
            way = int(told["flags"], 8)
            if "ino" not in told:
                self.is_complete = False
            elif way & os.O_ACCMODE < len(ACCESS) and not way & os.O_PATH:
                place = (process, number, ACCESS[way & os.O_ACCMODE])
                self._found.setdefault(int(told["ino"]), []).append(place)

    def holders(self, file: os.stat_result) -> list[Holder]:
        """Those who have a file open, by whatever name."""
        return list(dict.fromkeys(self._holders(file)))

    def _holders(self, file: os.stat_result) -> Iterator[Holder]:
        for process, number, access in self._found.get(file.st_ino, ()):
            with suppress(*GONE):
                opened = kernel_status(f"/proc/{process}/fd/{number}")
                if (opened.st_dev, opened.st_ino) == (file.st_dev, file.st_ino):
                    yield Holder(_user(process), _groups(process), access)


def _user(process: str) -> int:
    """As whom it uses files: the last of the four numbers that a process has."""
    return int(_fields(f"/proc/{process}/status")["Uid"].split()[3])


def _groups(process: str) -> frozenset[int]:
    told = _fields(f"/proc/{process}/status")
    return frozenset(map(int, [told["Gid"].split()[3], *told["Groups"].split()]))


def _fields(path: str) -> dict[str, str]:
    """Name → value of what the kernel tells a line each."""
    rows = (line.partition(":") for line in kernel_text(path).splitlines())
    return {name: value.strip() for name, _, value in rows}
