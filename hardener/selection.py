"""What an operator asked for: which controls, and why not the others; of a target, as soon as its system is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property

from hardener.catalogue.benchmarks import levels_of
from hardener.catalogue.control import Control
from hardener.catalogue.coverage import Answered, places
from hardener.catalogue.discovery import Catalogue
from hardener.catalogue.profiles import Part, Profile
from hardener.model import ControlRecord, Exclusion, Outcome, Platform, Waiver, few
from hardener.platforms import KNOWN

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Before any waiver."""


@dataclass(frozen=True)
class Selection:
    """What the operator asked for: the same for every target of a system."""

    catalogue: Catalogue
    profile: Profile
    pattern: str = "*"
    """Shell-style, over control ids."""
    walk: bool = True
    """Whether the walk of all local files may be asked for."""
    waivers: Sequence[Waiver] = ()
    """All that are declared."""
    started: datetime = LONG_AGO
    """When the run started: waivers that are in effect at this instant count in all of it."""
    include_waived: bool = False
    """Whether an apply remedies what waivers cover as well."""

    def exclusion(self, control: Control, platform: Platform | None = None) -> Exclusion | None:
        """Why a control is not selected on a system, or ``None``.

        Of a system that nobody has seen yet, or that is none of ours: why it is selected on none.
        """
        of_profile, chosen = self._choices[platform if platform in KNOWN else None]
        if control.id not in of_profile:
            reason = self.profile.why_not(control.id, platform)
        elif control.id not in chosen:
            reason = f"not named by {self.pattern}"
        elif control.needs_walk and not self.walk:
            return Exclusion(control=control.id, outcome=Outcome.NOTCHECKED, reason="the file walk was skipped")
        else:
            return None
        return Exclusion(control=control.id, outcome=Outcome.NOTSELECTED, reason=reason)

    @cached_property
    def records(self) -> Mapping[str, ControlRecord]:
        """The catalogue's, with the level that the profile's benchmark gives a control, where there is just one."""
        benchmarks = {part.benchmark.name: part.benchmark for part in self.profile.parts}
        levels = levels_of(benchmarks.values()) if len(benchmarks) == 1 else {}
        return {
            name: record.model_copy(update={"level": levels.get(name, record.level)})
            for name, record in self.catalogue.records.items()
        }

    def uncovered(self, platforms: Collection[Platform]) -> Sequence[str]:
        """What the profile asks for on some systems and no control answers, a sentence each.

        Nothing where the operator named controls, and asked for no more than these.
        """
        if self.pattern != "*":
            return ()
        parts = [part for platform in KNOWN if platform in platforms for part in self.profile.parts_on(platform)]
        told = (_uncovered(part, self.catalogue.records) for part in parts)
        return [*dict.fromkeys(filter(None, told))]

    @cached_property
    def _choices(self) -> Mapping[Platform | None, tuple[frozenset[str], frozenset[str]]]:
        """By system, the controls of the profile, and those of them that the pattern names.

        With each come those whose remedies need it: without them an apply would fail.
        """
        choices = {}
        for platform in (None, *KNOWN):
            of_profile = self._with_needed(self.profile.selected(platform) & self.catalogue.keys())
            named = {name for name in of_profile if fnmatchcase(name, self.pattern)}
            choices[platform] = (of_profile, self._with_needed(named))
        return choices

    def _with_needed(self, names: Iterable[str]) -> frozenset[str]:
        """These controls, and those that their remedies need."""
        chosen = set(names)
        enabling = [control for control in self.catalogue.values() if control.enables]
        while needed := {item.id for item in enabling if any(map(item.is_needed_by, chosen))} - chosen:
            chosen |= needed
        return frozenset(chosen)


def _uncovered(part: Part, controls: Mapping[str, ControlRecord]) -> str | None:
    """The numbers of a benchmark that the profile asks for and no control answers."""
    recommendations = part.benchmark.recommendations
    gaps = [
        place.number
        for place in places(part.benchmark, controls)
        if place.answered is Answered.GAP and part.takes(recommendations[place.number])
    ]
    return f"no control answers {few(gaps)} of {part.benchmark.title}" if gaps else None
