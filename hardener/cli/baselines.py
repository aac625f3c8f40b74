"""The commands that say what targets are compared with: declared baselines, and what somebody accepted."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from hardener.cli.options import PatternOption, StoreOption, deliver, open_store
from hardener.cli.runs import RunArgument
from hardener.drift import find_drift
from hardener.model import Acceptance
from hardener.reports import listing
from hardener.reports.arranged import moment
from hardener.reports.drift.arranged import seen_words
from hardener.reports.listing import visible_line

app = typer.Typer(
    help="What targets are compared with; without one it is what held last.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
TargetsArgument = Annotated[str, typer.Argument(metavar="TARGETS", help="Targets whose name matches this GLOB.")]


@app.command("set")
def set_baseline(
    context: typer.Context, run: RunArgument, limit: PatternOption = "*", store: StoreOption = None
) -> None:
    """Declare a run the baseline of the targets it saw completely.

    Example: hardener baseline set latest -l 'web*'
    """
    targets = open_store(store, context.obj).declare_baseline(run, limit, datetime.now(UTC))
    deliver(f"baseline of {', '.join(targets)}\n", None)


@app.command("accept")
def accept(
    targets: TargetsArgument,
    controls: Annotated[str, typer.Option("--controls", metavar="GLOB", help="Only controls whose id matches.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept and shown.")],
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who [default: you]")] = None,
    store: StoreOption = None,
) -> None:
    """Accept regressions that stand after the newest audit, as they are now; what gets worse regresses again.

    Example: hardener baseline accept 'web*' --controls sshd-maxauthtries --reason 'the old backup client'
    """
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    opened = open_store(store)
    find_drift(opened.compare(None, targets))  # refuses what drift refuses
    accepted = opened.accept(targets, controls, reason.strip(), by or getpass.getuser(), datetime.now(UTC))
    deliver("".join(f"accepted {_named(item)}: {_seen(item)}\n" for item in accepted), None)


@app.command("show")
def show_baselines(store: StoreOption = None) -> None:
    """Show every declared baseline, and every acceptance with who answers for it and why.

    Example: hardener baseline show
    """
    opened = open_store(store)
    rows = [
        (item.target, item.run, moment(item.started), item.profile, moment(item.declared))
        for item in opened.baselines()
    ]
    text = listing.table(("target", "run", "started", "profile", "declared"), rows)
    accepted = [
        (item.target, item.control, _seen(item), item.by, moment(item.moment), item.reason)
        for item in opened.accepted()
    ]
    if accepted:
        text += "\n" + listing.table(("target", "control", "accepted", "by", "on", "reason"), accepted)
    deliver(text, None)


@app.command("clear")
def clear_baselines(
    limit: PatternOption = "*",
    controls: Annotated[
        str | None,
        typer.Option("--controls", metavar="GLOB", help="Only what was accepted of controls whose id matches."),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Forget declared baselines and acceptances: the targets are compared with what held last again.

    Example: hardener baseline clear -l 'web*'
    """
    opened = open_store(store)
    if controls is None:
        targets = opened.clear_baselines(limit)
        deliver(f"no baseline any more: {', '.join(targets) or 'there was none'}\n", None)
    withdrawn = opened.withdraw(limit, controls or "*", getpass.getuser(), datetime.now(UTC))
    deliver("".join(f"no longer accepted: {_named(item)}\n" for item in withdrawn), None)


def _named(item: Acceptance) -> str:
    return f"{visible_line(item.target)} {visible_line(item.control)}"


def _seen(item: Acceptance) -> str:
    return visible_line(seen_words(item.finding))
