"""Keeps what a flow over targets has seen and done as a run, however it ended."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import typer

from hardener import reports
from hardener.cli.options import OutputOption, deliver, deliver_run
from hardener.conductor import Start, exit_code, make_run
from hardener.errors import HardenerError, StoreError
from hardener.model import Run, RunKind, TargetResult
from hardener.selection import Selection
from hardener.store import Store

READABLE = 0o644
"""Metrics are read by another user, the collector's; they hold no more than names, scores and counts."""


class Flow(Protocol):
    """Something that is done to many targets."""

    def go(self) -> None:
        """Do it."""

    def results(self) -> tuple[Sequence[TargetResult], Sequence[TargetResult]]:
        """What is known so far, before and after: of every target, whatever cut it short."""


def carried_out(flow: Flow, selection: Selection, start: Start, store: Store) -> Run:
    """The run of a flow that came to its end; one that did not is kept with all that is known by then.

    So the next one can go on from it, it can be rolled back, and it is evidence.
    """
    try:
        flow.go()
    except BaseException:
        _keep(flow, selection, start, store)
        raise
    before, after = flow.results()
    return make_run(start, selection, after, before)


def _keep(flow: Flow, selection: Selection, start: Start, store: Store) -> None:
    """Keep a run that was cut short; why that cannot be done is told beside what cut it short."""
    try:
        with _uninterrupted():
            before, after = flow.results()
            run = make_run(start, selection, after, before)
            store.save(run)
    except HardenerError as error:
        typer.echo(f"hardener: {error}", err=True)
        return
    goes_on = f": hardener apply --resume {run.id} goes on" if run.kind is RunKind.APPLY else ""
    typer.echo(f"run {run.id} kept{goes_on}", err=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Nobody who presses Ctrl-C twice shall lose the record of what was changed."""
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)


def finish(run: Run, store: Store, format: str, output: OutputOption, metrics: Path | None = None) -> None:
    """Keep the run, then tell it; one that cannot be kept is told all the same, and nothing that was seen is lost."""
    try:
        with _uninterrupted():
            store.save(run)
    except StoreError:
        deliver_run(run, run.results, format, output)
        raise
    if metrics is not None:
        deliver(reports.render(run, run.results, "metrics"), metrics, READABLE)
    trend = store.trend(run.id) if reports.has_parts(format) else ()
    deliver_run(run, run.results, format, output, trend)
    if format == "table" or output is not None:
        typer.echo(f"run {run.id} kept: hardener report {run.id} -f html -o report.html", err=True)
    raise typer.Exit(exit_code(run.results))
