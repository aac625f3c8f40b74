"""Says why a value became another, where that is known: what changed on the target in between, and touches it. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from pydantic import JsonValue

from hardener.catalogue.reads import reading
from hardener.catalogue.recent import (
    FILES,
    PACKAGES,
    Answers,
    FileChange,
    PackageChange,
    file_changes,
    has_said,
    package_changes,
    writings,
)
from hardener.model import Around, Finding
from hardener.untrusted import one_line

Kind = TypeVar("Kind", FileChange, PackageChange)
AT_ONCE = timedelta(seconds=2)
"""A call that wrote to a file is no further from the file's last change."""
INSTALLING = timedelta(minutes=5)
"""Files that change so soon after a package did are that package's doing."""
UNITS = "/etc/systemd/system/"


@dataclass(frozen=True)
class _Rests:
    """What a finding rests on, as it was and as it is."""

    old: Finding
    new: Finding

    def on_file(self, path: str) -> bool:
        """Whether one of its questions reads a file, or it observed the file, or the unit it is about, by its name."""
        if path in self._names or self._is_of_unit(path):
            return True
        return any(reading(command).touches(path) for command in self._commands)

    def _is_of_unit(self, path: str) -> bool:
        if not path.startswith(UNITS):
            return False
        return not self._names.isdisjoint({posixpath.basename(path), posixpath.basename(posixpath.dirname(path))[:-2]})

    def on_package(self, package: str) -> bool:
        """Whether one of its questions is put to a program of a package, or it observed the package by its name."""
        if any(package in reading(command).packages for command in self._commands):
            return True
        return not self._names.isdisjoint({package, f"{package}.service", f"{package}.socket"})

    @cached_property
    def _commands(self) -> set[str]:
        return {*self.old.questions, *self.new.questions}

    @cached_property
    def _names(self) -> set[str]:
        return {*_names(self.old.observed), *_names(self.new.observed)}


def _names(observed: JsonValue) -> Iterator[str]:
    """The names under which something was observed; of files in a list, those before their modes and owners."""
    if isinstance(observed, dict):
        for name, value in observed.items():
            yield name
            yield from _names(value)
    elif isinstance(observed, list):
        yield from (item.rpartition(" (")[0] for item in observed if isinstance(item, str))


def cause(old: Finding | None, new: Finding | None, around: Around | None) -> str:
    """In words, the last change in between that touches what a finding rests on; empty where none is known.

    A change is in between when the later answer tells it and the earlier one did not, and its moment is too: a clock
    that jumped says nothing.
    """
    if around is None or old is None or new is None or old.observed == new.observed:
        return ""
    rests = _Rests(old, new)
    packages = [item for item in _between(package_changes, PACKAGES, around) if rests.on_package(item.package)]
    files = [item for item in _between(file_changes, FILES, around) if rests.on_file(item.path)]
    package = max(packages, key=lambda item: item.moment, default=None)
    file = _last_file(files)
    if file and (package is None or file.moment - package.moment > INSTALLING):
        return _file_words(file, around)
    return _package_words(package) if package else ""


def _last_file(changes: Sequence[FileChange]) -> FileChange | None:
    """The last change; of a file and the directory that it was written to, the file's."""
    last = max((item.moment for item in changes), default=None)
    at_last = [item for item in changes if last and last - item.moment <= AT_ONCE]
    return max(at_last, key=lambda item: (item.path.count("/"), item.moment, item.path), default=None)


def _between(read: Callable[[Answers, Answers], frozenset[Kind]], command: str, around: Around) -> Iterator[Kind]:
    """The changes that only the later answer tells; none where one of both answers is missing."""
    if has_said(around.before, command) and has_said(around.after, command):
        changes = read(around.before, around.after)
        yield from (item for item in changes if around.began <= item.moment <= around.ended)


def _package_words(change: PackageChange) -> str:
    return (
        f"package {one_line(f'{change.package} {change.before} -> {change.after}')} at {_moment(change.moment)} (dpkg)"
    )


def _file_words(change: FileChange, around: Around) -> str:
    words = f"{one_line(change.path)} changed at {_moment(change.moment)}"
    calls = [
        item
        for item in writings(around.after)
        if item.path == change.path and abs(item.moment - change.moment) <= AT_ONCE
    ]
    if not calls:
        return words
    last = max(calls, key=lambda item: (item.moment, item.program))
    return f"{words} by {one_line(last.user)} with {one_line(last.program)} (auditd)"


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
