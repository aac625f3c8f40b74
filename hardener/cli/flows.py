"""The commands that contact targets: audit, plan, apply."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from hardener import reports
from hardener.catalogue.profiles import DEFAULT_PROFILE
from hardener.cli.options import (
    AskOption,
    ControlsOption,
    ExtraOption,
    FormatOption,
    InventoryOption,
    LimitOption,
    NoWalkOption,
    OutputOption,
    ProfileOption,
    Request,
    StoreOption,
    TimeoutOption,
    WorkersOption,
    check_format,
    deliver,
    open_store,
    prepare,
)
from hardener.conductor import ApplySettings, exit_code, make_run
from hardener.errors import ExitCode, StoreError
from hardener.model import Run, RunKind
from hardener.reports import planned
from hardener.reports.progress import progress_on_stderr
from hardener.store import Store


def audit(
    inventory: InventoryOption = None,
    limit: LimitOption = None,
    ask_become_pass: AskOption = False,
    extra_vars: ExtraOption = None,
    profile: ProfileOption = DEFAULT_PROFILE,
    controls: ControlsOption = "*",
    no_walk: NoWalkOption = False,
    format: FormatOption = "table",
    output: OutputOption = None,
    store: StoreOption = None,
    workers: WorkersOption = 32,
    connect_timeout: TimeoutOption = 10.0,
) -> None:
    """Look at every target and judge it; changes nothing.

    Example: hardener audit -i hosts.yml -l workers -p cis-level2
    """
    check_format(format)
    request = _request(
        inventory, limit, ask_become_pass, extra_vars, profile, controls, no_walk, workers, connect_timeout
    )
    opened = open_store(store)
    started = datetime.now(UTC)
    with progress_on_stderr() as progress:
        conductor, targets = prepare(request, request.become_password(), progress)
        results = conductor.audit(targets)
    run = make_run(RunKind.AUDIT, conductor.selection, started, results, scope=request.scope)
    _finish(run, opened, format, output)


def apply(
    inventory: InventoryOption = None,
    limit: LimitOption = None,
    ask_become_pass: AskOption = False,
    extra_vars: ExtraOption = None,
    profile: ProfileOption = DEFAULT_PROFILE,
    controls: ControlsOption = "*",
    no_walk: NoWalkOption = False,
    format: FormatOption = "table",
    output: OutputOption = None,
    store: StoreOption = None,
    workers: WorkersOption = 32,
    connect_timeout: TimeoutOption = 10.0,
) -> None:
    """Remedy what fails, where it fails, and prove it; a compliant target runs no Ansible.

    Example: hardener apply -i hosts.yml -l staging --controls 'sshd-*'
    """
    check_format(format)
    request = _request(
        inventory, limit, ask_become_pass, extra_vars, profile, controls, no_walk, workers, connect_timeout
    )
    opened = open_store(store)
    started = datetime.now(UTC)
    with progress_on_stderr() as progress:
        password = request.become_password()
        conductor, targets = prepare(request, password, progress)
        settings = ApplySettings(inventories=request.inventory, extra_vars=request.extra_vars, become_password=password)
        before, after = conductor.apply(targets, settings)
    run = make_run(RunKind.APPLY, conductor.selection, started, after, before, scope=request.scope)
    _finish(run, opened, format, output)


def plan(
    inventory: InventoryOption = None,
    limit: LimitOption = None,
    ask_become_pass: AskOption = False,
    extra_vars: ExtraOption = None,
    profile: ProfileOption = DEFAULT_PROFILE,
    controls: ControlsOption = "*",
    no_walk: NoWalkOption = False,
    format: FormatOption = "table",
    output: OutputOption = None,
    workers: WorkersOption = 32,
    connect_timeout: TimeoutOption = 10.0,
) -> None:
    """Show what an apply would do to every target, and why it would leave the rest alone; changes nothing.

    Example: hardener plan -i hosts.yml -l node7
    """
    if format not in planned.FORMATS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(planned.FORMATS)}", param_hint="--format")
    request = _request(
        inventory, limit, ask_become_pass, extra_vars, profile, controls, no_walk, workers, connect_timeout
    )
    with progress_on_stderr() as progress:
        conductor, targets = prepare(request, request.become_password(), progress)
        plans = conductor.plan(targets)
    records = {control.id: control.record() for control in conductor.selection.catalogue.values()}
    deliver(planned.FORMATS[format](plans, records), output)
    if any(item.problem for item in plans):
        raise typer.Exit(ExitCode.INCOMPLETE)
    raise typer.Exit(ExitCode.FINDINGS if any(item.changes for item in plans) else ExitCode.COMPLIANT)


def _request(
    inventory: list[str] | None,
    limit: str | None,
    ask_become_pass: bool,
    extra_vars: list[str] | None,
    profile: str,
    controls: str,
    no_walk: bool,
    workers: int,
    connect_timeout: float,
) -> Request:
    return Request(
        inventory=inventory or (),
        limit=limit,
        extra_vars=extra_vars or (),
        profile=profile,
        controls=controls,
        no_walk=no_walk,
        ask_become_pass=ask_become_pass,
        workers=workers,
        connect_timeout=connect_timeout,
    )


def _finish(run: Run, store: Store, format: str, output: OutputOption) -> None:
    """Keep the run, then tell it; one that cannot be kept is told all the same, and nothing that was seen is lost."""
    try:
        store.save(run)
    except StoreError:
        deliver(reports.render(run, format), output)
        raise
    deliver(reports.render(run, format), output)
    if format == "table" or output is not None:
        typer.echo(f"run {run.id} kept: hardener report {run.id} -f html -o report.html", err=True)
    raise typer.Exit(exit_code(run.results))
