"""The store: what the command line asks of it, each in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from sqlalchemy import Connection

from hardener.errors import SchemaTooNew
from hardener.model import (
    Acceptance,
    Alert,
    Baseline,
    Comparison,
    Link,
    Period,
    Pruned,
    Run,
    RunKind,
    RunScore,
    RunSummary,
    Seen,
    TakenBack,
    TargetResult,
    UndoableRun,
)
from hardener.private import state_directory
from hardener.store import acceptances, baselines, reading, schema, telling
from hardener.store.chaining import adopt, verified_run
from hardener.store.comparing import compare
from hardener.store.contents import Refusal
from hardener.store.history import periods
from hardener.store.integrity import problems
from hardener.store.opening import Database
from hardener.store.pruning import prune
from hardener.store.silence import seen
from hardener.store.trend import trend
from hardener.store.undoable import taken_back, undoable
from hardener.store.upgrading import carry_over, found_version, upgrade
from hardener.store.writing import write_run


def default_location() -> Path:
    """The SQLite file below the XDG state directory."""
    return state_directory() / "runs.sqlite"


class Store:
    """An open store. ``location`` is a SQLAlchemy URL, or the path of a SQLite file, which is made if missing.

    ``project``: the directory of the project whose runs ``latest`` is one of; ``None``: those of no project.
    Raises ``StoreError`` where it cannot be opened or written, ``SchemaTooNew`` where a later version wrote it.
    """

    def __init__(self, location: str | Path, project: str | None = None) -> None:
        self._project = project
        self._database = Database(location)
        with self._database.reading() as connection:
            found = found_version(connection)
        if found is not None and found > schema.SCHEMA_VERSION:
            raise SchemaTooNew(
                f"{self._database.location}: written by a later version "
                f"(schema {found}, known is {schema.SCHEMA_VERSION})"
            )
        if found != schema.SCHEMA_VERSION:
            self._upgrade()

    @property
    def location(self) -> str:
        """Where it is, as a person may read it: without a password."""
        return self._database.location

    def _upgrade(self) -> None:
        with self._database.writing() as connection:
            found = found_version(connection)
            if found != schema.SCHEMA_VERSION:  # else somebody else was quicker
                upgrade(connection, found)
                carry_over(connection)
                adopt(connection)

    def _named(self, connection: Connection, reference: str) -> str:
        """An id, or the beginning of one: what ``latest`` refers to is known here alone."""
        return self._newest(connection, None) if reference == "latest" else reference

    def _newest(self, connection: Connection, kind: RunKind | None) -> str:
        """The id of the project's run, of any kind or of one, that was kept last."""
        found = reading.newest(connection, self._project, kind)
        if found is None:
            whose = f"of the project in {self._project}" if self._project else "outside of a project"
            raise Refusal(f"no {kind or 'run'} {whose} is kept; 'hardener runs list' shows those of all")
        return found

    def save(self, run: Run) -> None:
        """Write a run, all of it or nothing."""
        with self._database.writing() as connection:
            write_run(connection, run)

    def runs(self) -> Sequence[RunSummary]:
        """All runs, the one kept last first, whatever the clock said."""
        with self._database.reading() as connection:
            return reading.read_summaries(connection)

    def newest(self, kind: RunKind) -> str | None:
        """The id of the project's run of a kind that was kept last."""
        with self._database.reading() as connection:
            return reading.newest(connection, self._project, kind)

    def undoable(self) -> Sequence[UndoableRun]:
        """The applies of the project that changed something, the one kept last first."""
        with self._database.reading() as connection:
            return undoable(connection, self._project)

    def taken_back(self, run: str) -> Mapping[str, TakenBack]:
        """How far what a run changed has been taken back, by target; not at all where there is nothing."""
        with self._database.reading() as connection:
            return taken_back(connection, run)

    def load(self, reference: str) -> Run:
        """The run with this id, with the only id that starts so, or for ``latest`` the project's that was kept last."""
        with self._database.reading() as connection:
            return reading.read_run(connection, reading.run_number(connection, self._named(connection, reference)))

    def load_chained(self, reference: str) -> tuple[Run, Sequence[Link]]:
        """A run that is what its link says, and the chain from its beginning to this run.

        ``StoreError`` where one of them was changed since it was kept: whoever acts on a run has to have it so.
        """
        with self._database.reading() as connection:
            return verified_run(connection, self._named(connection, reference))

    def stream(
        self, reference: str, pattern: str = "*", *, with_before: bool = False
    ) -> tuple[Run, Iterator[TargetResult]]:
        """A run without its results, and these one by one: of the targets whose name a shell-style pattern matches.

        The run has the audit an apply started from only ``with_before``. The store is open until the last result.
        """
        parts = self._parts(reference, pattern, with_before=with_before)
        return cast(Run, next(parts)), cast(Iterator[TargetResult], parts)

    def _parts(self, reference: str, pattern: str, *, with_before: bool) -> Iterator[Run | TargetResult]:
        with self._database.reading() as connection:
            number = reading.run_number(connection, self._named(connection, reference))
            yield from reading.stream_run(connection, number, pattern, with_before=with_before)

    def history(self, target: str, control: str) -> Sequence[Period]:
        """What was seen of a control on a target over time, the newest first."""
        with self._database.reading() as connection:
            return periods(connection, target, control)

    def trend(self, reference: str, pattern: str = "*", most: int = 12) -> Sequence[RunScore]:
        """How the targets of a run scored in it and in earlier runs of the same controls, the newest last."""
        with self._database.reading() as connection:
            number = reading.run_number(connection, self._named(connection, reference))
            return trend(connection, number, pattern, most)

    def compare(self, reference: str | None = None, pattern: str = "*", commands: Collection[str] = ()) -> Comparison:
        """A run, by default the project's newest audit, beside the baselines of the targets that a pattern names.

        ``commands``: whose answers are wanted around each moment at which a value became another.
        """
        with self._database.reading() as connection:
            named = self._named(connection, reference) if reference else self._newest(connection, RunKind.AUDIT)
            return compare(connection, named, pattern, commands)

    def declare_baseline(self, reference: str, pattern: str, now: datetime) -> Sequence[str]:
        """Make a run the baseline of the targets it saw completely; returns their names."""
        with self._database.writing() as connection:
            named = self._named(connection, reference)
            return baselines.declare(connection, named, pattern, int(now.timestamp()))

    def clear_baselines(self, pattern: str) -> Sequence[str]:
        """Forget declared baselines; returns the names of their targets."""
        with self._database.writing() as connection:
            return baselines.clear(connection, pattern)

    def baselines(self) -> Sequence[Baseline]:
        """The declared baselines, by target."""
        with self._database.reading() as connection:
            return baselines.read_baselines(connection)

    def accept(self, pattern: str, controls: str, reason: str, by: str, now: datetime) -> Sequence[Acceptance]:
        """Accept, as it is now, what stands on some targets of some controls, both named by shell-style patterns.

        ``StoreError`` where nothing does.
        """
        with self._database.writing() as connection:
            comparison = compare(connection, self._newest(connection, RunKind.AUDIT), pattern)
            return acceptances.accept(connection, comparison, controls, reason, by, now)

    def withdraw(self, pattern: str, controls: str, by: str, now: datetime) -> Sequence[Acceptance]:
        """Take back what was accepted of some targets and controls; returns that."""
        with self._database.writing() as connection:
            return acceptances.withdraw(connection, pattern, controls, by, now)

    def accepted(self) -> Sequence[Acceptance]:
        """What is accepted and was not taken back, by target and control."""
        with self._database.reading() as connection:
            return [item.acceptance for item in acceptances.standing(connection).values()]

    def last_views(self, profile: str) -> Mapping[str, str]:
        """By target, the last audit that saw it completely under a profile."""
        with self._database.reading() as connection:
            return baselines.last_runs(connection, profile)

    def told(self, recipient: bytes) -> Sequence[Alert]:
        """What the project has told a recipient, named by a digest, that is not over."""
        with self._database.reading() as connection:
            return telling.told(connection, recipient, self._project)

    def audits_for(self, recipient: bytes) -> Sequence[str]:
        """The project's audits a recipient knows nothing of, the newest last; of a new recipient the newest alone."""
        with self._database.reading() as connection:
            return telling.audits_for(connection, recipient, self._project)

    def remember(self, recipient: bytes, run: str, alerts: Sequence[Alert]) -> None:
        """Keep that a recipient knows of everything of the project up to an audit, and what of it is not over."""
        with self._database.writing() as connection:
            telling.remember(connection, recipient, self._project, run, alerts)

    def seen(self, run: str, controls: Collection[str], silent_nights: int) -> Seen:
        """What an audit knows of some controls, and who answered none of so many audits up to it."""
        with self._database.reading() as connection:
            return seen(connection, run, controls, silent_nights)

    def prune(self, *, oldest: datetime | None = None, keep_runs: int | None = None) -> Pruned:
        """Remove runs that started before a moment and are not among so many kept last, and give the room back."""
        with self._database.writing() as connection:
            since = int(oldest.timestamp()) if oldest else None
            pruned = prune(connection, since, keep_runs, int(datetime.now(UTC).timestamp()))
        if pruned.runs:
            self._database.shrink()
        return pruned

    def problems(self) -> Sequence[str]:
        """What is wrong with the store, one line each; nothing where it is sound."""
        with self._database.reading() as connection:
            return list(problems(connection))
