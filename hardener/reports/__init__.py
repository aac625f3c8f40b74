"""Runs told to someone, piece by piece: one module for each format, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, cast

from hardener.errors import HardenerError
from hardener.model import Run, RunScore, TargetResult


class Format(Protocol):
    """What makes a module of this package a format.

    A module may also say ``TELLS_BEFORE = True``: it tells the audit an apply started from, ``run.before``; and
    ``IS_BINARY = True``: what it gives is no text. One with a function ``parts`` is a ``SplitFormat``.
    """

    def render(self, run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
        """The run in pieces; the same run gives the same bytes.

        ``results`` come one by one, in the order of targets, and are all that counts: ``run.results`` is not looked at.
        """


class SplitFormat(Format, Protocol):
    """A format that tells how runs went on, and becomes several files where one would be too large.

    ``trend`` are earlier runs of the same controls and the run itself, the newest last; nothing where nobody knows.
    """

    def render(self, run: Run, results: Iterable[TargetResult], trend: Sequence[RunScore] = ()) -> Iterator[bytes]:
        """The run in one file, however large."""

    def parts(
        self, run: Run, results: Iterable[TargetResult], trend: Sequence[RunScore], name: str
    ) -> Iterator[tuple[str, bytes]]:
        """The run as files, by their paths beside each other, the last one called ``name``.

        The others lie in one folder, and there are none where one file is enough.
        """


def formats() -> list[str]:
    """The names of all formats, the one for people first."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if _format(module.name)]
    return sorted(names, key=lambda name: (name != "table", name))


def render(
    run: Run,
    results: Iterable[TargetResult],
    format: str,  # noqa: A002  (what people type: --format)
    trend: Sequence[RunScore] = (),
) -> Iterator[bytes]:
    """A run in one format; ``HardenerError`` where there is no such format. Of ``results`` see ``Format``.

    ``trend`` is told by a ``SplitFormat``.
    """
    if has_parts(format):
        return cast(SplitFormat, _known(format)).render(run, results, trend)
    return _known(format).render(run, results)


def tells_before(format: str) -> bool:  # noqa: A002
    """Whether a format tells the audit an apply started from, and so needs it in the run."""
    return bool(getattr(_known(format), "TELLS_BEFORE", False))


def is_binary(format: str) -> bool:  # noqa: A002
    """Whether what a format gives is no text."""
    return bool(getattr(_known(format), "IS_BINARY", False))


def has_parts(format: str) -> bool:  # noqa: A002
    """Whether a format is told by ``parts`` where it goes into files."""
    return hasattr(_known(format), "parts")


def parts(
    run: Run,
    results: Iterable[TargetResult],
    trend: Sequence[RunScore],
    format: str,  # noqa: A002
    name: str,
) -> Iterator[tuple[str, bytes]]:
    """A run as files, in a format that ``has_parts``; see ``SplitFormat``."""
    return cast(SplitFormat, _known(format)).parts(run, results, trend, name)


def _known(name: str) -> Format:
    if name not in formats():
        raise HardenerError(f"{name!r} is not one of {', '.join(formats())}")
    return cast(Format, _format(name))


def _format(name: str) -> Format | None:
    module = importlib.import_module(f"{__name__}.{name}")
    return cast(Format, module) if hasattr(module, "render") else None
