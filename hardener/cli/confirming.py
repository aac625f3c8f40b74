"""The question before anything is changed: what answers it beforehand, what is shown for it, and how it is asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from hardener.model import Target, counted
from hardener.reports.progress import ShownProgress
from hardener.reports.totals import Totals, as_text

YesOption = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask before anything is changed.")]


def is_to_be_asked(*, is_answered: bool, answers: str) -> bool:
    """Whether the operator has to be asked, because nothing has answered beforehand.

    A usage error where nobody could be asked; ``answers``: the options that answer beforehand, in words.
    """
    if not is_answered:
        refuse_silence("--yes", f"this changes targets, and there is no terminal to ask at: give {answers}")
    return not is_answered


def refuse_silence(option: str, reason: str) -> None:
    """A usage error where a question would be seen by nobody, or answered by nobody."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise typer.BadParameter(reason, param_hint=option)


def is_confirmed(question: str, progress: ShownProgress) -> bool:
    """What the operator answers, while no bar goes on over his words; ``typer.Abort`` for Ctrl-C."""
    with progress.paused():
        return _is_yes(question)


def are_confirmed(deed: str, totals: Sequence[Totals], progress: ShownProgress, *, asks: bool) -> bool:
    """Show what would be done, and ask for it where that is to be asked and there is anything to do.

    ``deed``: what is done to targets: ``Apply this to``.
    """
    number = sum(not item.problem for item in totals)
    with progress.paused():
        typer.echo(as_text(totals), nl=False, err=True)
        if not asks or not number or _is_yes(f"{deed} {counted(number, 'target')}?"):
            return True
        typer.echo("nothing was changed", err=True)
    return False


def _is_yes(question: str) -> bool:
    return typer.confirm(question, prompt_suffix=" ", err=True)


def here(targets: Sequence[Target]) -> frozenset[str]:
    """The names of those that are this machine."""
    return frozenset(target.name for target in targets if target.connection.kind == "local")
