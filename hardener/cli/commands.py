"""Where the commands are. A command's module is imported when it is called, so that none pays for what others need."""

from __future__ import annotations

import importlib
from collections import UserDict
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

PLACES: Mapping[str, str] = {
    "init": "project.init",
    "audit": "flows.audit",
    "plan": "flows.plan",
    "apply": "flows.apply",
    "rollback": "rollback.rollback",
    "drift": "drift.drift",
    "report": "runs.report",
    "runs": "runs.app",
    "baseline": "baselines.app",
    "notify": "telling.app",
    "store": "store.app",
    "schedule": "schedule.app",
    "evidence": "evidence.app",
    "waivers": "waivers.app",
    "controls": "controls.app",
    "lab": "lab.app",
}
"""The commands and groups of commands, as the help lists them → module of this package, and name in it."""


class _Loaded(UserDict[str, Any]):
    """What ``PLACES`` names, by command, once it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if isinstance(self.data[name], str):
            self.data[name] = _load(name, self.data[name])
        return self.data[name]


def _load(name: str, place: str) -> Any:
    module, attribute = place.split(".")
    found = getattr(importlib.import_module(f"hardener.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return get_group(found)
    alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name)(found)
    return get_group(alone).commands[name]


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Loaded(PLACES)

    def list_commands(self, _context: object) -> list[str]:
        """Their names, without loading any."""
        return list(self.commands)
