"""The command that tells what became different."""

from __future__ import annotations

from typing import Annotated

import typer

from hardener.cli.options import OutputOption, PatternOption, StoreOption, deliver, open_store
from hardener.drift import exit_code, find_drift
from hardener.reports import drift as formats

DriftFormatOption = Annotated[str, typer.Option("-f", "--format", help=f"One of {', '.join(formats.FORMATS)}.")]


def drift(
    run: Annotated[
        str | None, typer.Option("--from", metavar="RUN", help="The run to look at [default: the newest audit]")
    ] = None,
    limit: PatternOption = "*",
    format: DriftFormatOption = "table",
    output: OutputOption = None,
    store: StoreOption = None,
) -> None:
    """Show what regressed since the baseline, with its remedy; says nothing where nothing did. Contacts nobody.

    The baseline is a declared one, or the last audit before that saw the target completely.
    Example: hardener drift -f html -o drift.html
    """
    if format not in formats.FORMATS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(formats.FORMATS)}", param_hint="--format")
    found = find_drift(open_store(store).compare(run, limit))
    text = formats.FORMATS[format](found)
    if text or output:
        deliver(text, output)
    if not found.compared and found.targets:
        typer.echo(f"hardener: run {found.run} has nothing to be compared with", err=True)
    raise typer.Exit(exit_code(found))
