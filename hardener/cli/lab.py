"""The commands that make and remove throw-away nodes."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from hardener import lab
from hardener.cli.options import deliver
from hardener.reports import listing

app = typer.Typer(help="Throw-away test nodes on this machine.", no_args_is_help=True, rich_markup_mode=None)


class Kind(StrEnum):
    """What a node is."""

    VM = "vm"
    CONTAINER = "container"


class Release(StrEnum):
    """Debian releases the lab can build."""

    BOOKWORM = "12"
    TRIXIE = "13"


NameArgument = Annotated[str | None, typer.Argument(help="The node's name [default: from kind and release, vm12]")]


@app.command("up")
def up(
    name: NameArgument = None,
    kind: Annotated[Kind, typer.Option(help="A full virtual machine, or a container at native speed.")] = Kind.VM,
    release: Annotated[Release, typer.Option(help="Debian release.")] = Release.BOOKWORM,
) -> None:
    """Make a soft node and print the path of its inventory; a node that is up stays as it is.

    Example: hardener lab up --kind container && hardener audit -i "$(hardener lab up --kind container)"
    """
    node = lab.up(name, kind=kind.value, release=release.value, progress=lambda text: typer.echo(text, err=True))
    typer.echo(node.inventory)


@app.command("ssh")
def ssh(name: Annotated[str, typer.Argument(help="The node's name.")]) -> None:
    """Log in to a node.

    Example: hardener lab ssh vm12
    """
    arguments = lab.ssh_command(lab.get(name))
    os.execvp(arguments[0], arguments)


@app.command("down")
def down(
    name: NameArgument = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove every node and all traces of killed ones.")] = False,
) -> None:
    """Remove a node and everything it left on this machine.

    Example: hardener lab down vm12
    """
    if everything:
        lab.down_all()
    elif name is None:
        raise typer.BadParameter("name a node, or give --all", param_hint="NAME")
    else:
        lab.down(name)


@app.command("list")
def list_nodes() -> None:
    """Show every node.

    Example: hardener lab list
    """
    rows = [
        (
            node.name,
            node.kind,
            node.release,
            "up" if running else "down",
            f"{node.address}:{node.port}",
            str(node.inventory),
        )
        for node, running in lab.nodes()
    ]
    deliver(listing.table(("node", "kind", "release", "state", "address", "inventory"), rows), None)
