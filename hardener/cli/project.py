"""What a site's project file means to the command line, and the command that begins one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Annotated, Any

import typer

from hardener.cli.options import deliver
from hardener.project import Project, find_project, lay_down, load_project

ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", help="Project file [default: hardener.yml in this directory or one above it]"),
]
WITHOUT_PROJECT = {"init", "lab"}
"""Commands that belong to no site."""


def enter_project(context: typer.Context, named: Path | None) -> None:
    """Read the project file, and make what it says the defaults of the options of the command that was called."""
    context.obj = Project()
    if context.invoked_subcommand in WITHOUT_PROJECT:
        return
    file = named or find_project(Path.cwd())
    if file is not None:
        context.obj = load_project(file)
        context.default_map = _defaults_of(context, str(context.invoked_subcommand))


def _defaults_of(context: typer.Context, called: str) -> MutableMapping[str, Any]:
    group: Any = context.command
    return {called: _defaults(group.commands[called], context.obj.options)}


def _defaults(command: Any, options: Mapping[str, Any]) -> MutableMapping[str, Any]:
    """For each command below one, the options it has of those that are set."""
    below: Mapping[str, Any] = getattr(command, "commands", {})
    own = {item.name: options[item.name] for item in command.params if item.name in options}
    return own | {name: _defaults(item, options) for name, item in below.items()}


def init(
    directory: Annotated[Path, typer.Argument(help="Where; it is made if need be.")] = Path(),
) -> None:
    """Lay down a commented project file, inventory, profile and file of waivers; overwrites nothing.

    Example: hardener init site
    """
    laid = lay_down(directory)
    lines = [f"{'wrote' if is_new else 'kept '} {file}\n" for file, is_new in laid.items()]
    change = "" if directory == Path() else f"cd {shlex.quote(str(directory))} && "
    hosts = directory / "hosts.yml"
    deliver("".join([*lines, f"next: name your hosts in {hosts}, then: {change}hardener audit\n"]), None)
