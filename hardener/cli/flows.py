"""The commands that look at targets and change them: audit, plan, apply."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hardener.approval import read_plans, refuse_moved, refuse_other_question
from hardener.cli.confirming import YesOption, are_confirmed, here, is_confirmed, is_to_be_asked, refuse_silence
from hardener.cli.keeping import carried_out, finish
from hardener.cli.options import FormatOption, OutputOption, StoreOption, check_format, deliver, open_store
from hardener.cli.request import GuardOption, Request, prepare, refuse_unnamed, requested, sharing
from hardener.cli.staging import staged
from hardener.conductor import (
    GUARD_SECONDS,
    Audit,
    RebootPolicy,
    Rollout,
    Stages,
    Start,
    make_plans,
    resumed,
)
from hardener.errors import ConfigError, ExitCode
from hardener.model import Plans, Run, RunKind
from hardener.ownership import refuse_foreign
from hardener.reports import planned
from hardener.reports.progress import ShownProgress, progress_on_stderr
from hardener.reports.totals import of_plans

IncludeWaivedOption = Annotated[bool, typer.Option("--include-waived", help="Remedy what waivers cover as well.")]
DiffOption = Annotated[bool, typer.Option("--diff", help="In the table, show what each item has now and would have.")]
PlanOption = Annotated[
    Path | None,
    typer.Option("--plan", help="Do what this file of plan -f json says, and nothing where a target has moved since."),
]
AllOrNothingOption = Annotated[
    bool,
    typer.Option("--all-or-nothing", help="Change no target on which something would be held back or fails."),
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
        if not request.inventory:
            progress.warn(targets[0].name, "no inventory is named (-i), so this machine is looked at")
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
    all_or_nothing: AllOrNothingOption = False,
    yes: YesOption = False,
) -> None:
    """Remedy what fails, where it fails, under guard, and prove it; a compliant target runs no Ansible.

    Shows what that comes to, and asks; then does this and no more. With --yes it neither rehearses nor asks. Every
    target keeps a checkpoint first, and restores it by itself unless a fresh login gets in afterwards.

    Example: hardener apply -i hosts.yml --batches 1,10%,100% --controls 'sshd-*'
    """
    check_format(format, output)
    refuse_unnamed(request)
    asks, opened = _is_to_be_asked(stages, is_answered=yes or plan is not None), open_store(store, request.project)
    saved, earlier = _saved(plan) if plan else None, opened.load_chained(resume)[0] if resume else None
    start = Start(RunKind.APPLY, request.scope)
    with progress_on_stderr() as progress:
        password = request.become_password()
        conductor, targets = prepare(request, password, progress, start.at, include_waived=include_waived)
        if earlier is not None:
            targets = resumed(targets, _resumable(earlier, conductor.selection.profile.name).results)
        settings = request.apply_settings(password, guard_seconds, all_or_nothing=all_or_nothing)
        stages = replace(stages, confirm=lambda question: is_confirmed(question, progress))
        rollout = Rollout(conductor, settings, stages, start.id, targets)
        if asks or saved:
            rollout = _held_to_plan(rollout, saved, progress)
        run = carried_out(rollout, conductor.selection, start, opened)
    finish(run, opened, format, output)


@sharing(requested)
def plan(
    request: Request,
    /,
    format: FormatOption = "table",
    output: OutputOption = None,
    diff: DiffOption = False,
    include_waived: IncludeWaivedOption = False,
    all_or_nothing: AllOrNothingOption = False,
) -> None:
    """Show item by item what an apply would do to every target, and why it leaves the rest alone; changes nothing.

    Example: hardener plan -i hosts.yml -l node7 -f json -o plan.json
    """
    if format not in planned.FORMATS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(planned.FORMATS)}", param_hint="--format")
    refuse_unnamed(request)
    with progress_on_stderr() as progress:
        password = request.become_password()
        conductor, targets = prepare(request, password, progress, datetime.now(UTC), include_waived=include_waived)
        settings = request.apply_settings(password, GUARD_SECONDS, all_or_nothing=all_or_nothing)
        plans = make_plans(conductor, targets, settings)
    deliver(planned.as_text(plans, with_diffs=diff) if format == "table" else planned.FORMATS[format](plans), output)
    raise typer.Exit(_exit_code(plans))


def _exit_code(plans: Plans) -> ExitCode:
    """The documented code for what would be done, and is not."""
    if any(item.is_our_fault for item in plans.targets):
        return ExitCode.INTERNAL
    if any(item.problem for item in plans.targets):
        return ExitCode.INCOMPLETE
    return ExitCode.FINDINGS if any(item.changes for item in plans.targets) else ExitCode.COMPLIANT


def _is_to_be_asked(stages: Stages, *, is_answered: bool) -> bool:
    """Whether the operator is asked before an apply; a usage error where that, or a later question, cannot be."""
    if stages.reboot is RebootPolicy.ASK:
        refuse_silence("--reboot", "there is no terminal to ask at before each restart")
    return is_to_be_asked(is_answered=is_answered, answers="--yes, or a saved plan with --plan")


def _saved(file: Path) -> tuple[Path, Plans]:
    refuse_foreign(file)
    return file, read_plans(file)


def _held_to_plan(rollout: Rollout, saved: tuple[Path, Plans] | None, progress: ShownProgress) -> Rollout:
    """A rollout that does what the plan of now says: a saved plan's very own, or one that the operator agrees to.

    Raises ``ConfigError`` where the saved one no longer holds, and ends the command where the operator says no.
    """
    conductor, targets = rollout.conductor, rollout.targets
    if saved:
        refuse_other_question(saved[1], conductor.selection, targets, saved[0])
    now = make_plans(conductor, targets, rollout.settings)
    if saved:
        refuse_moved(saved[1], now, saved[0])
    shown = of_plans(now, here(targets), restarts=rollout.stages.reboot is not RebootPolicy.NEVER)
    if not are_confirmed("Apply this to", shown, progress, asks=not saved):
        raise typer.Exit(_exit_code(now))
    return replace(rollout, settings=replace(rollout.settings, approved=now, is_compared=saved is not None))


def _resumable(run: Run, profile: str) -> Run:
    """A run that can go on: an apply of the same profile."""
    if run.kind is not RunKind.APPLY or run.profile != profile:
        raise ConfigError(f"{run.id} is no apply of the profile {profile}", location="--resume")
    return run
