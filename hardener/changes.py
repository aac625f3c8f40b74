"""What changes say without asking anybody: whose they are, which of a plan are certain, whether two lists agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from hardener.catalogue.control import Control
from hardener.lossless import unescaped
from hardener.model import SIGNALS, Change, ChangeKind


def attributed(items: Sequence[Change], controls: Sequence[Control]) -> Sequence[Change]:
    """The items, each with the ids of those of the ``controls`` it is made for.

    They are those whose parameters name it; where none does, all of its role.
    """
    return [item.model_copy(update={"controls": _controls_of(item, controls)}) for item in items]


def _controls_of(item: Change, controls: Sequence[Control]) -> tuple[str, ...]:
    own = [control for control in controls if control.role == item.role]
    named = [
        control.id
        for control in own
        if any(
            _is_named(item, name)
            for parameter in control.parameters
            if item.kind is ChangeKind.ATTRIBUTES or not parameter.name.endswith("modes")
            for name in parameter.path
        )
    ]
    return tuple(named or [control.id for control in own])


def _is_named(item: Change, name: str) -> bool:
    subject, key = unescaped(item.subject), unescaped(item.key)
    if item.kind is ChangeKind.ATTRIBUTES:
        return fnmatchcase(subject.rstrip("/"), name.rstrip("/"))
    words = [subject, key, *re.split(r"[\s=]+", key)]
    return name.lower() in [word.lower() for word in words if word]


def settled(items: Sequence[Change]) -> Sequence[Change]:
    """A plan's items without what the others rule out, and certain where the others make them so.

    A unit whose file this run writes will be there. One that this run stops is not restarted, one that it starts is.
    Where no package comes, nothing comes that would have to be restricted but a log of what goes.
    """
    written = {item.subject for item in items if item.kind is ChangeKind.FILE}
    states = {item.subject: item for item in items if item.kind is ChangeKind.UNIT and item.after not in SIGNALS}
    packages = [item for item in items if item.kind is ChangeKind.PACKAGE]
    is_anything_new = any(item.after != "absent" for item in packages)
    kept = []
    for item in items:
        is_unit, aim = item.kind is ChangeKind.UNIT, states.get(item.subject)
        if is_unit and item.after in SIGNALS:
            if aim is not None and aim.after.endswith("inactive"):
                continue
            if item.conditional and not (aim or (is_anything_new and item.before.startswith("absent"))):
                continue
            is_certain = not item.conditional or (aim is not None and not aim.conditional)
        elif item.conditional and not is_unit and not (is_anything_new or (packages and _is_log(item))):
            continue
        else:
            is_certain = not item.conditional or (is_unit and f"/etc/systemd/system/{item.subject}" in written)
        kept.append(item.model_copy(update={"conditional": not is_certain}))
    return kept


def _is_log(item: Change) -> bool:
    return item.subject.startswith("/var/log/")


def differences(planned: Sequence[Change], done: Sequence[Change]) -> Sequence[str]:
    """What was done otherwise than planned, a sentence each; nothing where both are the same.

    A conditional item may be done or not; it covers every subject that its own, a shell pattern, names.
    """
    planned_ones, done_ones = ({_identity(item) for item in items} for items in (planned, done))
    conditional = [item for item in planned if item.conditional]
    undone = [item for item in planned if not item.conditional and _identity(item) not in done_ones]
    unplanned = [
        item
        for item in done
        if _identity(item) not in planned_ones and not any(_covers(other, item) for other in conditional)
    ]
    return [f"planned and not done: {item.words}" for item in undone] + [
        f"done and not planned: {item.words}" for item in unplanned
    ]


def moved(planned: Sequence[Change], now: Sequence[Change]) -> Sequence[str]:
    """What a plan made now has otherwise than an earlier one, a sentence each: what the target was like counts too."""
    earlier, later = set(planned), set(now)
    gone = [item for item in planned if item not in later]
    new = [item for item in now if item not in earlier]
    return [f"no longer needed: {item.words}" for item in gone if not _has_like(item, new)] + [
        f"{_how_new(item, gone)}: {item.words}" for item in new
    ]


def _how_new(item: Change, gone: Sequence[Change]) -> str:
    if any(_state(item) == _state(other) for other in gone):
        return "is made otherwise"
    return "was in another state" if _has_like(item, gone) else "now needed as well"


def _has_like(item: Change, others: Sequence[Change]) -> bool:
    return any((item.kind, item.subject, item.key) == (other.kind, other.subject, other.key) for other in others)


def _state(item: Change) -> tuple[object, ...]:
    return *_identity(item), item.before, item.conditional


def _identity(item: Change) -> tuple[str, str, str, str]:
    return item.kind, item.subject, item.key, item.after


def _covers(conditional: Change, item: Change) -> bool:
    """Whether a conditional item foresaw another; how far attributes are cut depends on what they will be."""
    is_alike = (conditional.kind, conditional.key) == (item.kind, item.key)
    is_foreseen = item.kind is ChangeKind.ATTRIBUTES or conditional.after == item.after
    return is_alike and is_foreseen and fnmatchcase(item.subject, conditional.subject)
