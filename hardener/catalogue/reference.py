"""Tells the whole catalogue as one page of Markdown, from the declarations themselves."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from hardener.catalogue.control import Control
from hardener.catalogue.discovery import Catalogue
from hardener.model import ControlRecord, Values

_HEADER = """\
# Controls

Written by `make docs` from `hardener/controls/`, `hardener/catalogue/benchmarks/` and the defaults of `roles/`; edit
those.

*Expected* is what the roles' defaults make of it; a site may tighten it in its inventory. *Disturbs* is the most a
remedy does to a running host. `hardener controls show ID` explains one control.
"""
_TITLES = ("control", "level", "severity", "what holds", "expected", "remedy", "disturbs", "references")


class _Listener:
    """A host that knows nothing: answers every question with silence, and remembers them."""

    def __init__(self) -> None:
        self.asked: dict[str, None] = {}

    def run(self, command: str, *args: str, seconds: int | None = None) -> _Silence:
        del seconds
        self.asked[command % tuple(map(shlex.quote, args)) if args else command] = None
        return _Silence()


@dataclass(frozen=True)
class _Silence:
    rc: int = 0
    stdout: str = ""
    stderr: str = ""


def questions(control: Control) -> Sequence[str]:
    """What a control asks a host, as far as it can be known beforehand: an answer can lead to further questions."""
    host = _Listener()
    with contextlib.suppress(Exception):
        control.observe(host)
    return list(host.asked)


def controls_reference(catalogue: Catalogue, defaults: Values) -> str:
    """A section for each role, a row for each of its controls; ``defaults`` are the roles' own values."""
    sections = [_HEADER]
    for role in catalogue.roles():
        rows = [_row(item, catalogue.records[item.id], defaults) for item in catalogue.values() if item.role == role]
        lines = [_line(_TITLES), _line(["---"] * len(_TITLES)), *map(_line, rows)]
        sections.append(f"## {role}\n\n" + "".join(lines))
    return "\n".join(sections)


def _row(control: Control, record: ControlRecord, defaults: Values) -> Sequence[str]:
    expectation = control.expectation(defaults)
    references = [f"{name} {', '.join(numbers)}" for name, numbers in record.references.items()]
    exceptions = [*control.only_on, *(f"not on {trait.value}: {reason}" for trait, reason in control.unless.items())]
    return (
        f"`{control.id}`",
        str(record.level),
        control.severity.value,
        "; ".join([control.title, *exceptions]),
        expectation.words if expectation else "a person decides",
        control.remedy,
        control.disruption.value,
        "; ".join(references),
    )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |\n"
