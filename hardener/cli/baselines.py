"""The commands that declare what targets are compared with."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from hardener.cli.options import PatternOption, StoreOption, deliver, open_store
from hardener.cli.runs import RunArgument
from hardener.reports import listing
from hardener.reports.arranged import moment

app = typer.Typer(
    help="What targets are compared with; without one it is the audit before.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("set")
def set_baseline(
    context: typer.Context, run: RunArgument, limit: PatternOption = "*", store: StoreOption = None
) -> None:
    """Declare a run the baseline of the targets it saw completely.

    Example: hardener baseline set latest -l 'web*'
    """
    targets = open_store(store, context.obj).declare_baseline(run, limit, datetime.now(UTC))
    deliver(f"baseline of {', '.join(targets)}\n", None)


@app.command("show")
def show_baselines(store: StoreOption = None) -> None:
    """Show every declared baseline.

    Example: hardener baseline show
    """
    rows = [
        (item.target, item.run, moment(item.started), item.profile, moment(item.declared))
        for item in open_store(store).baselines()
    ]
    deliver(listing.table(("target", "run", "started", "profile", "declared"), rows), None)


@app.command("clear")
def clear_baselines(limit: PatternOption = "*", store: StoreOption = None) -> None:
    """Forget declared baselines: the targets are compared with the audit before again.

    Example: hardener baseline clear -l 'web*'
    """
    targets = open_store(store).clear_baselines(limit)
    deliver(f"no baseline any more: {', '.join(targets) or 'there was none'}\n", None)
