"""The commands that read the store: runs, report."""

from __future__ import annotations

from typing import Annotated

import typer

from hardener import reports
from hardener.cli.options import FormatOption, OutputOption, StoreOption, check_format, deliver, open_store
from hardener.reports import listing

app = typer.Typer(help="Runs that are kept in the store.", no_args_is_help=True, rich_markup_mode=None)

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the beginning of one, or 'latest'.")]


@app.command("list")
def list_runs(store: StoreOption = None) -> None:
    """Show every run, newest first.

    Example: hardener runs list
    """
    rows = [
        (item.id, item.kind.value, f"{item.started:%Y-%m-%d %H:%M:%S} UTC", item.profile, str(item.targets))
        for item in open_store(store).runs()
    ]
    deliver(listing.table(("run", "kind", "started", "profile", "targets"), rows), None)


@app.command("show")
def show_run(run: RunArgument = "latest", store: StoreOption = None) -> None:
    """Show one run as the table it was.

    Example: hardener runs show latest
    """
    deliver(reports.render(open_store(store).load(run), "table"), None)


def report(
    run: RunArgument = "latest",
    format: FormatOption = "html",
    output: OutputOption = None,
    store: StoreOption = None,
) -> None:
    """Tell a run to someone: as a table, as JSON, or as one HTML file.

    Example: hardener report latest -f html -o report.html
    """
    check_format(format)
    deliver(reports.render(open_store(store).load(run), format), output)
