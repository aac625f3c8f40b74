"""Plain tables of short rows: lists of runs, controls and nodes."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence

from rich.box import Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNDERLINED = Box("\n".join([" " * 4, " " * 4, " -- ", *[" " * 4] * 5]) + "\n", ascii=True)
"""A rule below the header, in letters every pipe and locale carries."""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as text: as wide as the terminal, or as wide as they need to be where output is piped."""
    grid = Table(box=UNDERLINED, pad_edge=False)
    for title in header:
        grid.add_column(title, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(visible(cell)) for cell in row))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 200
    console = Console(file=io.StringIO(), width=width, no_color=True, highlight=False, emoji=False)
    console.print(grid)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"  # type: ignore[attr-defined]


def visible(text: str) -> str:
    """Text with its control characters spelled out: a host's words must not steer a terminal."""
    return "\n".join(line if line.isprintable() else _spelled(line) for line in text.split("\n"))


def _spelled(line: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)


def visible_line(text: str) -> str:
    """The same on one line: a host's words must not pass for lines of ours."""
    return visible(" ".join(text.split()))
