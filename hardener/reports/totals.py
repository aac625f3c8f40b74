"""What an apply or a rollback would come to, in numbers: shown before anything is changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hardener.model import SIGNALS, Change, ChangeKind, Disruption, Plans, Run, counted
from hardener.reports.listing import visible_line

MOST_NAMED = 4
"""Targets, packages, services and controls that are named on a line; the plan names all."""
FILES = {ChangeKind.FILE, ChangeKind.SETTING, ChangeKind.ATTRIBUTES}
ABSENT = "absent"
EFFECTS = (
    "packages in",
    "packages out",
    "packages of another version",
    "services stopped",
    "services masked",
    "services started",
    "services unmasked",
    "services restarted",
    "files",
    "other settings",
)
"""What changes do, in words, in the order in which they are told."""


@dataclass(frozen=True)
class Totals:
    """What would be done to one target."""

    target: str
    changes: Sequence[Change] = ()
    controls: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What its controls may do besides, in words → their ids."""
    problem: str = ""
    """Why nothing would be done there."""
    is_here: bool = False
    """Whether it is the machine that the tool runs on."""

    @property
    def counts(self) -> Mapping[str, Sequence[str]]:
        """Kind of effect, in words → what it is about; nothing of a kind there is none of."""
        found: dict[str, dict[str, None]] = {effect: {} for effect in EFFECTS}
        for change in self.changes:
            for effect in _effects(change):
                found[effect][change.subject] = None
        return {effect: [*names] for effect, names in {**found, **self.controls}.items() if names}


def _effects(change: Change) -> Iterator[str]:
    """What a change does, in the words of ``EFFECTS``."""
    if change.kind is ChangeKind.PACKAGE:
        other = "packages out" if change.after == ABSENT else "packages of another version"
        yield "packages in" if change.before == ABSENT else other
    elif change.kind is ChangeKind.UNIT:
        yield from _unit_effects(change)
    else:
        yield "files" if change.kind in FILES else "other settings"


def _unit_effects(change: Change) -> Iterator[str]:
    if change.after in SIGNALS:
        yield "services restarted"
        return
    (was_masked, ran), (is_masked, runs) = (_unit_state(text) for text in (change.before, change.after))
    effects = {
        "services stopped": ran and not runs,
        "services masked": is_masked and not was_masked,
        "services started": runs and not ran,
        "services unmasked": was_masked and not is_masked,
    }
    yield from (effect for effect, is_so in effects.items() if is_so) if any(effects.values()) else ("other settings",)


def _unit_state(text: str) -> tuple[bool, bool]:
    """Whether a unit is masked, and whether it runs: ``masked, inactive``."""
    file, _, activity = text.partition(", ")
    return file.startswith("masked"), activity == "active"


def of_plans(plans: Plans, here: Collection[str], *, restarts: bool) -> Sequence[Totals]:
    """What an apply would do to each target; ``here``: those that are this machine; ``restarts``: whether any may."""
    return [
        Totals(
            plan.target,
            changes=plan.items,
            controls=_risks([(item.control, item.disruption) for item in plan.changes], restarts=restarts),
            problem=plan.problem or "",
            is_here=plan.target in here,
        )
        for plan in plans.targets
        if plan.problem or plan.changes
    ]


def of_rollback(undone: Run, changes: Mapping[str, Sequence[Change]], here: Collection[str]) -> Sequence[Totals]:
    """What taking back a run would do, by target, as far as its record tells; ``here``: those that are this machine."""
    return [
        Totals(
            target,
            changes=[_reversed(change) for change in made],
            controls=_risks(
                [(name, undone.controls[name].disruption) for name in _controls(made) if name in undone.controls],
                restarts=False,
            ),
            is_here=target in here,
        )
        for target, made in changes.items()
    ]


def _risks(controls: Iterable[tuple[str, Disruption]], *, restarts: bool) -> Mapping[str, Sequence[str]]:
    """What controls may do besides, in words → their ids."""
    words = {
        Disruption.LOCKOUT: "controls that can cut you off",
        Disruption.REBOOT: f"controls that {'are followed by' if restarts else 'wait for'} a restart of the machine",
    }
    chosen = list(controls)
    return {text: [name for name, found in chosen if found is disruption] for disruption, text in words.items()}


def _controls(changes: Sequence[Change]) -> Sequence[str]:
    return list(dict.fromkeys(name for change in changes for name in change.controls))


def _reversed(change: Change) -> Change:
    """The same taken back; what was told to reload its configuration is told so again."""
    if change.after in SIGNALS:
        return change
    return change.model_copy(update={"before": change.after, "after": change.before})


def as_text(totals: Sequence[Totals]) -> str:
    """A section for each group of targets to which the same would be done, and a line for all; nothing for none."""
    sections: dict[tuple[str, ...], list[Totals]] = {}
    for item in totals:
        sections.setdefault(tuple(_lines(item)), []).append(item)
    lines = [line for told, items in sections.items() for line in (f"{_targets(items)}:", *told)]
    if len(totals) > 1:
        lines.append(_sum(totals))
    return "".join(f"{line}\n" for line in lines)


def _targets(items: Sequence[Totals]) -> str:
    return named([f"{item.target} (this machine)" if item.is_here else item.target for item in items])


def _lines(item: Totals) -> Iterator[str]:
    if item.problem:
        yield f"  nothing would be done: {visible_line(item.problem)}"
        return
    conditional = sum(change.conditional for change in item.changes)
    some = f", {conditional} of them only if a package does not bring it so" if conditional else ""
    yield f"  {counted(len(item.changes), 'change')}{some}"
    for effect, names in item.counts.items():
        shown = "" if effect == "other settings" else f" ({named(names)})"
        yield f"    {effect}: {len(names)}{shown}"


def _sum(totals: Sequence[Totals]) -> str:
    changed = [item for item in totals if not item.problem]
    counts: dict[str, int] = {}
    for item in changed:
        for effect, names in item.counts.items():
            counts[effect] = counts.get(effect, 0) + len(names)
    number = counted(sum(len(item.changes) for item in changed), "change")
    told = "".join(f"; {effect}: {count}" for effect, count in counts.items())
    return f"in all, {number} on {counted(len(changed), 'target')}{told}"


def named(names: Sequence[str]) -> str:
    """The first few names on a line, and how many more there are."""
    rest = len(names) - MOST_NAMED
    return visible_line(", ".join(names[:MOST_NAMED])) + (f" and {rest} more" if rest > 0 else "")
