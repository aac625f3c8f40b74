"""Progress of long work on stderr, where a person watches; where none does, only what somebody has to know."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from hardener.reports.listing import visible_line


class TerminalProgress:
    """One bar for each flow, with what happened last; rich keeps its own lock, so many threads may call."""

    def __init__(self, new_bars: Callable[[], Progress]) -> None:
        self._new_bars = new_bars
        self._bars = new_bars()
        self._task: TaskID | None = None

    def begin(self, title: str, targets: int) -> None:
        """A flow over so many targets begins."""
        self._task = self._bars.add_task(title, total=targets, last="")

    def step(self, target: str, text: str) -> None:
        """A target has come further."""
        if self._task is not None:
            self._bars.update(self._task, last=visible_line(f"{target}: {text}"))

    def warn(self, target: str, text: str) -> None:
        """A line that stays, above the bars."""
        self._bars.console.print(visible_line(f"{target}: {text}"), markup=False, highlight=False, soft_wrap=True)

    def done(self, target: str, problem: str | None) -> None:
        """A target is finished."""
        if self._task is not None:
            self._bars.update(self._task, advance=1, last=visible_line(f"{target}: {problem or 'done'}"))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show bars while the block runs."""
        self._bars.start()
        try:
            yield
        finally:
            self._bars.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bars away while somebody else writes on the terminal, or is asked there."""
        self._bars.stop()
        try:
            yield
        finally:  # new ones: those that were there would erase what has been written since
            self._bars, self._task = self._new_bars(), None
            self._bars.start()


class NoProgress:
    """What a pipe sees of progress: warnings, and nothing else."""

    def begin(self, title: str, targets: int) -> None:
        """Nothing."""

    def step(self, target: str, text: str) -> None:
        """Nothing."""

    def warn(self, target: str, text: str) -> None:
        """A line on stderr."""
        sys.stderr.write(f"hardener: {visible_line(f'{target}: {text}')}\n")

    def done(self, target: str, problem: str | None) -> None:
        """Nothing."""

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is in the way."""
        yield


ShownProgress = TerminalProgress | NoProgress


@contextmanager
def progress_on_stderr() -> Iterator[ShownProgress]:
    """Bars while the block runs, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield NoProgress()
        return
    progress = TerminalProgress(_new_bars)
    with progress.shown():
        yield progress


def _new_bars() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}", markup=False),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)
