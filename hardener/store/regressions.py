"""Which failures stand, and since when: derived from the intervals, which say what each control was before.

The reference of a control is what was last seen of it that nobody has to act on: it held, was waived, or failed no
worse than the reference before. A failure stands for as long as it is worse than its reference. A declared baseline is
a reference that stays; what was accepted is one until the control holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, ScalarSelect, func, or_, select

from hardener.model import Finding, is_worse
from hardener.store import schema
from hardener.store.intervals import covers, histories
from hardener.store.reading import ResultReader

Key = tuple[int, str]
"""A subject and a control."""


@dataclass(frozen=True)
class Sighting:
    """One interval of a control."""

    result: int
    """The first that saw it so."""
    began: int
    """When the run of that started, in seconds since 1970."""
    finding: Finding
    last: int | None
    """The last result of the profile that saw it so; ``None`` where that was pruned."""
    earlier: int | None
    """The last complete result of the profile before it, if any."""


@dataclass(frozen=True)
class Declared:
    """What a subject's control was in its declared baseline; ``None`` where that knows nothing of it."""

    sighting: Sighting | None


@dataclass(frozen=True)
class Accepted:
    """A finding that somebody accepted, and the result that saw it."""

    result: int
    finding: Finding


@dataclass(frozen=True)
class Streak:
    """What stands of one control: the intervals since its reference, the oldest first; none where nothing stands."""

    reference: Sighting | None
    """``None`` where the control was not known before."""
    failing: Sequence[Sighting] = ()
    is_accepted: bool = False
    """Whether it fails, and that is accepted as it is."""
    unknown_to: int | None = None
    """The last complete result before anybody looked for the control."""

    @property
    def last(self) -> int | None:
        """The last result that saw the reference, or that did not know the control."""
        return self.reference.last if self.reference else self.unknown_to


def streak(
    sightings: Sequence[Sighting], until: int, declared: Declared | None = None, accepted: Accepted | None = None
) -> Streak:
    """What stands of a control up to a result; its sightings the oldest first."""
    reference = declared.sighting if declared else None
    unknown_to = sightings[0].earlier if sightings else None
    is_known = declared is not None or unknown_to is not None
    failing: list[Sighting] = []
    is_failing = is_accepted = False
    ends = [*(item.result for item in sightings[1:]), until + 1]
    for sighting, end in zip(sightings, ends, strict=True):
        if sighting.finding.is_failing:
            is_failing = True
            if is_known and _is_regression(sighting, reference):
                failing.append(sighting)
            else:
                failing, is_known = [], True
                reference = reference if declared or is_accepted else sighting
        elif not sighting.finding.outcome.is_unknown:
            failing, is_known, is_failing, is_accepted = [], True, False, False
            reference = declared.sighting if declared else sighting
        if accepted and is_failing and sighting.result <= accepted.result < end:
            failing, is_known, is_accepted = [], True, True
            reference = replace(sighting, finding=accepted.finding)
    return Streak(reference, failing, is_accepted and not failing, unknown_to)


def _is_regression(sighting: Sighting, reference: Sighting | None) -> bool:
    if reference is None or not reference.finding.is_failing:
        return True
    return is_worse(sighting.finding, reference.finding)


@dataclass(frozen=True)
class Asked:
    """Up to which result of a subject its regressions are asked for, and what is declared to be compared with."""

    result: int
    baseline: int | None = None
    known: frozenset[str] = frozenset()
    """The controls that the declared baseline knows."""


class Regressions:
    """What stands on some subjects, as audits and applies of one profile saw them."""

    def __init__(
        self,
        connection: Connection,
        reader: ResultReader,
        profile: str,
        asked: Mapping[int, Asked],
        *,
        also: Collection[Key] = (),
        accepted: Mapping[Key, Accepted] | None = None,
    ) -> None:
        """``also``: what may be a regression although its intervals alone do not say so."""
        self._connection = connection
        self._reader = reader
        self._asked = asked
        accepted = accepted or {}
        numbers = reader.contents.find(control.encode() for _, control in (*also, *accepted))
        keys = {
            (subject, numbers[control.encode()])
            for subject, control in (*also, *accepted)
            if subject in asked and control.encode() in numbers
        }
        sightings = self._sightings(keys | self._suspects(), profile)
        self.streaks: Mapping[Key, Streak] = {
            key: streak(
                [item for item in seen if item.result <= asked[key[0]].result],
                asked[key[0]].result,
                self._declared(key, seen),
                accepted.get(key),
            )
            for key, seen in sightings.items()
        }

    def _suspects(self) -> set[tuple[int, int]]:
        """The subjects and names of what fails, or cannot be looked at, and was not so from the first interval on."""
        if not self._asked:
            return set()
        table = schema.finding
        first = select(table.c.subject, func.min(table.c.since).label("first")).group_by(table.c.subject).subquery()
        bounds = [item.result for item in self._asked.values()]
        query = (
            select(table.c.subject, table.c.name, table.c.since, table.c.until, table.c.content)
            .join(first, first.c.subject == table.c.subject)
            .where(table.c.since > first.c.first, table.c.since <= max(bounds))
            .where(or_(table.c.until.is_(None), table.c.until > min(bounds)))
        )
        rows = [
            (subject, name, content)
            for subject, name, since, until, content in self._connection.execute(query)
            if subject in self._asked and covers(since, until, self._asked[subject].result)
        ]
        bad = self._bad({(name, content) for _, name, content in rows})
        return {(subject, name) for subject, name, content in rows if (name, content) in bad}

    def _bad(self, seen: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
        """Of some names with contents, those that fail or could not be looked at."""
        texts = self._texts({name for name, _ in seen})
        self._reader.contents.get({content for _, content in seen})
        findings = {
            (name, content): self._reader.finding(texts[name], {texts[name]: content}) for name, content in seen
        }
        return {key for key, item in findings.items() if item.is_failing or item.outcome.is_unknown}

    def _texts(self, names: Collection[int]) -> Mapping[int, str]:
        return {number: text.decode() for number, text in self._reader.contents.get(names).items()}

    def _sightings(self, keys: Collection[tuple[int, int]], profile: str) -> Mapping[Key, Sequence[Sighting]]:
        """What was seen of each, the oldest first; what only audits of other profiles saw is left out."""
        more = (_within(profile).label("last"), _within().label("anybody"), _complete_before(profile).label("earlier"))
        rows = [
            row
            for row in histories(self._connection, schema.finding, keys, *more)
            if row.last is not None or row.anybody is None
        ]
        texts = self._texts({row.name for row in rows})
        self._reader.contents.get({row.content for row in rows})
        found: dict[Key, list[Sighting]] = {}
        for row in reversed(rows):
            found.setdefault((row.subject, texts[row.name]), []).append(self._sighting(row, texts[row.name]))
        return found

    def _sighting(self, row: Row[tuple[object, ...]], control: str) -> Sighting:
        finding = self._reader.finding(control, {control: row.content})
        return Sighting(row.since, row.began, finding, row.last, row.earlier)

    def _declared(self, key: Key, seen: Iterable[Sighting]) -> Declared | None:
        subject, control = key
        asked = self._asked[subject]
        if asked.baseline is None:
            return None
        baseline = asked.baseline
        by_then = [item for item in seen if item.result <= baseline] if control in asked.known else []
        return Declared(replace(by_then[-1], last=baseline) if by_then else None)


def _within(profile: str | None = None) -> ScalarSelect[int]:
    """The last result within an interval, of a profile or of any."""
    interval, result, run = schema.finding.c, schema.result.alias(), schema.run.alias()
    query = select(result.c.number).where(
        result.c.subject == interval.subject,
        result.c.number >= interval.since,
        or_(interval.until.is_(None), result.c.number < interval.until),
    )
    if profile is not None:
        query = query.join(run, run.c.number == result.c.run).where(run.c.profile == profile)
    return query.order_by(result.c.number.desc()).limit(1).scalar_subquery()


def _complete_before(profile: str) -> ScalarSelect[int]:
    """The last complete result of a profile before an interval."""
    interval, result, run = schema.finding.c, schema.result.alias(), schema.run.alias()
    query = (
        select(result.c.number)
        .join(run, run.c.number == result.c.run)
        .where(result.c.subject == interval.subject, result.c.number < interval.since)
        .where(result.c.is_complete.is_(True), result.c.is_before.is_(False), run.c.profile == profile)
    )
    return query.order_by(result.c.number.desc()).limit(1).scalar_subquery()
