"""The command line: turns words into flows, and errors into one line and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

import hardener
from hardener.cli import project
from hardener.cli.commands import Commands
from hardener.errors import ExitCode, HardenerError
from hardener.private import close_to_others

EXIT_CODES = """\
Exit codes: 0 compliant, 1 findings, 2 incomplete (a target unreachable, a probe errored), 64 usage,
65 bad configuration, 70 internal, 130 interrupted.
"""

WAKING_SECONDS = 1.0
"""An interruption is noticed at most so late."""

app = typer.Typer(
    name="hardener",
    help="Audit Linux nodes against CIS benchmarks, remedy what fails with Ansible roles, and prove it.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    cls=Commands,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hardener {hardener.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    project_file: project.ProjectOption = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Audit Linux nodes against CIS benchmarks, remedy what fails with Ansible roles, and prove it."""
    project.enter_project(context, project_file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the documented exit code and never raises."""
    try:
        result = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except TyperException as error:
        typer.echo(f"hardener: {error.format_message()} (see 'hardener --help')", err=True)
        return ExitCode.USAGE
    except HardenerError as error:
        typer.echo(f"hardener: {error}", err=True)
        return error.exit_code
    except typer.Abort:
        typer.echo("hardener: interrupted", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; there is nobody left to tell
        return ExitCode.INTERNAL
    except Exception as error:  # noqa: BLE001  (a person gets one line; the traceback is one variable away)
        return _internal(error)
    code = int(result or 0)
    if code == ExitCode.INTERRUPTED:  # typer catches the interruption itself, and only leaves its code
        typer.echo("hardener: interrupted", err=True)
    return code


def entry() -> NoReturn:
    """The program: like ``main``, but what cuts a run short does not wait for targets that are still being asked."""
    close_to_others()
    with _woken_regularly():
        code = main()
    if code in {ExitCode.INTERRUPTED, ExitCode.INTERNAL}:
        with suppress(OSError, ValueError):  # nobody reads it any more
            sys.stdout.flush()
        os._exit(code)  # everything of ours is closed by now; only threads in a time-out are left
    sys.exit(code)


@contextmanager
def _woken_regularly() -> Iterator[None]:
    """End every wait of the main thread once a second, for Python to look whether it was interrupted.

    A signal that another thread takes, or that comes in the moment before the wait begins, wakes nobody: Ctrl-C would
    be noticed only with the next target's answer. What was waited for is waited for again (PEP 475).
    """
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, WAKING_SECONDS, WAKING_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # at its end Python forgets the handler: an alarm would kill us


def _internal(error: Exception) -> int:
    if os.environ.get("HARDENER_DEBUG"):
        traceback.print_exception(error)
    typer.echo(f"hardener: internal error: {type(error).__name__}: {error} (HARDENER_DEBUG=1 shows where)", err=True)
    return ExitCode.INTERNAL
