"""What a released run changed, and which of it can go back: pure, over states."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from hardener.checkpoint import state
from hardener.checkpoint.lossless import BLANKS, bytes_of, lines_of
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


class Lines(NamedTuple):
    """The lines that a change took out of a text and those it put in, without their ends."""

    went: Sequence[str]
    came: Sequence[str]


def _put_lines_back(
    path: str, changes: Sequence[Change], undone: Undoing, before: State, now: State, read: Callable[[str], Texts]
) -> None:
    entry = now["files"].get(path)
    if entry is None or entry["type"] != "file":
        return
    texts = read(path)
    own = [lines for lines in map(lines_of_change, changes) if _is_own(lines, texts)]
    if len(own) < len(changes):
        undone.left.append(
            f"{path}: {len(changes) - len(own)} lines are not what this target's checkpoint says of the run"
        )
    if not own:
        return
    if texts.now == texts.after and _is_all(own, texts):
        text = texts.before or ""
    else:
        text, missing = without(texts.now or "", own, texts.before or "")
        if missing:
            undone.conflicts.append(("files", path))
    if path not in before["files"] and not any(map(_says_something, _bare(text))):
        del undone.wanted["files"][path]
        return
    data = bytes_of(text)
    undone.texts[path] = data
    # Without its times, or the file would be taken for what it shall become.
    kept = {name: value for name, value in entry.items() if name != "times"}
    undone.wanted["files"][path] = {**kept, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def lines_of_change(change: Change) -> Lines:
    """What a change of a setting did to the lines of its file; a key may have had several."""
    old, new = (Counter(str(change[side]).split("\n") if change[side] else ()) for side in ("before", "after"))
    return Lines(list((old - new).elements()), list((new - old).elements()))


def _bare(text: str | None) -> list[str]:
    return [line.removesuffix("\n") for line in lines_of(text or "")]


def _says_something(line: str) -> bool:
    """Whether a line is more than a comment, or the name of a section."""
    return bool(line.strip(BLANKS)) and not line.startswith(("#", "["))


def _by_the_run(texts: Texts) -> tuple[Counter[str], Counter[str]]:
    """What went and what came by the run, and how often."""
    before, after = Counter(_bare(texts.before)), Counter(_bare(texts.after))
    return before - after, after - before


def _is_own(lines: Lines, texts: Texts) -> bool:
    """Whether the run turned some lines into the others: whoever writes the record elsewhere must not choose them."""
    if texts.after is None or texts.now is None:
        return False
    went, came = _by_the_run(texts)
    return any(lines) and not (Counter(lines.went) - went or Counter(lines.came) - came)


def _is_all(changes: Sequence[Lines], texts: Texts) -> bool:
    """Whether these are all that the run did to a text, but for what says nothing."""
    went, came = _by_the_run(texts)
    for lines in changes:
        went, came = went - Counter(lines.went), came - Counter(lines.came)
    return not any(map(_says_something, went + came))


def without(text: str, changes: Sequence[Lines], before: str = "") -> tuple[str, list[Lines]]:
    """A text with the lines of some changes as they were, and the changes whose lines are no longer there.

    What went comes back in the place of what came, or else where it was in the text ``before`` the run.
    """
    lines, old = _bare(text), _bare(before)
    last = lines[-1:] if not text.endswith("\n") else []
    missing = []
    for change in changes:
        if Counter(change.came) - Counter(lines):
            missing.append(change)
            continue
        places = [lines.index(line) for line in change.came]
        for line in change.came:
            lines.remove(line)
        for line, place in zip_longest(change.went, places[: len(change.went)]):
            lines.insert(old.index(line) if place is None else place, line)
    joined = "".join(f"{line}\n" for line in lines)
    return joined.removesuffix("\n") if last and lines[-1:] == last else joined, missing
