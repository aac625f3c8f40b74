"""A site's project file: what commands use where the command line says nothing else; and what a site begins with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hardener.catalogue.waivers import LONGEST_DAYS
from hardener.documents import Document, read_document, validated
from hardener.errors import ConfigError
from hardener.ownership import refuse_foreign
from hardener.project.recipients import Mention

FILE_NAME = "hardener.yml"
SITE_FOLDERS = ("benchmarks", "controls", "profiles", "roles")
EXAMPLE = Path(__file__).parent / "example"


class WaiverPolicy(BaseModel):
    """What waivers have to keep to."""

    model_config = ConfigDict(extra="forbid", strict=True)

    longest_days: int = Field(LONGEST_DAYS, ge=1, description="The longest time a waiver may last.")


class ProjectFile(BaseModel):
    """Paths are relative to the file."""

    model_config = ConfigDict(extra="forbid", strict=True, title="A project file of hardener")

    inventory: list[str] = Field([], description="Ansible inventories: -i.")
    profile: str | None = Field(None, description="Name of a profile, or path of a profile file: --profile.")
    waivers: str | None = Field(None, description="File of waivers: --waivers.")
    store: str | None = Field(None, description="SQLite file or database URL: --store.")
    batches: str | None = Field(None, pattern=r"^\d+%?(,\d+%?)*$", description="Sizes of batches: --batches.")
    guard_seconds: int | None = Field(None, ge=10, description="When a target restores itself: --guard-seconds.")
    workers: int | None = Field(None, ge=1, le=512, description="Targets looked at at once: --workers.")
    transport: Literal["auto", "paramiko", "openssh"] | None = Field(None, description="SSH client: --transport.")
    notify: list[str] = Field(
        [],
        description="Whom drift --notify tells: URLs of apprise as $NAME (environment) or file:PATH (a closed file).",
    )
    silent_nights: int | None = Field(
        None, ge=1, description="After how many audits without an answer a target is told as silent: --silent-nights."
    )
    remind_days: int | None = Field(
        None, ge=1, description="After how many days a regression that stands is told again: --remind-days."
    )
    waiver_policy: WaiverPolicy = Field(WaiverPolicy(), description="What waivers have to keep to.")


@dataclass(frozen=True)
class Project:
    """What a project file says; without one, nothing."""

    directory: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """By the name of an option of the command line; paths are absolute."""
    notify: Sequence[Mention] = ()
    longest_days: int = LONGEST_DAYS

    @property
    def identity(self) -> str | None:
        """What its runs are known by: where it really is; ``None`` without a project file."""
        return None if self.directory is None else str(self.directory.resolve())


def find_project(start: Path) -> Path | None:
    """The project file of a directory, or of the nearest one above it."""
    files = (directory / FILE_NAME for directory in (start, *start.parents))
    return next((file for file in files if file.is_file()), None)


def load_project(file: Path) -> Project:
    """What a project file says; ``ConfigError`` with file and line where it is wrong or names what is not there.

    It is refused as well where others could have written it, or the controls, roles, profiles and benchmarks beside it:
    they choose what runs as root.
    """
    refuse_foreign(file, *(file.absolute().parent / name for name in SITE_FOLDERS))
    document = read_document(file.absolute())
    content = validated(document, ProjectFile)
    given = content.model_dump(
        include={"batches", "guard_seconds", "workers", "transport", "silent_nights", "remind_days"}
    )
    given["inventory"] = [_source(document, source) for source in content.inventory] or None
    if content.profile is not None:
        is_path = "/" in content.profile or content.profile.endswith((".yml", ".yaml"))
        given["profile"] = _existing(document, "profile", content.profile) if is_path else content.profile
    if content.waivers is not None:
        given["waivers"] = _existing(document, "waivers", content.waivers)
    if content.store is not None:
        given["store"] = content.store if "://" in content.store else str(document.file.parent / content.store)
    return Project(
        directory=document.file.parent,
        options={name: value for name, value in given.items() if value is not None},
        notify=tuple(
            Mention(position, text, document.file, document.location("notify", position - 1))
            for position, text in enumerate(content.notify, start=1)
        ),
        longest_days=content.waiver_policy.longest_days,
    )


def _source(document: Document, source: str) -> str:
    """An inventory: a list of hosts has a comma, everything else is a path."""
    return source if "," in source else _existing(document, "inventory", source)


def _existing(document: Document, key: str, name: str) -> str:
    path = document.file.parent / name
    if not path.exists():
        raise ConfigError(f"{key}: there is no {path}", location=document.location(key))
    return str(path)


def lay_down(directory: Path) -> Mapping[Path, bool]:
    """Put the files a new site begins with into a directory; each, and whether it was written: none is overwritten.

    Raises ``ConfigError`` where that cannot be done.
    """
    written = {}
    for source in sorted(EXAMPLE.rglob("*.yml")):
        file = directory / source.relative_to(EXAMPLE)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as new:
                new.write(source.read_text("utf-8"))
            written[file] = True
        except FileExistsError:
            written[file] = False
        except OSError as error:
            raise ConfigError(error.strerror or str(error), location=str(file)) from None
    return written


def schema() -> str:
    """The JSON Schema (draft 2020-12) of a project file."""
    generated = ProjectFile.model_json_schema()
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated}
    return json.dumps(body, indent=2, ensure_ascii=True) + "\n"
