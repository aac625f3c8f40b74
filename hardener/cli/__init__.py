"""The command line: turns words into flows, and errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

import hardener
from hardener.cli import baselines, controls, drift, evidence, flows, lab, project, runs, store, waivers
from hardener.errors import ExitCode, HardenerError

EXIT_CODES = """\
Exit codes: 0 compliant, 1 findings, 2 incomplete (a target unreachable, a probe errored), 64 usage,
65 bad configuration, 70 internal, 130 interrupted.
"""

app = typer.Typer(
    name="hardener",
    help="Audit Linux nodes against CIS benchmarks, remedy what fails with Ansible roles, and prove it.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command(name="init")(project.init)
app.command(name="audit")(flows.audit)
app.command(name="plan")(flows.plan)
app.command(name="apply")(flows.apply)
app.command(name="rollback")(flows.rollback)
app.command(name="drift")(drift.drift)
app.command(name="report")(runs.report)
app.add_typer(runs.app, name="runs")
app.add_typer(baselines.app, name="baseline")
app.add_typer(store.app, name="store")
app.add_typer(evidence.app, name="evidence")
app.add_typer(waivers.app, name="waivers")
app.add_typer(controls.app, name="controls")
app.add_typer(lab.app, name="lab")


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
    """The program: like ``main``, but an interruption does not wait for targets that are still being asked."""
    code = main()
    if code == ExitCode.INTERRUPTED:
        os._exit(code)  # everything of ours is closed by now; only threads in a time-out are left
    sys.exit(code)


def _internal(error: Exception) -> int:
    if os.environ.get("HARDENER_DEBUG"):
        traceback.print_exception(error)
    typer.echo(f"hardener: internal error: {type(error).__name__}: {error} (HARDENER_DEBUG=1 shows where)", err=True)
    return ExitCode.INTERNAL
