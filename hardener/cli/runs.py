"""The commands that read the store: runs, report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from hardener import reports
from hardener.catalogue.benchmark_files import built_in_families
from hardener.catalogue.benchmarks import Benchmark, benchmark_named
from hardener.catalogue.discovery import discover
from hardener.cli.options import (
    OutputOption,
    PatternOption,
    StoreOption,
    check_format,
    deliver,
    deliver_run,
    open_store,
)
from hardener.model import Run, TargetResult
from hardener.reports import listing, requirements
from hardener.reports.arranged import moment, outcome_words, value_words
from hardener.requirements import by_requirement
from hardener.store import Store

app = typer.Typer(help="Runs that are kept in the store.", no_args_is_help=True, rich_markup_mode=None)
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the beginning of one, or 'latest'.")]
LONGEST_VALUE = 100


@app.command("list")
def list_runs(store: StoreOption = None) -> None:
    """Show every run, the one kept last first.

    Example: hardener runs list
    """
    rows = [
        (item.id, item.kind.value, moment(item.started), item.profile, str(item.targets), str(item.baselines or ""))
        for item in open_store(store).runs()
    ]
    deliver(listing.table(("run", "kind", "started", "profile", "targets", "baseline of"), rows), None)


@app.command("show")
def show_run(context: typer.Context, run: RunArgument = "latest", store: StoreOption = None) -> None:
    """Show one run as the table it was.

    Example: hardener runs show latest
    """
    _tell(open_store(store, context.obj), run, "*", "table", None)


@app.command("history")
def show_history(
    target: Annotated[str, typer.Argument(help="A target's name.")],
    control: Annotated[str, typer.Argument(help="A control's id.")],
    store: StoreOption = None,
) -> None:
    """Show what was seen of one control on one target over time, the newest first.

    Example: hardener runs history web1 sshd-permitrootlogin
    """
    rows = [
        (
            moment(item.began),
            moment(item.ended) if item.ended else "",
            outcome_words(item.finding),
            value_words(item.finding.observed, LONGEST_VALUE),
            item.finding.reason,
            item.machine_id or "not reached",
        )
        for item in open_store(store).history(target, control)
    ]
    deliver(listing.table(("since", "until", "outcome", "observed", "reason", "machine"), rows), None)


@app.command("prune")
def prune_runs(
    keep_days: Annotated[int | None, typer.Option(min=1, help="Keep runs that are no older.")] = None,
    keep_runs: Annotated[int | None, typer.Option(min=1, help="Keep so many runs, those kept last.")] = None,
    store: StoreOption = None,
) -> None:
    """Remove old runs and what only they needed; baselines and the newest complete view of each target stay.

    Example: hardener runs prune --keep-days 400
    """
    if keep_days is None and keep_runs is None:
        raise typer.BadParameter("say what to keep: --keep-days, --keep-runs, or both", param_hint="--keep-days")
    oldest = datetime.now(UTC) - timedelta(days=keep_days) if keep_days is not None else None
    pruned = open_store(store).prune(oldest=oldest, keep_runs=keep_runs)
    deliver(
        f"removed {len(pruned.runs)} runs, {pruned.intervals} intervals of what they saw, "
        f"{pruned.contents} contents nothing else needs\n",
        None,
    )


def report(
    context: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or the beginning of one [default: the newest]")
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="The project's newest run, said explicitly.")] = False,
    limit: PatternOption = "*",
    by: Annotated[
        str | None, typer.Option("--by", help=f"By the requirements of one of {', '.join(built_in_families())}.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option("-f", "--format", help=f"One of {', '.join(reports.formats())} [default: html, with --by table]"),
    ] = None,
    output: OutputOption = None,
    store: StoreOption = None,
) -> None:
    """Tell a run to someone: to people, to spreadsheets, or to other programs; docs/reports.md says which format.

    Example: hardener report --latest -l 'web*' -f html -o report.html

    Example: hardener report --by pci-dss -f csv -o pci.csv
    """
    if latest and run is not None:
        raise typer.BadParameter(f"is it {run} or the latest?", param_hint="--latest")
    if by is not None:
        benchmark = benchmark_named(by, discover(context.obj.directory).benchmarks, location="--by")
        _tell_by(benchmark, open_store(store, context.obj).stream(run or "latest", limit), format or "table", output)
        return
    check_format(format or "html", output)
    _tell(open_store(store, context.obj), run or "latest", limit, format or "html", output)


def _tell_by(by: Benchmark, opened: tuple[Run, Iterable[TargetResult]], format: str, output: Path | None) -> None:
    if format not in requirements.FORMATS:
        known = ", ".join(requirements.FORMATS)
        raise typer.BadParameter(f"{format!r} is not one of {known}, which --by has", param_hint="--format")
    deliver(requirements.FORMATS[format](by_requirement(*opened, by)), output)


def _tell(store: Store, reference: str, limit: str, format: str, output: Path | None) -> None:
    run, results = store.stream(reference, limit, with_before=reports.tells_before(format))
    trend = store.trend(run.id, limit) if reports.has_parts(format) else ()
    deliver_run(run, results, format, output, trend)
