"""Runs told to someone: one module for each format, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol, cast

from hardener.errors import HardenerError
from hardener.model import Run


class Format(Protocol):
    """What makes a module of this package a format."""

    def render(self, run: Run) -> str:
        """The whole run as text; the same run gives the same text."""


def formats() -> list[str]:
    """The names of all formats, the one for people first."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if _format(module.name)]
    return sorted(names, key=lambda name: (name != "table", name))


def render(run: Run, format: str) -> str:  # noqa: A002  (what people type: --format)
    """A run in one format; ``HardenerError`` where there is no such format."""
    if format not in formats():
        raise HardenerError(f"{format!r} is not one of {', '.join(formats())}")
    return cast(Format, _format(format)).render(run)


def _format(name: str) -> Format | None:
    module = importlib.import_module(f"{__name__}.{name}")
    return cast(Format, module) if hasattr(module, "render") else None
