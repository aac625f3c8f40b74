"""What a released run changed, and which of it can go back: pure, over states."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hardener.checkpoint import state
from hardener.checkpoint.state import Difference
from hardener.checkpoint.system import State

Change = Mapping[str, Any]
"""One change of a run as the controller knows it: ``kind``, ``subject``, ``key``, ``before``, ``after``."""

_KINDS = {
    "file": "files",
    "attributes": "files",
    "unit": "units",
    "package": "packages",
    "sysctl": "sysctls",
    "mount": "mounts",
    "module": "modules",
}
"""Kind of a change → kind of state."""


class Undoing:
    """What goes back (``wanted``, with ``texts`` for files of which only some lines do), and the ``conflicts``."""

    def __init__(self, wanted: State, texts: dict[str, bytes], conflicts: list[Difference]) -> None:
        self.wanted, self.texts, self.conflicts = wanted, texts, conflicts

    def names(self, now: State) -> list[Difference]:
        """What is going to change."""
        return state.differing(self.wanted, now)


def whole(before: State, after: State, now: State, *, force: bool) -> Undoing:
    """Everything the run changed goes back; what somebody changed since is a conflict, and stays unless forced."""
    return _undone(state.differing(before, after), before, after, now, force=force)


def _undone(chosen: Sequence[Difference], before: State, after: State, now: State, *, force: bool) -> Undoing:
    wanted: State = {kind: dict(items) for kind, items in now.items()}
    conflicts = []
    is_newer = set(state.differing(after, now))
    is_back = set(chosen) - set(state.differing(before, now))
    for kind, name in chosen:
        if (kind, name) in is_back:
            continue
        if (kind, name) in is_newer and not force:
            conflicts.append((kind, name))
        elif name in before[kind]:
            wanted[kind][name] = before[kind][name]
        else:
            wanted[kind].pop(name, None)
    return Undoing(wanted, {}, conflicts)


def some(
    changes: Sequence[Change],
    states: tuple[State, State, State],
    read: Callable[[str], bytes],
    *,
    force: bool,
) -> Undoing:
    """Only some changes go back: whole items, and of files with many keys only their lines.

    ``states``: before the run, after it, and now. ``read``: the content a file has now.
    """
    before, after, now = states
    run = set(state.differing(before, after))
    whole_items = {(_KINDS[change["kind"]], _name(change)) for change in changes if change["kind"] in _KINDS}
    lines = [change for change in changes if change["kind"] == "setting"]
    undone = _undone(sorted(whole_items & run), before, after, now, force=force)
    for path in dict.fromkeys(change["subject"] for change in lines):
        if ("files", path) not in whole_items:
            _put_lines_back(path, [change for change in lines if change["subject"] == path], undone, before, now, read)
    return undone


def _name(change: Change) -> str:
    """The name of a change's item in a state."""
    subject = str(change["subject"])
    return subject.replace(".", "/") if change["kind"] == "sysctl" else subject


def _put_lines_back(
    path: str, changes: Sequence[Change], undone: Undoing, before: State, now: State, read: Callable[[str], bytes]
) -> None:
    entry = now["files"].get(path)
    if entry is None or entry["type"] != "file":
        return
    text, missing = without(read(path).decode("utf-8", "surrogateescape"), changes)
    if missing:
        undone.conflicts.append(("files", path))
    if path not in before["files"] and all(not line.strip() or line.startswith("#") for line in text.splitlines()):
        del undone.wanted["files"][path]
        return
    data = text.encode("utf-8", "surrogateescape")
    undone.texts[path] = data
    # Without its times, or the file would be taken for what it shall become.
    kept = {name: value for name, value in entry.items() if name != "times"}
    undone.wanted["files"][path] = {**kept, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def without(text: str, changes: Sequence[Change]) -> tuple[str, list[Change]]:
    """A text with the lines of some changes as they were, and the changes whose line is no longer there."""
    lines = text.splitlines(keepends=True)
    missing = []
    for change in changes:
        line = f"{change['after']}\n"
        if line not in lines:
            missing.append(change)
            continue
        index = lines.index(line)
        lines[index : index + 1] = [f"{change['before']}\n"] if change["before"] else []
    return "".join(lines), missing
