"""The command that tells what became different."""

from __future__ import annotations

from typing import Annotated

import typer

from hardener.catalogue.recent import COMMANDS
from hardener.cli.options import OutputOption, PatternOption, StoreOption, deliver, open_store
from hardener.cli.telling import Patience, recipients_of, tell
from hardener.drift import exit_code, find_drift
from hardener.errors import ExitCode
from hardener.reports import drift as formats

DriftFormatOption = Annotated[str, typer.Option("-f", "--format", help=f"One of {', '.join(formats.FORMATS)}.")]
RunOption = Annotated[
    str | None, typer.Option("--from", metavar="RUN", help="The run to look at [default: the project's newest audit]")
]
NotifyOption = Annotated[
    bool, typer.Option("--notify", help="Tell those whom the project file names what is new to them.")
]
SilentOption = Annotated[
    int, typer.Option("--silent-nights", min=1, help="Audits without an answer until a target is told as silent.")
]
RemindOption = Annotated[
    int, typer.Option("--remind-days", min=1, help="Days until a regression that stands is told again.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="With --notify: show what would be told to whom, and tell nobody.")
]


def drift(
    context: typer.Context,
    run: RunOption = None,
    limit: PatternOption = "*",
    notify: NotifyOption = False,
    silent_nights: SilentOption = 3,
    remind_days: RemindOption = 7,
    dry_run: DryRunOption = False,
    format: DriftFormatOption = "table",
    output: OutputOption = None,
    store: StoreOption = None,
) -> None:
    """Show what regressed, with its remedy, until it is repaired, waived or accepted. Contacts no target.

    A control is compared with its declared baseline, or with what it was when it last held. Says nothing where no
    regression stands.
    Example: hardener drift -f html -o drift.html
    """
    if format not in formats.FORMATS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(formats.FORMATS)}", param_hint="--format")
    if notify and (run is not None or limit != "*"):
        raise typer.BadParameter(
            "is about everything in the project's newest audit: leave out --from and -l", param_hint="--notify"
        )
    if dry_run and not notify:
        raise typer.BadParameter("goes with --notify", param_hint="--dry-run")
    recipients = recipients_of(context.obj) if notify else ()
    opened = open_store(store, context.obj)
    comparison = opened.compare(run, limit, COMMANDS)
    found = find_drift(comparison)
    text = formats.FORMATS[format](found)
    if text or output:
        deliver(text, output)
    if not found.compared and found.targets:
        typer.echo(f"hardener: run {found.run} has nothing to be compared with", err=True)
    patience = Patience(silent_nights, remind_days)
    are_told = tell(recipients, opened, (comparison, found), patience, is_dry_run=dry_run)
    raise typer.Exit(exit_code(found) if are_told else ExitCode.INCOMPLETE)
