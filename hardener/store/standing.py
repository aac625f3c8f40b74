"""What stands on the targets of a run, in the words of a comparison."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from hardener.model import Acceptance, Regression, is_worse
from hardener.store import acceptances, schema
from hardener.store.contents import batches
from hardener.store.forms import instant
from hardener.store.reading import ResultReader, last_result
from hardener.store.regressions import Accepted, Asked, Key, Regressions, Streak


@dataclass(frozen=True)
class Beside:
    """The results of a target that belong to a comparison."""

    target: str
    after: RowMapping | None
    before: RowMapping | None
    """Of its baseline."""
    last: RowMapping | None
    """Of the audit before that saw it completely: its baseline where none was declared."""
    is_declared: bool

    @property
    def seen(self) -> RowMapping | None:
        """What was seen of it, now or when it was last seen."""
        return self.after if self.after is not None and self.after["machine_id"] else self.last

    @property
    def compared(self) -> tuple[RowMapping, RowMapping] | None:
        """Both results where they are of one machine; two hosts are never compared."""
        if self.before is None or self.after is None or self.before["subject"] != self.after["subject"]:
            return None
        return self.before, self.after


class Standing:
    """Which failures stand on some targets after a run."""

    def __init__(
        self,
        connection: Connection,
        reader: ResultReader,
        run: RowMapping,
        targets: Iterable[Beside],
        controls: Collection[str],
        also: Collection[Key],
    ) -> None:
        """``controls``: those that the run knows.

        ``also``: what differs from a declared baseline, which intervals alone may not show.
        """
        self._reader = reader
        self._controls = controls
        self._targets = {item.seen["subject"]: item for item in targets if item.seen is not None}
        subjects = {
            (item.target, item.seen["machine_id"]): subject for subject, item in self._targets.items() if item.seen
        }
        kept = acceptances.standing(connection)
        self._accepted = {
            (subjects[target, machine], control): item
            for (target, machine, control), item in kept.items()
            if (target, machine) in subjects
        }
        self.until = last_result(connection, run["number"])
        found = Regressions(
            connection,
            reader,
            run["profile"],
            {subject: self._asked(item, self.until) for subject, item in self._targets.items()},
            also=also,
            accepted={key: Accepted(item.result, item.acceptance.finding) for key, item in self._accepted.items()},
        )
        self._streaks: dict[int, dict[str, Streak]] = {}
        for (subject, control), streak in found.streaks.items():
            if streak.failing or streak.is_accepted:
                self._streaks.setdefault(subject, {})[control] = streak
        standing = [item for of in self._streaks.values() for item in of.values() if item.failing]
        self._runs = _runs(connection, {item.last for item in standing if item.last is not None})

    def _asked(self, item: Beside, until: int) -> Asked:
        if not item.is_declared or item.before is None or item.seen is None:
            return Asked(until)
        if item.before["subject"] != item.seen["subject"]:
            return Asked(until)
        return Asked(until, item.before["number"], self._reader.names(item.before["findings"]))

    def streaks(self, item: Beside) -> Mapping[str, Streak]:
        """By control, what stands on a target."""
        return {key: streak for key, streak in self._of(item).items() if streak.failing and key in self._controls}

    def regressions(self, item: Beside) -> Mapping[str, Regression]:
        """The same in the words of a comparison."""
        asked = self._controls if item.after is None else self._reader.names(item.after["findings"])
        return {
            control: self._regression(streak, item.last, is_asked=control in asked)
            for control, streak in self.streaks(item).items()
        }

    def accepted(self, item: Beside) -> Mapping[str, Acceptance]:
        """By control, what fails on a target and is accepted as it is."""
        if item.seen is None:
            return {}
        subject = item.seen["subject"]
        return {
            control: self._accepted[subject, control].acceptance
            for control, streak in self._of(item).items()
            if streak.is_accepted
        }

    def _of(self, item: Beside) -> Mapping[str, Streak]:
        return self._streaks.get(item.seen["subject"], {}) if item.seen is not None else {}

    def _regression(self, streak: Streak, last: RowMapping | None, *, is_asked: bool) -> Regression:
        first, now = streak.failing[0], streak.failing[-1]
        before = [item for item in streak.failing if last is not None and item.result <= last["number"]]
        is_worse_now = bool(before) and is_worse(now.finding, before[-1].finding)
        return Regression(
            finding=now.finding,
            reference=streak.reference.finding if streak.reference else None,
            run=None if streak.last is None else self._runs.get(streak.last),
            since=instant(first.began),
            is_new=not before or is_worse_now,
            less_bad=before[-1].finding if is_worse_now else None,
            is_asked=is_asked,
        )


def _runs(connection: Connection, results: Collection[int]) -> Mapping[int, str]:
    """The id of the run of each result."""
    run, result = schema.run, schema.result
    query = select(result.c.number, run.c.id).join(run, run.c.number == result.c.run)
    return {
        number: identifier
        for batch in batches(sorted(results))
        for number, identifier in connection.execute(query.where(result.c.number.in_(batch)))
    }
