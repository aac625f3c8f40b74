"""The command that takes back what a run changed, and the list of what can be taken back."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Annotated

import typer

from hardener.cli.confirming import YesOption, are_confirmed, here, is_to_be_asked
from hardener.cli.keeping import carried_out, finish
from hardener.cli.options import FormatOption, OutputOption, StoreOption, check_format, deliver, open_store
from hardener.cli.request import GuardOption, Request, prepare, refuse_unnamed, requested, sharing
from hardener.conductor import GUARD_SECONDS, Rollback, RollbackRequest, Start, chosen_changes
from hardener.errors import ConfigError, ExitCode
from hardener.model import Run, RunKind, TakenBack, Target, UndoableRun, counted, is_undoable
from hardener.reports import listing
from hardener.reports.arranged import moment
from hardener.reports.progress import progress_on_stderr
from hardener.reports.totals import named, of_rollback
from hardener.store import Store

UndoneArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run's id, the beginning of one, or 'latest': the project's newest that can be taken back.",
    ),
]


@sharing(requested)
def rollback(
    request: Request,
    run: UndoneArgument = None,
    /,
    format: FormatOption = "table",
    output: OutputOption = None,
    store: StoreOption = None,
    guard_seconds: GuardOption = GUARD_SECONDS,
    force: Annotated[bool, typer.Option("--force", help="Take back what somebody else changed since as well.")] = False,
    yes: YesOption = False,
) -> None:
    """Take back what an apply changed, all of it or (--controls) what it changed for some controls; under guard.

    Shows what that comes to, and asks. Without RUN it changes nothing and lists what can be taken back.

    Example: hardener rollback latest -i hosts.yml -l node7
    """
    check_format(format, output)
    opened = open_store(store, request.project)
    if run is None:
        _list(opened, request)
        raise typer.Exit(ExitCode.USAGE)
    refuse_unnamed(request)
    asks = is_to_be_asked(is_answered=yes, answers="--yes")
    undone = _undone(opened, run)
    start = Start(RunKind.ROLLBACK, request.scope.model_copy(update={"undone": undone.id}))
    with progress_on_stderr() as progress:
        password = request.become_password()
        conductor, targets = prepare(request.with_all_controls(), password, progress, start.at)
        chosen = _changed(undone, targets, opened)
        how = RollbackRequest(undone=undone, controls=request.controls, force=force)
        changes = {target.name: chosen_changes(how, target.name)[0] for target in chosen}
        if not are_confirmed(
            f"Take {undone.id} back on", of_rollback(undone, changes, here(chosen)), progress, asks=asks
        ):
            raise typer.Exit(ExitCode.FINDINGS)
        settings = request.apply_settings(password, guard_seconds)
        made = carried_out(Rollback(conductor, settings, how, start.id, chosen), conductor.selection, start, opened)
    finish(made, opened, format, output)


def _undone(store: Store, reference: str) -> Run:
    """The run that is to be taken back."""
    if reference == "latest":
        newest = next((run for run in store.undoable() if run.left), None)
        if newest is None:
            raise ConfigError("nothing that this project changed is left to be taken back", location=reference)
        reference = newest.id
    undone, _ = store.load_chained(reference)
    if undone.kind is RunKind.AUDIT:
        raise ConfigError(f"{undone.id} is an audit: it changed nothing", location=reference)
    return undone


def _changed(undone: Run, targets: Sequence[Target], store: Store) -> Sequence[Target]:
    """Those of the targets on which something of a run is left; ``ConfigError`` where there are none."""
    states = store.taken_back(undone.id)
    changed = {result.target for result in undone.results if is_undoable(result)}
    left = [
        target for target in targets if target.name in changed and states.get(target.name) is not TakenBack.ENTIRELY
    ]
    if not left:
        is_done = any(target.name in changed for target in targets)
        reason = "has been taken back on these targets" if is_done else "changed none of these targets"
        raise ConfigError(f"{undone.id} {reason}: 'hardener rollback' lists what can be", location="rollback")
    return left


def _list(store: Store, request: Request) -> None:
    """Show the project's applies that changed something, where, and what to type for the newest one that is left."""
    runs = store.undoable()
    if not runs:
        deliver("nothing can be taken back: no apply of this project changed anything\n", None)
        return
    rows = [
        (
            run.id,
            moment(run.started),
            run.operator,
            named([item.target for item in run.targets]),
            str(sum(item.changes for item in run.targets)),
            _state(run),
        )
        for run in runs
    ]
    deliver(listing.table(("run", "started", "by", "targets", "changes", "taken back"), rows), None)
    newest = next((run for run in runs if run.left), None)
    if newest is not None:
        deliver(f"next: {shlex.join(['hardener', 'rollback', newest.id, *_naming(newest, request)])}\n", None)


def _state(run: UndoableRun) -> str:
    """How far a run has been taken back, over all its targets."""
    states = {item.taken_back for item in run.targets}
    if len(states) == 1:
        return states.pop().value
    return f"on {len(run.targets) - len(run.left)} of {counted(len(run.targets), 'target')}"


def _naming(run: UndoableRun, request: Request) -> Sequence[str]:
    """The options that name the run's targets; those that the project file says need not be typed."""
    if request.inventory and [*request.inventory] == request.project.options.get("inventory"):
        return ()
    return [word for name in request.inventory for word in ("-i", name)] or run.scope.naming
