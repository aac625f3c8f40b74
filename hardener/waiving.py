"""Says which failures waivers cover, and what there is to say about the waivers themselves. The clock is passed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardener.catalogue.discovery import Catalogue
from hardener.catalogue.waivers import DeclaredWaiver
from hardener.model import Finding, Outcome, Run, Target, Waiver
from hardener.selection import Selection

_NOTHING_SEEN = {Outcome.NOTSELECTED, Outcome.NOTCHECKED, Outcome.ERROR, Outcome.UNKNOWN}


def waived(findings: Sequence[Finding], selection: Selection, target: Target) -> Sequence[Finding]:
    """The findings; each failure that a waiver covers names the first one that does.

    What could not be looked at is never covered.
    """
    counting = [
        waiver
        for waiver in selection.waivers
        if waiver.scope in target.scopes and waiver.is_in_effect(selection.started)
    ]
    return [_waived(finding, counting) for finding in findings]


def _waived(finding: Finding, counting: Sequence[Waiver]) -> Finding:
    if finding.outcome is not Outcome.FAIL:
        return finding
    for waiver in counting:
        if waiver.is_about(finding.control, finding.observed):
            return finding.model_copy(update={"waiver": waiver.id})
    return finding


@dataclass(frozen=True)
class Remark:
    """What somebody has to know of one waiver; ``location`` is ``file:line``."""

    waiver: str
    location: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """What waivers are looked at with."""

    catalogue: Catalogue
    targets: Sequence[Target]
    """All targets of the inventory."""
    moment: datetime
    within: timedelta
    """What expires within this time is told."""
    newest: Run | None
    """The newest audit that is kept: what covered nothing in it is unused."""

    def remarks(self, declared: Sequence[DeclaredWaiver]) -> Sequence[Remark]:
        """All remarks, in the order of the waivers."""
        waivers = [item.waiver for item in declared]
        return [
            Remark(item.waiver.id, item.location, text)
            for item in declared
            for text in self._texts(item.waiver, waivers)
        ]

    def _texts(self, waiver: Waiver, waivers: Sequence[Waiver]) -> Iterator[str]:
        if waiver.expires <= self.moment:
            yield f"expired at {waiver.expires.isoformat()}"
            return
        if waiver.expires <= self.moment + self.within:
            yield f"expires at {waiver.expires.isoformat()}, in {(waiver.expires - self.moment).days} days"
        if not self._names(waiver):
            yield f"its scope {waiver.scope!r} names no target"
        elif shadow := self._shadow(waiver, waivers):
            yield f"waiver {shadow} covers all it covers"
        elif self.newest and self._is_unused(waiver, self.newest):
            yield f"covered nothing in run {self.newest.id}"

    def _names(self, waiver: Waiver) -> frozenset[str]:
        return frozenset(target.name for target in self.targets if waiver.scope in target.scopes)

    def _shadow(self, waiver: Waiver, waivers: Sequence[Waiver]) -> str | None:
        """Another waiver that makes this one needless; of two that cover the same, the first one stays."""
        for other in waivers:
            if other.id == waiver.id or not self._covers(other, waiver):
                continue
            if not self._covers(waiver, other) or waivers.index(other) < waivers.index(waiver):
                return other.id
        return None

    def _covers(self, other: Waiver, waiver: Waiver) -> bool:
        ids = (set(self.catalogue.matching(item.controls)) for item in (waiver, other))
        return (
            next(ids) <= next(ids)
            and self._names(waiver) <= self._names(other)
            and other.observed in (None, waiver.observed)
            and other.effective <= max(waiver.effective, self.moment)
            and other.expires >= waiver.expires
        )

    def _is_unused(self, waiver: Waiver, run: Run) -> bool:
        """Whether a run that had this waiver saw what it is about, and needed it nowhere."""
        if waiver not in run.waivers or not waiver.is_in_effect(run.started):
            return False
        names = self._names(waiver)
        ids = set(self.catalogue.matching(waiver.controls))
        seen = [
            finding
            for result in run.results
            if result.target in names
            for finding in result.findings
            if finding.control in ids and finding.outcome not in _NOTHING_SEEN
        ]
        return bool(seen) and all(finding.waiver != waiver.id for finding in seen)


def expired(waivers: Sequence[Waiver], moment: datetime) -> Mapping[str, Waiver]:
    """Those that had expired by then, by id."""
    return {waiver.id: waiver for waiver in waivers if waiver.expires <= moment}
