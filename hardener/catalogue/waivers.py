"""Waivers as a site's files declare them: read, held to the catalogue and to the policy, and added to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from hardener.catalogue.discovery import Catalogue
from hardener.documents import Document, parse_document, read_document, read_text, validated
from hardener.errors import WaiverError
from hardener.model import Waiver
from hardener.ownership import refuse_foreign

FILE_NAME = "waivers.yml"
LONGEST_DAYS = 366
"""How long a waiver may last where a site's policy says nothing else: a year, and the day it is looked at again."""


@dataclass(frozen=True)
class DeclaredWaiver:
    """A waiver, and where it is declared: ``file:line``."""

    waiver: Waiver
    location: str


class _Declaration(Waiver):
    """What a waiver's declaration may say."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    scope: str = "all"

    @field_validator("controls", "scope", "reason", "requested_by", "approved_by")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("must not be empty")
        return text.strip()

    @field_validator("effective", "expires", mode="before")
    @classmethod
    def _is_an_instant(cls, value: JsonValue | datetime) -> datetime:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            moment = None
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            raise ValueError("is no instant with a time zone, such as 2027-03-01T00:00:00Z")
        return moment


class _File(BaseModel):
    """What a file of waivers may say."""

    model_config = ConfigDict(extra="forbid")

    waivers: list[_Declaration]


def waiver_files(inventories: Sequence[str]) -> Sequence[Path]:
    """The files of waivers that lie beside inventories."""
    beside = dict.fromkeys(Path(source).parent / FILE_NAME for source in inventories if Path(source).exists())
    return [file for file in beside if file.is_file()]


def load_waivers(
    files: Sequence[Path], catalogue: Catalogue, longest_days: int = LONGEST_DAYS
) -> Sequence[DeclaredWaiver]:
    """All waivers that some files declare, in their order; ``WaiverError`` with file and line where one is wrong.

    One that has expired is right: it only counts no more.
    """
    refuse_foreign(*files, error=WaiverError)
    documents = [read_document(file, error=WaiverError) for file in files]
    return _unique([item for document in documents for item in _declared(document, catalogue, longest_days)])


def added(
    file: Path, fields: Mapping[str, Any], catalogue: Catalogue, longest_days: int, now: datetime
) -> tuple[str, Waiver]:
    """The text of a file of waivers with one more, every other line as it is, and that waiver; writes nothing.

    Raises ``WaiverError`` where the result would be wrong, or where the new one has expired already.
    """
    before = read_text(file, error=WaiverError) if file.exists() else "---\nwaivers: []\n"
    document = parse_document(before, file, error=WaiverError)
    _declared(document, catalogue, longest_days)
    after = _appended(before, document, fields)
    changed = parse_document(after, file, error=WaiverError)
    if changed.data.get("waivers") != [*document.data["waivers"], fields]:
        raise WaiverError("nothing can be appended to this list: write it one item a line", location=str(file))
    new = _unique(_declared(changed, catalogue, longest_days))[-1]
    if new.waiver.expires <= now:
        raise WaiverError(f"{new.waiver.id} has expired already", location=new.location)
    return after, new.waiver


def _appended(text: str, document: Document, fields: Mapping[str, Any]) -> str:
    lines = text.removesuffix("\n").split("\n")
    place = document.lines["waivers",] - 1
    if not document.data["waivers"]:
        lines[place] = lines[place].replace("[]", "", 1).rstrip()
    first = lines[document.lines.get(("waivers", 0), place + 1) - 1]
    indent = " " * (len(first) - len(first.lstrip())) if document.data["waivers"] else "  "
    item = yaml.safe_dump([dict(fields)], sort_keys=False, allow_unicode=True, width=100)
    return "\n".join([*lines, *(f"{indent}{line}" for line in item.removesuffix("\n").split("\n"))]) + "\n"


def _declared(document: Document, catalogue: Catalogue, longest_days: int) -> Sequence[DeclaredWaiver]:
    found = []
    for index, declaration in enumerate(validated(document, _File, error=WaiverError).waivers):
        waiver = Waiver(**declaration.model_dump())
        for field, problem in _problems(waiver, catalogue, longest_days).items():
            raise WaiverError(f"{waiver.id}: {problem}", location=document.location("waivers", index, field))
        found.append(DeclaredWaiver(waiver, document.location("waivers", index, "id")))
    return found


def _problems(waiver: Waiver, catalogue: Catalogue, longest_days: int) -> Mapping[str, str]:
    """What is wrong with a waiver, by the field that says so."""
    problems = {}
    if not catalogue.matching(waiver.controls):
        problems["controls"] = f"no control is called {waiver.controls!r}"
    if _person(waiver.requested_by) == _person(waiver.approved_by):
        problems["approved_by"] = f"{waiver.approved_by} cannot approve what {waiver.requested_by} requested"
    if waiver.expires <= waiver.effective:
        problems["expires"] = "it expires before it is effective"
    elif waiver.expires - waiver.effective > timedelta(days=longest_days):
        problems["expires"] = f"it lasts longer than {longest_days} days"
    return problems


def _person(name: str) -> str:
    return " ".join(name.split()).casefold()


def _unique(declared: Sequence[DeclaredWaiver]) -> Sequence[DeclaredWaiver]:
    first: dict[str, str] = {}
    for item in declared:
        if item.waiver.id in first:
            message = f"two waivers are called {item.waiver.id}, the other one at {first[item.waiver.id]}"
            raise WaiverError(message, location=item.location)
        first[item.waiver.id] = item.location
    return declared
