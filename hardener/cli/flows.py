"""The commands that contact targets: audit, plan, apply, rollback."""

from __future__ import annotations

import getpass
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hardener.approval import read_plans, refuse_moved, refuse_other_question
from hardener.cli.keeping import carried_out, finish
from hardener.cli.options import FormatOption, OutputOption, StoreOption, check_format, deliver, open_store
from hardener.cli.request import Request, prepare, requested, sharing
from hardener.cli.runs import RunArgument
from hardener.cli.staging import staged
from hardener.conductor import (
    GUARD_SECONDS,
    ApplySettings,
    Audit,
    Rollback,
    RollbackRequest,
    Rollout,
    Stages,
    Start,
    make_plans,
    resumed,
)
from hardener.content import roles_directories
from hardener.errors import ConfigError, ExitCode
from hardener.model import Run, RunKind
from hardener.ownership import refuse_foreign
from hardener.reports import planned
from hardener.reports.progress import progress_on_stderr

IncludeWaivedOption = Annotated[bool, typer.Option("--include-waived", help="Remedy what waivers cover as well.")]
DiffOption = Annotated[bool, typer.Option("--diff", help="In the table, show what each item has now and would have.")]
PlanOption = Annotated[
    Path | None,
    typer.Option("--plan", help="Do what this file of plan -f json says, and nothing where a target has moved since."),
]
GuardOption = Annotated[
    int,
    typer.Option("--guard-seconds", min=10, help="A target restores itself when nobody gets in for so long."),
]


@sharing(requested)
def audit(
    request: Request,
    /,
    format: FormatOption = "table",
    output: OutputOption = None,
    store: StoreOption = None,
    metrics: Annotated[
        Path | None, typer.Option("--metrics", help="Write Prometheus metrics to this file as well.")
    ] = None,
) -> None:
    """Look at every target and judge it; changes nothing.

    Example: hardener audit -i hosts.yml -l workers -p cis-level2
    """
    check_format(format, output)
    opened = open_store(store, request.project)
    start = Start(RunKind.AUDIT, request.scope)
    with progress_on_stderr() as progress:
        conductor, targets = prepare(request, request.become_password(), progress, start.at)
        run = carried_out(Audit(conductor, targets), conductor.selection, start, opened)
    finish(run, opened, format, output, metrics)


@sharing(requested, staged)
def apply(
    request: Request,
    stages: Stages,
    /,
    format: FormatOption = "table",
    output: OutputOption = None,
    store: StoreOption = None,
    guard_seconds: GuardOption = GUARD_SECONDS,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Only the targets this run did not finish.")
    ] = None,
    plan: PlanOption = None,
    include_waived: IncludeWaivedOption = False,
) -> None:
    """Remedy what fails, where it fails, under guard, and prove it; a compliant target runs no Ansible.

    Every target keeps a checkpoint first, and restores it by itself unless a fresh login gets in afterwards.

    Example: hardener apply -i hosts.yml --batches 1,10%,100% --controls 'sshd-*'
    """
    check_format(format, output)
    opened = open_store(store, request.project)
    if plan:
        refuse_foreign(plan)
    approved = read_plans(plan) if plan else None
    earlier = opened.load_chained(resume)[0] if resume else None
    start = Start(RunKind.APPLY, request.scope)
    with progress_on_stderr() as progress:
        password = request.become_password()
        conductor, targets = prepare(request, password, progress, start.at, include_waived=include_waived)
        if earlier is not None:
            targets = resumed(targets, _resumable(earlier, conductor.selection.profile.name).results)
        settings = _settings(request, password, guard_seconds)
        settings = replace(settings, approved=approved, is_compared=approved is not None)
        if approved and plan:
            refuse_other_question(approved, conductor.selection, targets, plan)
            refuse_moved(approved, make_plans(conductor, targets, settings), plan)
        rollout = Rollout(conductor, settings, stages, start.id, targets)
        run = carried_out(rollout, conductor.selection, start, opened)
    finish(run, opened, format, output)


@sharing(requested)
def rollback(
    request: Request,
    /,
    run: RunArgument,
    format: FormatOption = "table",
    output: OutputOption = None,
    store: StoreOption = None,
    guard_seconds: GuardOption = GUARD_SECONDS,
    force: Annotated[bool, typer.Option("--force", help="Take back what somebody else changed since as well.")] = False,
) -> None:
    """Take back what an apply changed, all of it or (--controls) what it changed for some controls; under guard.

    Example: hardener rollback latest -i hosts.yml -l node7
    """
    check_format(format, output)
    opened = open_store(store, request.project)
    undone, _ = opened.load_chained(run)
    if undone.kind is RunKind.AUDIT:
        raise ConfigError(f"{undone.id} is an audit: it changed nothing", location=run)
    start = Start(RunKind.ROLLBACK, request.scope)
    with progress_on_stderr() as progress:
        password = request.become_password()
        conductor, targets = prepare(request.with_all_controls(), password, progress, start.at)
        touched = {result.target for result in undone.results if result.checkpoint is not None or result.changes}
        chosen = [target for target in targets if target.name in touched]
        if not chosen:
            raise ConfigError(f"{undone.id} changed none of these targets", location=run)
        how = RollbackRequest(undone=undone, controls=request.controls, force=force)
        taken_back = Rollback(conductor, _settings(request, password, guard_seconds), how, start.id, chosen)
        made = carried_out(taken_back, conductor.selection, start, opened)
    finish(made, opened, format, output)


@sharing(requested)
def plan(
    request: Request,
    /,
    format: FormatOption = "table",
    output: OutputOption = None,
    diff: DiffOption = False,
    include_waived: IncludeWaivedOption = False,
) -> None:
    """Show item by item what an apply would do to every target, and why it leaves the rest alone; changes nothing.

    Example: hardener plan -i hosts.yml -l node7 -f json -o plan.json
    """
    if format not in planned.FORMATS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(planned.FORMATS)}", param_hint="--format")
    with progress_on_stderr() as progress:
        password = request.become_password()
        conductor, targets = prepare(request, password, progress, datetime.now(UTC), include_waived=include_waived)
        plans = make_plans(conductor, targets, _settings(request, password, GUARD_SECONDS))
    deliver(planned.as_text(plans, with_diffs=diff) if format == "table" else planned.FORMATS[format](plans), output)
    if any(item.is_our_fault for item in plans.targets):
        raise typer.Exit(ExitCode.INTERNAL)
    if any(item.problem for item in plans.targets):
        raise typer.Exit(ExitCode.INCOMPLETE)
    raise typer.Exit(ExitCode.FINDINGS if any(item.changes for item in plans.targets) else ExitCode.COMPLIANT)


def _settings(request: Request, password: str | None, guard_seconds: int) -> ApplySettings:
    return ApplySettings(
        inventories=request.inventory,
        extra_vars=request.extra_vars,
        roles=roles_directories(request.project.directory),
        become_password=password,
        operator=getpass.getuser(),
        guard_seconds=guard_seconds,
    )


def _resumable(run: Run, profile: str) -> Run:
    """A run that can go on: an apply of the same profile."""
    if run.kind is not RunKind.APPLY or run.profile != profile:
        raise ConfigError(f"{run.id} is no apply of the profile {profile}", location="--resume")
    return run
