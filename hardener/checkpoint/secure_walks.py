"""Finds files by shell patterns and below directories, where others may move things about meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from fnmatch import fnmatchcase

from .secure_copies import DEEPEST
from .secure_files import Directory, Item, Unsafe
from .secure_paths import exists, item_at, located


def matching(pattern: str) -> list[str]:
    """The paths a shell pattern means now, in order; a path that ends with a slash is meant to be a directory.

    Hidden names match only what begins with a dot. A way that others control, or that cannot be looked at, ends the
    search: the path up to there is among the answers, and opening it says why.
    """
    names = [name for name in pattern.split("/") if name]
    found = [""]
    for name in names:
        found = [path for parent in found for path in _matching_in(parent, name)]
    end = "/" if pattern.endswith("/") else ""
    return sorted(f"{path}{end}" for path in found if path and _may_exist(path))


def _matching_in(parent: str, pattern: str) -> list[str]:
    try:
        if parent:
            with item_at(parent, follow=True) as item:
                if item.kind != "directory":
                    return []
        if not re.search(r"[*?[]", pattern):
            return [f"{parent}/{pattern}"]
        with located(f"{parent}/x") as (directory, _):
            names = directory.names()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        return [parent]
    shown = [name for name in names if pattern.startswith(".") or not name.startswith(".")]
    return [f"{parent}/{name}" for name in shown if fnmatchcase(name, pattern)]


def _may_exist(path: str) -> bool:
    try:
        return exists(path)
    except OSError:
        return True


def files_below(
    top: Directory, without: Collection[str], left_alone: Callable[[OSError], object], depth: int = 0
) -> Iterator[Item]:
    """Every regular file below a directory, each held open while it is looked at; no link is followed.

    ``without``: paths that are not entered. ``left_alone`` is told what cannot be reached, and what lies deeper than
    anybody needs; what vanishes meanwhile is left out.
    """
    if depth > DEEPEST:
        left_alone(Unsafe(top.path, f"more than {DEEPEST} directories deep"))
        return
    try:
        names = top.names()
    except OSError as error:
        left_alone(OSError(error.errno, error.strerror, top.path))
        return
    for name in names:
        if f"{top.path}/{name}" in without:
            continue
        try:
            item = top.item(name)
        except FileNotFoundError:
            continue
        except OSError as error:
            left_alone(error)
            continue
        with item:
            if isinstance(item, Directory):
                yield from files_below(item, without, left_alone, depth + 1)
            elif item.kind == "file":
                yield item
