"""The options several commands share, whether or not they contact anybody, and where results go."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hardener import reports
from hardener.cli.folders import deliver_parts
from hardener.errors import ConfigError
from hardener.model import Run, RunScore, TargetResult
from hardener.project import Project

if TYPE_CHECKING:
    from hardener.store import Store

InventoryOption = Annotated[
    list[str] | None,
    typer.Option(
        "-i", "--inventory", help="Ansible inventory, may be repeated. Without it, this machine is only looked at."
    ),
]
WaiversOption = Annotated[
    Path | None, typer.Option("--waivers", help="File of waivers [default: waivers.yml beside the inventory]")
]
FormatOption = Annotated[str, typer.Option("-f", "--format", help=f"One of {', '.join(reports.formats())}.")]
OutputOption = Annotated[Path | None, typer.Option("-o", "--output", help="Write to a file instead of stdout.")]
PatternOption = Annotated[str, typer.Option("-l", "--limit", metavar="GLOB", help="Only targets whose name matches.")]
StoreOption = Annotated[
    str | None, typer.Option("--store", help="SQLite file or database URL [default: in the XDG state directory]")
]

COLOURS = re.compile(rb"\x1b\[[0-9;]*m")
"""What a terminal shows as colours and a file must not hold."""


def open_store(location: str | None, project: Project | None = None) -> Store:
    """The store the option names, or the default one; of the project is what ``latest`` refers to."""
    # Imported here: SQLAlchemy costs a quarter of a second, which commands without a store need not pay.
    from hardener.store import Store, default_location  # noqa: PLC0415

    return Store(location or default_location(), project.identity if project else None)


def check_format(name: str, output: Path | None) -> None:
    """A usage error, before any work is done, where there is no such format or it cannot go where it shall."""
    if name not in reports.formats():
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(reports.formats())}", param_hint="--format")
    if reports.is_binary(name) and output is None and sys.stdout.isatty():
        raise typer.BadParameter(f"{name} is not for a terminal: name a file with -o", param_hint="--format")


def deliver_run(
    run: Run, results: Iterable[TargetResult], format: str, output: Path | None, trend: Sequence[RunScore] = ()
) -> None:
    """Deliver a run in one format; of ``trend`` see ``SplitFormat``."""
    if reports.has_parts(format) and output is not None and (output.is_file() or not output.exists()):
        deliver_parts(reports.parts(run, results, trend, format, output.name), output)
        return
    pieces = reports.render(run, results, format, trend)
    is_coloured = output is not None and not reports.is_binary(format)
    deliver((COLOURS.sub(b"", piece) for piece in pieces) if is_coloured else pieces, output)


def deliver(told: str | Iterable[bytes], output: Path | None, mode: int = 0o600) -> None:
    """Print a result, or put it into a file: whole or not at all. ``mode``: of a file that is made.

    What is there and no regular file (a pipe, /dev/null) is written to; putting a file into its place would destroy it.
    """
    if isinstance(told, str):
        told = [COLOURS.sub(b"", told.encode()) if output else told.encode()]
    if output is None:
        for piece in told:
            typer.echo(piece, nl=False)
        return
    try:
        if output.exists() and not output.is_file():
            with output.open("wb") as device:
                device.writelines(told)
        else:
            _replace(output, told, mode)
    except OSError as error:
        raise ConfigError(error.strerror or str(error), location=str(output)) from None


def _replace(output: Path, pieces: Iterable[bytes], mode: int) -> None:
    """Put a whole file into another's place; where a piece of it cannot be had, nothing happens."""
    with tempfile.NamedTemporaryFile(dir=output.parent, delete=False) as file:
        try:
            file.writelines(pieces)
            file.flush()
            Path(file.name).chmod(mode)
            Path(file.name).replace(output)
        except BaseException:
            Path(file.name).unlink()
            raise
