"""What a released run changed, and which of it can go back: pure, over states."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

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
ALONE = {"group", "ruleset"}
"""Kinds of changes of which no part goes back."""


class Undoing:
    """What goes back, and what does not.

    ``wanted``, with ``texts`` for files of which only some lines go back; ``conflicts``, which somebody changed since;
    ``left``, in words, which cannot go back by itself.
    """

    def __init__(self, wanted: State, conflicts: list[Difference]) -> None:
        self.wanted, self.conflicts = wanted, conflicts
        self.texts: dict[str, bytes] = {}
        self.left: list[str] = []

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
    return Undoing(wanted, conflicts)


class Texts(NamedTuple):
    """The text of one file before a run, after it, and now; ``None`` where there was none, or it was not kept."""

    before: str | None
    after: str | None
    now: str | None


def some(
    changes: Sequence[Change],
    states: tuple[State, State, State],
    read: Callable[[str], Texts],
    *,
    force: bool,
) -> Undoing:
    """Only some changes go back: whole items, and of files with many keys only their lines.

    ``changes`` only choose: what goes back, and what it becomes, is what this target's own checkpoint says of the run.
    ``states``: before the run, after it, and now.
    """
    before, after, now = states
    run = state.differing(before, after)
    items = {item for change in changes for item in run if _is_of(change, item, before, after)}
    lines = [change for change in changes if change["kind"] == "setting"]
    undone = _undone(sorted(items), before, after, now, force=force)
    undone.left += [
        f"{change['kind']} {change['subject']}: goes back with the whole run alone"
        for change in changes
        if change["kind"] in ALONE
    ]
    for path in dict.fromkeys(change["subject"] for change in lines):
        if ("files", path) not in items:
            _put_lines_back(path, [change for change in lines if change["subject"] == path], undone, before, now, read)
    return undone


def _is_of(change: Change, item: Difference, before: State, after: State) -> bool:
    """Whether a difference the run made is what one of its changes says."""
    (kind, name), subject = item, str(change["subject"])
    if change["kind"] == "unit" and kind == "files":
        return any(_enables(name, states["files"].get(name), subject) for states in (before, after))
    if _KINDS.get(change["kind"]) != kind:
        return False
    if kind == "packages":
        return name.partition(":")[0] == subject
    return name == (subject.replace(".", "/") if kind == "sysctls" else subject)


def _enables(path: str, entry: Mapping[str, Any] | None, unit: str) -> bool:
    """Whether a file is how a unit is enabled, aliased or masked: a link of its name, to it, or of its old script."""
    if entry is None or entry["type"] != "link":
        return False
    if path.startswith("/etc/systemd/system/"):
        return unit in {path.rpartition("/")[2], str(entry["target"]).rpartition("/")[2]}
    return bool(re.fullmatch(rf"/etc/rc[0-6S]\.d/[SK][0-9]{{2}}{re.escape(unit.removesuffix('.service'))}", path))


def _put_lines_back(
    path: str, changes: Sequence[Change], undone: Undoing, before: State, now: State, read: Callable[[str], Texts]
) -> None:
    entry = now["files"].get(path)
    if entry is None or entry["type"] != "file":
        return
    texts = read(path)
    own = [change for change in changes if _is_own(change, texts)]
    if len(own) < len(changes):
        undone.left.append(
            f"{path}: {len(changes) - len(own)} lines are not what this target's checkpoint says of the run"
        )
    if not own:
        return
    text, missing = without(texts.now or "", own, texts.before or "")
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


def _is_own(change: Change, texts: Texts) -> bool:
    """Whether the run turned one line into the other: whoever writes the record elsewhere must not choose the lines."""
    if texts.after is None or texts.now is None:
        return False
    before, after = Counter((texts.before or "").splitlines()), Counter(texts.after.splitlines())
    came, went = after - before, before - after
    old, new = str(change["before"]), str(change["after"])
    return bool(old or new) and (not new or came[new] > 0) and (not old or went[old] > 0)


def without(text: str, changes: Sequence[Change], before: str = "") -> tuple[str, list[Change]]:
    """A text with the lines of some changes as they were, and the changes whose line is no longer there.

    A line that went comes back where it was in the text ``before`` the run.
    """
    lines = text.splitlines(keepends=True)
    missing = []
    for change in changes:
        if not change["after"]:
            place = before.splitlines().index(change["before"])
            lines[place:place] = [f"{change['before']}\n"]
            continue
        line = f"{change['after']}\n"
        if line not in lines:
            missing.append(change)
            continue
        index = lines.index(line)
        lines[index : index + 1] = [f"{change['before']}\n"] if change["before"] else []
    return "".join(lines), missing
