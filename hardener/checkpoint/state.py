"""All state as one value: what it is, where two differ, and how to make one true."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, BinaryIO

from hardener.checkpoint import file_restore, files, live, packages, units
from hardener.checkpoint.lossless import escaped_line
from hardener.checkpoint.system import Failed, State

ROUNDS = 3
"""A package that goes changes files as it goes: everything is looked at again until nothing differs."""

_CAPTURES: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "packages": packages.capture,
    "units": units.capture,
    "sysctls": live.sysctls,
    "mounts": live.mounts,
    "modules": live.modules,
    "rulesets": live.rulesets,
    "routes": live.routes,
}
ONLY_MISSING = ("modules", "routes")
"""Kinds of which only what has gone is brought back: what came since may be anybody's."""

Difference = tuple[str, str]
"""Kind of state and name: ``("files", "/etc/issue")``, ``("units", "cron.service")``."""


def capture(contents: BinaryIO | None = None, known: State | None = None) -> State:
    """All state now; contents of files go to ``contents``. ``known``: an earlier capture, whose hashes may hold."""
    state: State = {kind: dict(look()) for kind, look in _CAPTURES.items()}
    state["files"] = files.capture(contents, (known or {}).get("files"))
    return state


def differing(wanted: State, now: State) -> list[Difference]:
    """What would have to change to make ``now`` what is wanted, in a stable order."""
    found = []
    hidden = tuple(f"{path}/" for path in files.unseen(wanted.get("files", {})))
    came = _came(wanted, now)
    for kind in sorted(wanted):
        names = set(wanted[kind]) | (set() if kind in ONLY_MISSING else set(now[kind]))
        for name in sorted(names):
            one, other = wanted[kind].get(name), now[kind].get(name)
            if _identity(kind, one) == _identity(kind, other) or _is_of_no_matter(kind, name, one, other, came):
                continue
            if kind == "files" and name.startswith(hidden):
                continue  # it may have been there all the time
            found.append((kind, name))
    return found


def _identity(kind: str, item: Any) -> Any:
    if kind == "files":
        return files.identity(item)
    return item is not None if kind == "units" else item


def _came(wanted: State, now: State) -> set[int]:
    """The accounts that came since: what they own is of whoever brought them, and of nobody else."""
    return files.accounts(now.get("files", {})) - files.accounts(wanted.get("files", {}))


def _is_of_no_matter(kind: str, name: str, wanted: Any, now: Any, came: set[int]) -> bool:
    """Whether a difference is nobody's doing: logs and homes grow, and services come when they are called."""
    if kind == "files":
        return _is_its_owners(name, wanted, now, came)
    if kind == "units" and wanted is None:
        return units.comes_by_itself(now, name)
    if kind == "mounts" and wanted is None:
        return not live.came_since(now)
    if kind == "sysctls":
        return wanted is None or now is None
    return False


def _is_its_owners(path: str, wanted: files.Entry | None, now: files.Entry | None, came: set[int]) -> bool:
    """Whether a difference of files could not be seen, or is what others do in directories of their own."""
    if wanted is None or now is None:
        present = wanted or now or {}
        is_of_others = wanted is None and present.get("shared", False) and present["uid"] not in {0, *came}
        return path.startswith(tuple(files.ATTRIBUTES_ONLY)) or present.get("type") == files.UNSEEN or is_of_others
    if files.UNSEEN in {wanted["type"], now["type"]}:
        return True
    is_another = now.get("shared", False) and now["uid"] != 0 and wanted["inode"] != now["inode"]
    return is_another and all(wanted.get(name) == now.get(name) for name in ("type", "sha256", "target"))


def restore(
    wanted: State, contents: files.Contents, kept: PurePath, again: list[str] | None = None, origin: State | None = None
) -> list[str]:
    """Make the state what is wanted; returns what could not be brought back, in words.

    Files come first, for access hangs on them. ``again``: units that have to read their configuration again even
    though they look the same; without it, those that changed their state since ``wanted`` was captured.
    ``origin``: the state before the run, where that is not what is wanted.
    """
    problems: list[str] = []
    came: set[int] = set()
    for number in range(ROUNDS):
        now = capture(known=wanted)
        came |= _came(wanted, now)
        missing = differing(wanted, now)
        if not missing and number > 0:
            return file_restore.inherit((origin or wanted)["files"], now["files"], came)
        if number == 0 and again is None:
            again = units.touched(wanted["units"], now["units"])
        for kind, name in missing:
            # The journal of a guard keeps it.
            print(f"hardener: brings back {kind}: {escaped_line(name)}", file=sys.stderr)
        problems = _restore_once(_by_kind(missing, wanted), now, contents, kept, (again or []) if number == 0 else [])
    left = differing(wanted, capture(known=wanted))
    return [*problems, *(f"{kind}: {name} is not as it was" for kind, name in left)] if left else []


def _by_kind(missing: list[Difference], wanted: State) -> dict[str, dict[str, Any]]:
    chosen: dict[str, dict[str, Any]] = {kind: {} for kind in wanted}
    for kind, name in missing:
        chosen[kind][name] = wanted[kind].get(name)
    return chosen


def _restore_once(
    chosen: Mapping[str, Mapping[str, Any]], now: State, contents: files.Contents, kept: PurePath, again: list[str]
) -> list[str]:
    reading = again + _signalled(chosen["files"])
    steps: list[tuple[Callable[..., list[str]], tuple[Any, ...]]] = [
        (file_restore.restore, (chosen["files"], now["files"], contents)),
        (live.restore_modules, (chosen["modules"],)),
        (live.restore_mounts, (chosen["mounts"],)),
        (live.restore_sysctls, (chosen["sysctls"],)),
        (live.restore_rulesets, (chosen["rulesets"],)),
        (live.restore_routes, (chosen["routes"],)),
        (units.restore, (chosen["units"], now["units"], reading)),
        (packages.restore, (chosen["packages"], kept)),
    ]
    problems = []
    for step, arguments in steps:
        try:
            problems += step(*arguments)
        except (Failed, OSError) as error:  # one kind that cannot be brought back must not cost the others
            problems.append(f"{step.__module__.rpartition('.')[2]}: {error}")
    return problems


def _signalled(paths: Mapping[str, Any]) -> list[str]:
    """Units that were told of new configuration by a signal, which leaves no trace in their state."""
    return ["auditd.service"] if "/etc/audit/auditd.conf" in paths else []
