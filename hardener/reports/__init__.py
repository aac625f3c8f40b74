"""Runs told to someone, piece by piece: one module for each format, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import Protocol, cast

from hardener.errors import HardenerError
from hardener.model import Run, TargetResult


class Format(Protocol):
    """What makes a module of this package a format.

    A module may also say ``TELLS_BEFORE = True``: it tells the audit an apply started from, ``run.before``; and
    ``IS_BINARY = True``: what it gives is no text.
    """

    def render(self, run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
        """The run in pieces; the same run gives the same bytes.

        ``results`` come one by one, in the order of targets, and are all that counts: ``run.results`` is not looked at.
        """


def formats() -> list[str]:
    """The names of all formats, the one for people first."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if _format(module.name)]
    return sorted(names, key=lambda name: (name != "table", name))


def render(
    run: Run,
    results: Iterable[TargetResult],
    format: str,  # noqa: A002  (what people type: --format)
) -> Iterator[bytes]:
    """A run in one format; ``HardenerError`` where there is no such format. Of ``results`` see ``Format``."""
    return _known(format).render(run, results)


def tells_before(format: str) -> bool:  # noqa: A002
    """Whether a format tells the audit an apply started from, and so needs it in the run."""
    return bool(getattr(_known(format), "TELLS_BEFORE", False))


def is_binary(format: str) -> bool:  # noqa: A002
    """Whether what a format gives is no text."""
    return bool(getattr(_known(format), "IS_BINARY", False))


def _known(name: str) -> Format:
    if name not in formats():
        raise HardenerError(f"{name!r} is not one of {', '.join(formats())}")
    return cast(Format, _format(name))


def _format(name: str) -> Format | None:
    module = importlib.import_module(f"{__name__}.{name}")
    return cast(Format, module) if hasattr(module, "render") else None
