"""The commands that have a project audited every night."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hardener.cli.options import deliver, open_store
from hardener.cli.request import prepare, requested
from hardener.cli.telling import variables_at_night
from hardener.errors import ConfigError
from hardener.model import Target
from hardener.project import FILE_NAME, Project
from hardener.reports.arranged import moment
from hardener.reports.listing import visible_line
from hardener.reports.progress import progress_on_stderr
from hardener.schedule import SERVICE, Nightly, Systemd, unit_texts
from hardener.store import default_location

app = typer.Typer(
    help="Audit a project every night, as a timer of systemd.", no_args_is_help=True, rich_markup_mode=None
)
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
    nightly = replace(
        _nightly(context, metrics),
        at=at,
        delay_seconds=delay,
        is_notifying=notify,
        is_user=manager.is_user,
    )
    written = manager.install(unit_texts(nightly))
    deliver("".join(f"{'wrote' if is_new else 'kept '} {file}\n" for file, is_new in written.items()), None)
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


def _nightly(context: typer.Context, metrics: Path | None) -> Nightly:
    """What the project says, once it was found to be right."""
    project: Project = context.obj
    if project.directory is None:
        raise ConfigError(f"no {FILE_NAME} here or above: 'hardener init' lays one down", location=str(Path.cwd()))
    location = project.options.get("store") or str(default_location())
    store = open_store(location)
    named: Path | None = context.find_root().params["project_file"]
    return Nightly(
        command=[sys.executable, "-P", "-m", "hardener", *(["--project", str(named.resolve())] if named else [])],
        project=project.directory.resolve(),
        state_home=default_location().parent.parent.resolve(),
        store=store.location,
        written=_written(location, metrics),
        metrics=metrics.resolve() if metrics else None,
        sees_this_machine=any(target.connection.kind == "local" for target in _targets(context)),
    )


def _targets(context: typer.Context) -> Sequence[Target]:
    """The targets the service will find, once everything it will read was found to be right."""
    options = context.obj.options
    given = {name: options[name] for name in inspect.signature(requested).parameters if name in options}
    if "waivers" in given:
        given["waivers"] = Path(given["waivers"])
    with progress_on_stderr() as progress:
        return prepare(requested(context, **given), None, progress, datetime.now(UTC))[1]


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
