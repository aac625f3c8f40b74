"""The commands that have a project audited every night."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hardener.cli.options import deliver, open_store
from hardener.cli.request import prepare, requested
from hardener.cli.telling import variables_at_night
from hardener.conductor import Conductor
from hardener.errors import ConfigError
from hardener.model import Target
from hardener.project import FILE_NAME, Project
from hardener.reports.arranged import moment
from hardener.reports.listing import visible_line
from hardener.reports.progress import progress_on_stderr
from hardener.schedule import SERVICE, Nightly, Systemd, unit_texts
from hardener.store import Store, default_location

app = typer.Typer(
    help="Audit a project every night, as a timer of systemd.", no_args_is_help=True, rich_markup_mode=None
)
MOST_NAMES = 10
"""Targets named on one line; the rest is counted."""
ManagerOption = Annotated[
    bool | None,
    typer.Option("--user/--system", help="Whose timer it is [default: the system's for root, else the user's]"),
]


@app.command("install")
def install(
    context: typer.Context,
    user: ManagerOption = None,
    at: Annotated[str, typer.Option("--at", metavar="CALENDAR", help="When, as systemd writes it.")] = Nightly.at,
    delay: Annotated[
        int, typer.Option("--delay", min=0, metavar="SECONDS", help="At most so long after that, by chance.")
    ] = Nightly.delay_seconds,
    metrics: Annotated[
        Path | None, typer.Option("--metrics", help="Write Prometheus metrics to this file every night.")
    ] = None,
    notify: Annotated[bool, typer.Option("--notify", help="Tell those the project file names what drifted.")] = False,
) -> None:
    """Write a timer and a sandboxed service that audit this project and tell what drifted; replaces only its own.

    Example: hardener schedule install --at '*-*-* 02:00' --delay 1800
    """
    manager = _manager(user)
    manager.refuse_calendar(at)
    variables = variables_at_night(context.obj) if notify else ()
    directory = _directory(context.obj)
    store = open_store(context.obj.options.get("store"))
    conductor, targets = _prepared(context)
    compared = list(_compared_with(store, conductor.selection.profile.name, targets))
    nightly = replace(
        _nightly(context, directory, store, targets),
        metrics=metrics.resolve() if metrics else None,
        written=_written(context.obj.options.get("store") or str(default_location()), metrics),
        at=at,
        delay_seconds=delay,
        is_notifying=notify,
        is_user=manager.is_user,
    )
    written = manager.install(unit_texts(nightly))
    told = [f"{'wrote' if is_new else 'kept '} {file}" for file, is_new in written.items()]
    deliver("".join(f"{line}\n" for line in (*told, *compared)), None)
    for name in variables:
        typer.echo(f"hardener: nobody is told through ${name} unless a drop-in of {SERVICE} sets it", err=True)


@app.command("status")
def status(user: ManagerOption = None) -> None:
    """Show when the project is audited next, what became of the last time, and where the store is.

    Example: hardener schedule status
    """
    found = _manager(user).status()
    if found is None:
        deliver("nothing is scheduled: 'hardener schedule install' does it\n", None)
        return
    lines = {
        "timer": found.timer if found.is_waiting else f"{found.timer}, stopped",
        "project": found.project,
        "store": found.store,
        "next": moment(found.next) if found.next else "never",
        "last": moment(found.last) if found.last else "never",
        "result": found.result,
    }
    deliver("".join(f"{name:8}{visible_line(said)}\n" for name, said in lines.items()), None)


@app.command("remove")
def remove(user: ManagerOption = None) -> None:
    """Stop the timer and remove both units, if they are ours; the store stays as it is.

    Example: hardener schedule remove
    """
    removed = _manager(user).remove()
    deliver("".join(f"removed {file}\n" for file in removed) or "nothing was scheduled\n", None)


def _manager(user: bool | None) -> Systemd:
    is_user = os.geteuid() != 0 if user is None else user
    return Systemd.of_user() if is_user else Systemd.of_system()


def _directory(project: Project) -> Path:
    """Where the nights are at home."""
    if project.directory is None:
        raise ConfigError(f"no {FILE_NAME} here or above: 'hardener init' lays one down", location=str(Path.cwd()))
    return project.directory.resolve()


def _nightly(context: typer.Context, directory: Path, store: Store, targets: Sequence[Target]) -> Nightly:
    """What the project says, once it was found to be right."""
    named: Path | None = context.find_root().params["project_file"]
    return Nightly(
        command=[sys.executable, "-P", "-m", "hardener", *(["--project", str(named.resolve())] if named else [])],
        project=directory,
        state_home=default_location().parent.parent.resolve(),
        store=store.location,
        sees_this_machine=any(target.connection.kind == "local" for target in targets),
    )


def _prepared(context: typer.Context) -> tuple[Conductor, Sequence[Target]]:
    """What audits, and the targets the service will find, once everything it will read was found to be right."""
    options = context.obj.options
    given = {name: options[name] for name in inspect.signature(requested).parameters if name in options}
    if "waivers" in given:
        given["waivers"] = Path(given["waivers"])
    with progress_on_stderr() as progress:
        return prepare(requested(context, **given), None, progress, datetime.now(UTC))


def _compared_with(store: Store, profile: str, targets: Sequence[Target]) -> Iterator[str]:
    """What the nights will be compared with, a line for each kind.

    Raises ``ConfigError`` for a declared baseline of another profile, which every night would refuse.
    """
    declared = {item.target: item for item in store.baselines()}
    seen = store.last_views(profile)
    names = [target.name for target in targets]
    for name in names:
        if name in declared and declared[name].profile != profile:
            raise ConfigError(
                f"{declared[name].run} was made with profile {declared[name].profile}, the nights are with {profile}: "
                "declare another baseline",
                location=f"baseline of {name}",
            )
    kinds = {
        "what is declared": [f"{name} ({declared[name].run})" for name in names if name in declared],
        "what held last": [name for name in names if name not in declared and name in seen],
        "nothing yet, their first night is looked at alone": [
            name for name in names if name not in declared and name not in seen
        ],
    }
    for kind, found in kinds.items():
        if found:
            more = [f"and {len(found) - MOST_NAMES} more"] if len(found) > MOST_NAMES else []
            yield f"compared with {kind}: {', '.join([*map(visible_line, found[:MOST_NAMES]), *more])}"


def _written(location: str, metrics: Path | None) -> Sequence[Path]:
    """The directories of a store and of metrics, which have to be there.

    Raises ``ConfigError`` for one of somebody else: root without capabilities may not write there either.
    """
    files = [*([] if "://" in location else [Path(location)]), *([metrics] if metrics else [])]
    folders = list(dict.fromkeys(file.resolve().parent for file in files))
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError("there is no such directory", location=str(folder))
        if folder.stat().st_uid != os.geteuid():
            raise ConfigError("it belongs to somebody else: the service may not write there", location=str(folder))
    return folders
