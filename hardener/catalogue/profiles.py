"""Profiles: named selections of controls plus values; one that extends another only adds to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from hardener.catalogue.benchmarks import Benchmark, Recommendation, benchmark_named, levels_of, of_platforms
from hardener.catalogue.discovery import Catalogue
from hardener.catalogue.site import named_files
from hardener.documents import Document, merged, read_document, validated
from hardener.errors import ProfileError
from hardener.model import Platform
from hardener.ownership import refuse_foreign
from hardener.platforms import KNOWN

BUILT_IN = Path(__file__).parent / "profiles"
DEFAULT_PROFILE = "cis-level1"


class _ProfileFile(BaseModel):
    """What a profile's file may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str
    extends: str | None = None
    benchmark: str | None = None
    levels: list[int] = []
    controls: list[str] = []
    parameters: dict[str, Any] = {}


@dataclass(frozen=True)
class Part:
    """What a profile takes of a benchmark."""

    benchmark: Benchmark
    levels: frozenset[int] | None = None
    """``None`` for all of it."""
    platform: Platform | None = None
    """The system on which it counts; ``None`` for every target."""

    def takes(self, item: Recommendation) -> bool:
        """Whether the profile asks for what is recommended there."""
        return self.levels is None or item.level in self.levels

    @cached_property
    def controls(self) -> frozenset[str]:
        """The controls it asks for."""
        items = self.benchmark.recommendations.values()
        return frozenset(name for item in items if self.takes(item) for name in item.controls)


@dataclass(frozen=True)
class Profile:
    """A resolved chain of profiles."""

    name: str
    title: str
    parts: Sequence[Part] = ()
    controls: frozenset[str] = frozenset()
    """Those it names itself."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Role variables it sets; laid over the roles' defaults key by key."""
    locations: Mapping[str, str] = field(default_factory=dict)
    """Variable → ``file:line``."""

    def parts_on(self, platform: Platform | None) -> Sequence[Part]:
        """What counts on a system; on one that is not known, or not yet, everything that counts on any."""
        if platform not in KNOWN:
            return self.parts
        return [part for part in self.parts if part.platform in {None, platform}]

    def selected(self, platform: Platform | None) -> frozenset[str]:
        """The controls that the chain names, or that a benchmark asks for on a level it names."""
        return self.controls.union(*(part.controls for part in self.parts_on(platform)))

    def why_not(self, control: str, platform: Platform | None) -> str:
        """Why it does not select a control on a system."""
        benchmarks = {part.benchmark.name: part.benchmark for part in self.parts_on(platform)}
        levels = levels_of(benchmarks.values())
        if control in levels:
            return f"level {levels[control]} is not in profile {self.name}"
        return f"no number of {' or '.join(benchmarks)} asks for it" if benchmarks else f"not in profile {self.name}"


def built_in_profiles() -> Sequence[str]:
    """Names of the profiles that come with the tool."""
    return [*_files(None)]


def load_profile(name: str, catalogue: Catalogue, site: Path | None = None) -> Profile:
    """A profile by name or by path, with all it extends; ``ProfileError`` names file and line.

    The profiles of a site's directory have names as ours have.
    """
    named = _files(site)
    return _load(_file_of(name, named, Path(), location=name), catalogue, named, ())


def of_levels(levels: Iterable[int], benchmarks: Iterable[Benchmark]) -> Sequence[Part]:
    """Some levels of whichever benchmark is the target's own."""
    wanted = frozenset(levels)
    return [Part(item, wanted, platform) for platform, item in of_platforms(benchmarks).items()]


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
        parts=_joined([*base.parts, *_parts(document, content, catalogue.benchmarks)]),
        controls=base.controls | _named_controls(document, content, catalogue),
        parameters=merged(base.parameters, _known_parameters(document, content, catalogue)),
        locations={**base.locations, **{name: document.location("parameters", name) for name in content.parameters}},
    )


def _parts(document: Document, content: _ProfileFile, benchmarks: Sequence[Benchmark]) -> Sequence[Part]:
    """The levels of a benchmark that is named, or all of it; without a name, those of the target's own."""
    asked = benchmarks
    if content.benchmark is not None:
        location = document.location("benchmark")
        asked = [benchmark_named(content.benchmark, benchmarks, location=location, error=ProfileError)]
    known = {item.level for benchmark in asked for item in benchmark.recommendations.values()}
    for index, level in enumerate(content.levels):
        if level not in known:
            names = " or ".join(item.name for item in asked)
            raise ProfileError(f"there is no level {level} in {names}", location=document.location("levels", index))
    if content.benchmark is None:
        return of_levels(content.levels, benchmarks) if content.levels else ()
    return [Part(item, frozenset(content.levels) or None) for item in asked]


def _joined(parts: Iterable[Part]) -> Sequence[Part]:
    """Each benchmark once, with all that is taken of it."""
    joined: dict[tuple[str, Platform | None], Part] = {}
    for part in parts:
        other = joined.setdefault((part.benchmark.name, part.platform), part)
        levels = None if part.levels is None or other.levels is None else part.levels | other.levels
        joined[part.benchmark.name, part.platform] = replace(part, levels=levels)
    return [*joined.values()]


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
