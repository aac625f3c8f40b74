"""Finds every control by looking into ``hardener.controls``: no list to keep, and a duplicate id fails at once."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

import hardener.controls
from hardener.catalogue.control import Control


class Catalogue(dict[str, Control]):
    """All controls by id, in the order of their roles and declarations."""

    def matching(self, pattern: str) -> list[str]:
        """The ids a shell-style pattern names, in catalogue order."""
        return [identifier for identifier in self if fnmatchcase(identifier, pattern)]

    def roles(self) -> list[str]:
        """Every role that has controls, each once."""
        return list(dict.fromkeys(control.role for control in self.values()))


def catalogue_of(declared: Iterable[tuple[str, Iterable[Control]]]) -> Catalogue:
    """A catalogue from ``(role, controls)`` pairs; ``ValueError`` on a duplicate id."""
    catalogue = Catalogue()
    for role, controls in declared:
        for unbound in controls:
            control = replace(unbound, role=role)
            if control.id in catalogue:
                raise ValueError(f"two controls have the id {control.id}")
            catalogue[control.id] = control
    return catalogue


def discover() -> Catalogue:
    """The catalogue of everything declared in ``hardener.controls``; the module's name is the role's."""
    names = sorted(module.name for module in pkgutil.iter_modules(hardener.controls.__path__))
    modules = [(name, importlib.import_module(f"hardener.controls.{name}")) for name in names]
    return catalogue_of((name, module.CONTROLS) for name, module in modules)
