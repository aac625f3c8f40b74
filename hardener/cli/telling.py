"""Tells recipients of drift, and the command that tries whether they can be told."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import typer

from hardener.alerting import Memory, follow, news
from hardener.cli.options import deliver
from hardener.drift import find_drift
from hardener.errors import ConfigError, ExitCode
from hardener.model import Comparison, Drift, Message, News
from hardener.project import Project
from hardener.project.recipients import Mention, Recipient, resolved
from hardener.reports.drift.message import message
from hardener.store import Store
from hardener.telling import deliver as send

app = typer.Typer(
    help="Those who are told of drift.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@dataclass(frozen=True)
class Patience:
    """How long recipients are spared."""

    silent_nights: int
    """Audits without an answer until a target is told as silent."""
    remind_days: int
    """Days until a regression that stands is told again."""


Compared = tuple[Comparison, Drift]
"""An audit beside its baselines, and what is different there."""
TEST = Message(subject="hardener: a test", body="Whoever reads this is told when something regresses.")


def recipients_of(project: Project) -> Sequence[Recipient]:
    """All that the project file names; ``ConfigError`` where that is nobody, or one cannot be used."""
    return [resolved(mention) for mention in _mentions(project)]


def variables_at_night(project: Project) -> Sequence[str]:
    """The variables a night's environment must have for its recipients; ``ConfigError`` as above for the others."""
    mentions = _mentions(project)
    for mention in mentions:
        if mention.variable is None:
            resolved(mention)
    return [mention.variable for mention in mentions if mention.variable is not None]


def _mentions(project: Project) -> Sequence[Mention]:
    if not project.notify:
        raise ConfigError("the project file names nobody to tell", location="notify")
    return project.notify


@app.command("test")
def try_recipients(context: typer.Context) -> None:
    """Send a message to everybody whom the project file names.

    Example: hardener notify test
    """
    told = [_is_told(recipient, TEST) for recipient in recipients_of(context.obj)]
    raise typer.Exit(ExitCode.COMPLIANT if all(told) else ExitCode.INCOMPLETE)


def tell(
    recipients: Sequence[Recipient], store: Store, newest: Compared, patience: Patience, *, is_dry_run: bool
) -> bool:
    """Tell each recipient what is new to it, and keep that it knows; whether all who had to be told are.

    ``newest``: the newest audit, which whoever calls has compared already. One that cannot be told is none the wiser:
    the next time it is told of the same, if that is still so.
    """
    compared = functools.cache(lambda run: newest if run == newest[1].run else _compared(store, run))
    are_told = True
    for recipient in recipients:
        found = _news_for(recipient, store, patience, compared)
        if found is None:
            continue
        if is_dry_run:
            _show(recipient, found)
        elif found.is_empty or _is_told(recipient, message(found)):
            store.remember(recipient.digest, found.run, found.known)
        else:
            are_told = False
    return are_told


def _compared(store: Store, run: str) -> Compared | None:
    """``None`` where the audit's profile is not a baseline's, which ``drift`` said at the time."""
    comparison = store.compare(run)
    try:
        return comparison, find_drift(comparison)
    except ConfigError:
        return None


def _news_for(
    recipient: Recipient,
    store: Store,
    patience: Patience,
    compared: Callable[[str], Compared | None],
) -> News | None:
    """What is new to a recipient; ``None`` where it knows of every audit."""
    memory, found = Memory.of(store.told(recipient.digest)), None
    for run in store.audits_for(recipient.digest):
        if audit := compared(run):
            memory = follow(memory, *audit, store.seen(run, memory.controls, patience.silent_nights))
            found = news(memory, audit[1], patience.remind_days)
    return found


def _show(recipient: Recipient, found: News) -> None:
    if found.is_empty:
        deliver(f"nothing to tell {recipient.label}\n", None)
    else:
        text = message(found)
        deliver(f"would tell {recipient.label}:\n\n{text.subject}\n\n{text.body}\n", None)


def _is_told(recipient: Recipient, text: Message) -> bool:
    problem = send(recipient.url, text)
    if problem:
        typer.echo(f"hardener: {recipient.label} could not be told: {problem}", err=True)
    return problem is None
