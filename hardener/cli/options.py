"""The options several commands share, whether or not they contact anybody, and where results go."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hardener import reports
from hardener.errors import ConfigError

if TYPE_CHECKING:
    from hardener.store import Store

InventoryOption = Annotated[
    list[str] | None,
    typer.Option("-i", "--inventory", help="Ansible inventory, may be repeated. Without it: this machine."),
]
WaiversOption = Annotated[
    Path | None, typer.Option("--waivers", help="File of waivers [default: waivers.yml beside the inventory]")
]
FormatOption = Annotated[str, typer.Option("-f", "--format", help=f"One of {', '.join(reports.formats())}.")]
OutputOption = Annotated[Path | None, typer.Option("-o", "--output", help="Write to a file instead of stdout.")]
StoreOption = Annotated[
    str | None, typer.Option("--store", help="SQLite file or database URL [default: in the XDG state directory]")
]

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""What a terminal shows as colours and a file must not hold."""


def open_store(location: str | None) -> Store:
    """The store the option names, or the default one."""
    # Imported here: SQLAlchemy costs a quarter of a second, which commands without a store need not pay.
    from hardener.store import Store, default_location  # noqa: PLC0415

    return Store(location or default_location())


def check_format(name: str) -> str:
    """The name, or a usage error before any work is done."""
    if name not in reports.formats():
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(reports.formats())}", param_hint="--format")
    return name


def deliver(text: str, output: Path | None, mode: int = 0o600) -> None:
    """Print a result, or put it into a file: see ``deliver_bytes``."""
    if output is None:
        typer.echo(text, nl=not text.endswith("\n"))
        return
    deliver_bytes(COLOURS.sub("", text).encode(), output, mode)


def deliver_bytes(data: bytes, output: Path, mode: int = 0o600) -> None:
    """Put a result into a file: whole or not at all. ``mode``: of a file that is made.

    What is there and no regular file (a pipe, /dev/null) is written to; putting a file into its place would destroy it.
    """
    try:
        if output.exists() and not output.is_file():
            output.write_bytes(data)
            return
        with tempfile.NamedTemporaryFile(dir=output.parent, delete=False) as file:
            file.write(data)
        Path(file.name).chmod(mode)
        Path(file.name).replace(output)
    except OSError as error:
        raise ConfigError(error.strerror or str(error), location=str(output)) from None
