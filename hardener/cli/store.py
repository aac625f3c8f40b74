"""The commands about the store itself."""

from __future__ import annotations

import typer

from hardener.cli.options import StoreOption, deliver, open_store
from hardener.errors import ExitCode

app = typer.Typer(help="The store that runs are kept in.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The store that runs are kept in."""


@app.command("check")
def look_through(store: StoreOption = None) -> None:
    """Look through the whole store: the database, the hashes, what refers to what, and the chain of runs.

    Changes nothing. Prints a line for each problem, and exits with 1 where there is one. Example: hardener store check
    """
    problems = open_store(store).problems()
    if problems:
        deliver("".join(f"{line}\n" for line in problems), None)
        raise typer.Exit(ExitCode.FINDINGS)
