"""The commands that read the catalogue."""

from __future__ import annotations

from typing import Annotated

import typer

from hardener.catalogue.benchmarks import benchmark_named
from hardener.catalogue.coverage import Answered, places
from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.catalogue.reference import questions
from hardener.cli.options import deliver
from hardener.content import roles_directories
from hardener.errors import ConfigError
from hardener.inventory import role_defaults
from hardener.reports import listing
from hardener.selection import Selection

LONGEST_QUESTION = 300

app = typer.Typer(help="The catalogue of controls.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_controls(
    context: typer.Context,
    pattern: Annotated[str, typer.Argument(metavar="GLOB", help="Only controls whose id matches.")] = "*",
    of_profile: Annotated[str | None, typer.Option("-p", "--profile", help="Only those it has on any system.")] = None,
) -> None:
    """Show every control: id, level, severity, what a remedy disturbs, title.

    Example: hardener controls list 'sshd-*' -p cis-level1
    """
    catalogue = discover(context.obj.directory)
    controls = [catalogue[identifier] for identifier in catalogue.matching(pattern)]
    records = catalogue.records
    if of_profile:
        selection = Selection(catalogue, load_profile(of_profile, catalogue, context.obj.directory))
        controls = [control for control in controls if selection.exclusion(control) is None]
        records = selection.records
    rows = [
        (item.id, str(item.level), item.severity.value, item.disruption.value, item.title)
        for item in (records[control.id] for control in controls)
    ]
    if not rows:
        raise ConfigError(f"no control is called {pattern!r}", location="GLOB")
    deliver(listing.table(("control", "level", "severity", "disruption", "title"), rows), None)


@app.command("show")
def show_control(
    context: typer.Context, identifier: Annotated[str, typer.Argument(metavar="ID", help="A control's id.")]
) -> None:
    """Explain one control: what, why, how it is observed, judged and remedied, what it may disturb, and its references.

    Example: hardener controls show sshd-permitrootlogin
    """
    catalogue = discover(context.obj.directory)
    if identifier not in catalogue:
        raise ConfigError("no control is called so; see 'hardener controls list'", location=identifier)
    control, record = catalogue[identifier], catalogue.records[identifier]
    defaults = role_defaults(*roles_directories(context.obj.directory))
    expectation = control.expectation(defaults)
    rows = [
        ("title", control.title),
        ("why", control.why),
        ("expected", expectation.words if expectation else "a person decides, from the evidence"),
        *(("asks", _shortened(question)) for question in questions(control)),
        ("remedy", control.remedy),
        ("disruption", control.disruption.value),
        ("level", str(record.level)),
        ("severity", control.severity.value),
        ("role", control.role),
        *(
            ("parameter", f"{item.label(control.role)} = {item.value(control.role, defaults)}")
            for item in control.parameters
        ),
        *(("applies", sentence) for sentence in control.only_on),
        *((f"not on {trait.value}", reason) for trait, reason in control.unless.items()),
        *((f"only where {choice} is", option) for choice, option in control.chosen.items()),
        *((name, ", ".join(numbers)) for name, numbers in record.references.items()),
    ]
    deliver(listing.table(("control", control.id), rows), None)


def _shortened(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= LONGEST_QUESTION else f"{line[:LONGEST_QUESTION]} …"


@app.command("coverage")
def show_coverage(
    context: typer.Context,
    benchmark: Annotated[
        str, typer.Option("-b", "--benchmark", help="Its name; the version may be left out.")
    ] = "cis-debian-12",
) -> None:
    """Show the place of every recommendation of a benchmark: the controls that answer it, or why none has to.

    Exits with 1 where a recommendation has no place. Example: hardener controls coverage --benchmark cis-debian-12
    """
    catalogue = discover(context.obj.directory)
    chosen = benchmark_named(benchmark, catalogue.benchmarks, location="--benchmark")
    found = places(chosen, catalogue.records)
    rows = [(item.number, str(item.level or ""), item.answered, ", ".join(item.controls), item.note) for item in found]
    counted = {kind: sum(item.answered is kind for item in found) for kind in Answered}
    summary = ", ".join(f"{number} {kind}" for kind, number in counted.items() if number)
    table = listing.table(("number", "level", "answered", "controls", "note"), rows)
    deliver(f"{table}\n{chosen.title}: {len(found)} recommendations, {summary}.\n", None)
    raise typer.Exit(code=1 if counted[Answered.GAP] else 0)
