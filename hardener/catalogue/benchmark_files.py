"""Reads the files of benchmarks, ours and a site's, and refuses what they say of controls that are not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import field_validator, model_validator

from hardener.catalogue.benchmarks import (
    Benchmark,
    Form,
    Level,
    NotChosen,
    Recommendation,
    benchmark_named,
    by_number,
    parts_of,
)
from hardener.catalogue.site import named_files
from hardener.documents import Document, read_document, validated
from hardener.errors import ConfigError
from hardener.model import Platform
from hardener.ownership import refuse_foreign
from hardener.platforms import PLATFORMS

BUILT_IN = Path(__file__).parent / "benchmarks"


class _Numbered(Recommendation):
    level: Level
    judged_by: Literal["machine", "person"]


class _BenchmarkFile(Form):
    """What a benchmark's file may say: one of ``recommendations``, ``requirements`` and ``levels``."""

    title: str
    platform: str | None = None
    reference: str | None = None
    not_chosen: Mapping[str, NotChosen] = {}
    recommendations: Mapping[str, _Numbered] = {}
    requirements: Mapping[str, Sequence[str]] = {}
    """Number → controls, where there are no levels."""
    levels: Mapping[str, Level] = {}
    """Control → level, where there are no numbers."""
    adds: Mapping[str, Mapping[str, Sequence[str]]] = {}
    """Another benchmark → number → controls that answer it as well."""

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if sum(map(bool, (self.recommendations, self.requirements, self.levels))) != 1:
            raise ValueError("one of recommendations, requirements and levels is needed, and no two of them")
        if self.platform and not self.recommendations:
            raise ValueError("only recommendations, which have levels, are for a platform")
        return self

    @field_validator("platform")
    @classmethod
    def _is_a_known_platform(cls, name: str | None) -> str | None:
        if name is not None and name not in PLATFORMS:
            raise ValueError(f"the controls are for {' and '.join(PLATFORMS)}")
        return name


_Read = tuple[Document, _BenchmarkFile]


def built_in_families() -> Sequence[str]:
    """Names, without versions, of the benchmarks that come with the tool."""
    return sorted({parts_of(file.stem)[0] for file in BUILT_IN.glob("*.yml")})


def load_benchmarks(controls: Collection[str], site: Path | None = None) -> Sequence[Benchmark]:
    """Every benchmark, those with levels first; ``controls`` are the ids there are.

    Raises ``ConfigError``, with file and line, where one is wrong, or names a control that is not there.
    """
    files = named_files("benchmarks", BUILT_IN, site, error=ConfigError)
    read = [_read_own(file) if file.parent == BUILT_IN else _read_foreign(file) for file in files.values()]
    for document, content in read:
        _refuse_unknown(document, content, controls)
    benchmarks = {name: _benchmark(*item) for name, item in zip(files, read, strict=True)}
    _refuse_shared([(document, benchmarks[name]) for name, (document, _) in zip(files, read, strict=True)])
    for document, content in read:
        for name, answers in content.adds.items():
            chosen = benchmark_named(name, benchmarks.values(), location=document.location("adds", name))
            benchmarks[chosen.name] = _with_more(chosen, answers, document, name)
    return sorted(benchmarks.values(), key=lambda item: not item.has_levels)


def _read(file: Path) -> _Read:
    document = read_document(file)
    return document, validated(document, _BenchmarkFile)


_read_own = lru_cache(_read)


def _read_foreign(file: Path) -> _Read:
    refuse_foreign(file)
    return _read(file)


def _benchmark(document: Document, content: _BenchmarkFile) -> Benchmark:
    name = document.file.stem
    required = {number: Recommendation(controls=ids) for number, ids in content.requirements.items()}
    leveled = {item: Recommendation(level=level, controls=[item]) for item, level in content.levels.items()}
    return Benchmark(
        name=name,
        title=content.title,
        recommendations={**content.recommendations, **required, **leveled},
        reference=None if content.levels else content.reference or name,
        not_chosen=content.not_chosen,
        platform=PLATFORMS[content.platform] if content.platform else None,
    )


def _refuse_unknown(document: Document, content: _BenchmarkFile, controls: Collection[str]) -> None:
    for path, identifier in _named(content):
        if identifier not in controls:
            raise ConfigError(f"no control is called {identifier!r}", location=document.location(*path))


def _named(content: _BenchmarkFile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every control a file names, and where."""
    for way, item in content.not_chosen.items():
        yield ("not_chosen", way, "proven_by"), item.proven_by
    for identifier in content.levels:
        yield ("levels", identifier), identifier
    lists: dict[tuple[str, ...], Sequence[str]] = {
        **{("recommendations", number, "controls"): item.controls for number, item in content.recommendations.items()},
        **{("requirements", number): ids for number, ids in content.requirements.items()},
        **{("adds", name, number): ids for name, answers in content.adds.items() for number, ids in answers.items()},
    }
    for path, ids in lists.items():
        for index, identifier in enumerate(ids):
            yield (*path, index), identifier


def _refuse_shared(read: Iterable[tuple[Document, Benchmark]]) -> None:
    """Two benchmarks under one reference could not be told apart, nor could two different ones for one platform."""
    references: dict[str, Path] = {}
    platforms: dict[Platform, tuple[str, Path]] = {}
    for document, benchmark in read:
        if benchmark.reference is not None:
            other = references.setdefault(benchmark.reference, document.file)
            if other != document.file:
                message = f"{other} has the reference {benchmark.reference!r} already: give it another"
                raise ConfigError(message, location=document.location("reference"))
        if benchmark.platform is not None:
            family, other = platforms.setdefault(benchmark.platform, (benchmark.family, document.file))
            if family != benchmark.family:
                message = (
                    f"{other} is for {benchmark.platform} already: leave it out here, and name this one in profiles"
                )
                raise ConfigError(message, location=document.location("platform"))


def _with_more(benchmark: Benchmark, answers: Mapping[str, Sequence[str]], document: Document, name: str) -> Benchmark:
    """The benchmark with further controls, and with further numbers where it lists only those that are answered."""
    whole = dict(benchmark.recommendations)
    for number, ids in answers.items():
        if benchmark.has_levels and number not in whole:
            location = document.location("adds", name, number)
            raise ConfigError(f"{benchmark.name} has no number {number!r}", location=location)
        item = whole.get(number, Recommendation())
        whole[number] = item.model_copy(update={"controls": [*dict.fromkeys([*item.controls, *ids])]})
    numbers = whole if benchmark.has_levels else sorted(whole, key=by_number)
    return replace(benchmark, recommendations={number: whole[number] for number in numbers})
