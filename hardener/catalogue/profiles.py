"""Profiles: named selections of controls plus values; one that extends another only adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from hardener.catalogue.discovery import Catalogue
from hardener.catalogue.site import named_files
from hardener.documents import Document, merged, read_document, validated
from hardener.errors import ProfileError
from hardener.model import ControlRecord
from hardener.ownership import refuse_foreign

BUILT_IN = Path(__file__).parent / "profiles"
DEFAULT_PROFILE = "cis-level1"


class _ProfileFile(BaseModel):
    """What a profile's file may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str
    extends: str | None = None
    levels: list[int] = []
    controls: list[str] = []
    parameters: dict[str, Any] = {}


@dataclass(frozen=True)
class Profile:
    """A resolved chain of profiles."""

    name: str
    title: str
    levels: frozenset[int] = frozenset()
    controls: frozenset[str] = frozenset()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Role variables it sets; laid over the roles' defaults key by key."""
    locations: Mapping[str, str] = field(default_factory=dict)
    """Variable → ``file:line``."""

    def selects(self, control: ControlRecord) -> bool:
        """Whether the chain names the control, by its level or its id."""
        return control.level in self.levels or control.id in self.controls


def built_in_profiles() -> Sequence[str]:
    """Names of the profiles that come with the tool."""
    return [*_files(None)]


def load_profile(name: str, catalogue: Catalogue, site: Path | None = None) -> Profile:
    """A profile by name or by path, with all it extends; ``ProfileError`` names file and line.

    The profiles of a site's directory have names as ours have.
    """
    named = _files(site)
    return _load(_file_of(name, named, Path(), location=name), catalogue, named, ())


def _files(site: Path | None) -> Mapping[str, Path]:
    return named_files("profiles", BUILT_IN, site, error=ProfileError)


def _file_of(name: str, named: Mapping[str, Path], beside: Path, *, location: str) -> Path:
    """The file a profile's name means: a path where it looks like one, else a profile that has a name."""
    if "/" in name or name.endswith((".yml", ".yaml")):
        return beside / name
    if name not in named:
        raise ProfileError(f"no profile {name!r}; there are {', '.join(sorted(named))}", location=location)
    return named[name]


def _load(file: Path, catalogue: Catalogue, named: Mapping[str, Path], below: tuple[Path, ...]) -> Profile:
    if file.parent != BUILT_IN:
        refuse_foreign(file, error=ProfileError)
    document = read_document(file, error=ProfileError)
    content = validated(document, _ProfileFile, error=ProfileError)
    if file.resolve() in below:
        raise ProfileError("a profile cannot extend itself", location=document.location("extends"))
    base = Profile(name="", title="")
    if content.extends is not None:
        parent = _file_of(content.extends, named, file.parent, location=document.location("extends"))
        base = _load(parent, catalogue, named, (*below, file.resolve()))
    return Profile(
        name=file.stem,
        title=content.title,
        levels=base.levels | set(content.levels),
        controls=base.controls | _named_controls(document, content, catalogue),
        parameters=merged(base.parameters, _known_parameters(document, content, catalogue)),
        locations={**base.locations, **{name: document.location("parameters", name) for name in content.parameters}},
    )


def _named_controls(document: Document, content: _ProfileFile, catalogue: Catalogue) -> set[str]:
    named: set[str] = set()
    for index, pattern in enumerate(content.controls):
        ids = catalogue.matching(pattern)
        if not ids:
            raise ProfileError(f"no control is called {pattern!r}", location=document.location("controls", index))
        named.update(ids)
    return named


def _known_parameters(document: Document, content: _ProfileFile, catalogue: Catalogue) -> Mapping[str, Any]:
    variables = {parameter.variable(item.role) for item in catalogue.values() for parameter in item.parameters}
    for name in content.parameters:
        if name not in variables:
            raise ProfileError(f"no control has the parameter {name!r}", location=document.location("parameters", name))
    return content.parameters
