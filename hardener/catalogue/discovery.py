"""Finds every control by looking, into our folder and a site's: no list to keep, and a duplicate id fails at once."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import hardener.controls
from hardener.catalogue.benchmark_files import load_benchmarks
from hardener.catalogue.benchmarks import Benchmark, levels_of, references_of
from hardener.catalogue.control import Control
from hardener.catalogue.site import site_controls
from hardener.errors import ConfigError
from hardener.model import ControlRecord, Target, Values

Agreement: TypeAlias = Callable[[Values, Mapping[str, str]], Values]
"""From a target's values, and where each was written, by label: values of which none contradicts another.

Raises ``ConfigError`` where a site has written two that do.
"""


class Catalogue(dict[str, Control]):
    """All controls by id, in the order of their roles and declarations."""

    agreements: Sequence[Agreement] = ()
    benchmarks: Sequence[Benchmark] = ()

    @cached_property
    def records(self) -> Mapping[str, ControlRecord]:
        """The readable half of each control, with its level and the numbers of benchmarks that it answers."""
        levels, references = levels_of(self.benchmarks), references_of(self.benchmarks)
        return {name: control.record(levels[name], references.get(name, {})) for name, control in self.items()}

    def agreed(self, target: Target, locations: Mapping[str, str]) -> Target:
        """The target with values that agree; ``locations``: where those that are not its own were written, by label."""
        values = target.values
        for agree in self.agreements:
            values = agree(values, {**locations, **target.origins})
        return target.model_copy(update={"values": values})

    def matching(self, pattern: str) -> list[str]:
        """The ids a shell-style pattern names, in catalogue order."""
        return [identifier for identifier in self if fnmatchcase(identifier, pattern)]

    def roles(self) -> list[str]:
        """Every role that has controls, each once."""
        return list(dict.fromkeys(control.role for control in self.values()))


def catalogue_of(declared: Iterable[tuple[str, Iterable[Control]]], benchmarks: Sequence[Benchmark] = ()) -> Catalogue:
    """A catalogue from ``(role, controls)`` pairs; ``ConfigError`` on a duplicate id."""
    catalogue = Catalogue()
    for role, controls in declared:
        for unbound in controls:
            control = replace(unbound, role=role)
            if control.id in catalogue:
                other = catalogue[control.id].role
                raise ConfigError(f"two controls have this id, of the roles {other} and {role}", location=control.id)
            catalogue[control.id] = control
    catalogue.benchmarks = benchmarks
    return catalogue


def discover(site: Path | None = None) -> Catalogue:
    """The catalogue of everything declared in ``hardener.controls``, and in a site's directory; a module is a role.

    Raises ``ConfigError`` where a site's content is wrong, has names of ours, or has a control without a level.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(hardener.controls.__path__))
    modules = {name: importlib.import_module(f"hardener.controls.{name}") for name in names}
    ours = [(name, module.CONTROLS) for name, module in modules.items()]
    places = {name: str(module.__file__) for name, module in modules.items()}
    catalogue = catalogue_of([*ours, *(site_controls(site, places) if site else ())])
    catalogue.agreements = [module.agree for module in modules.values() if hasattr(module, "agree")]
    catalogue.benchmarks = load_benchmarks(catalogue, site)
    levels = levels_of(catalogue.benchmarks)
    for control in catalogue.values():
        if control.id not in levels:
            file = places.get(control.role, f"{site}/controls/{control.role}.py")
            raise ConfigError(f"{control.id} has no level: name it in one of benchmarks/*.yml", location=f"{file}:1")
    return catalogue
