"""Judges controls over a host of testinfra, as an audit does over a transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardener.audit import facts_seen, judged
from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.content import roles_directories
from hardener.errors import ConfigError
from hardener.inventory import Sources, read_targets, role_defaults
from hardener.model import Facts, Finding, Outcome, Target
from hardener.plan import Plan, make_plan, with_checked_values
from hardener.selection import Selection


@dataclass(frozen=True)
class _Seen:
    """What is known of a host before any control is judged."""

    facts: Facts | None
    problem: str | None
    plan: Plan


@dataclass(frozen=True)
class Checks:
    """What the hosts are held to; each host is identified once."""

    selection: Selection
    unlisted: Target
    """How a host is judged that no inventory has: by the values of the roles and the profile."""
    targets: Mapping[str, Target] = field(default_factory=dict)
    """By the name the inventory has for it."""
    _seen: dict[Any, _Seen] = field(default_factory=dict)

    @classmethod
    def of(cls, profile: str, *, pattern: str, site: Path | None, inventories: Sequence[str]) -> Checks:
        """Read it; ``HardenerError`` where something is wrong."""
        catalogue = discover(site)
        if not catalogue.matching(pattern):
            raise ConfigError(f"no control is called {pattern!r}", location="--hardener-controls")
        selection = Selection(catalogue, load_profile(profile, catalogue, site), pattern)
        values = selection.profile.parameters
        sources = Sources(roles=roles_directories(site), profile_values=values, inventories=inventories)
        defaults = role_defaults(*sources.roles)
        read = [*read_targets(Sources(roles=sources.roles, profile_values=values))]
        read += read_targets(sources) if inventories else []
        unlisted, *listed = (with_checked_values(selection, target, defaults) for target in read)
        return cls(selection, unlisted, {target.name: target for target in listed})

    def controls(self) -> Sequence[str]:
        """The controls that are selected on any system: which one a host is, nobody knows yet."""
        return [name for name, control in self.selection.catalogue.items() if self.selection.exclusion(control) is None]

    def finding(self, name: str, host: Any) -> Finding:
        """Of one control on a host of testinfra."""
        target = self.targets.get(host.backend.get_hostname(), self.unlisted)
        if (seen := self._seen.get(host.backend)) is None:
            seen = self._seen[host.backend] = self._identified(target, host)
        if seen.problem is not None:
            return Finding(control=name, outcome=Outcome.ERROR, reason=seen.problem)
        for item in seen.plan.exclusions:
            if item.control == name:
                return Finding(control=name, outcome=item.outcome, reason=item.reason)
        return judged(self.selection.catalogue[name], seen.plan.values, seen.facts, host)

    def _identified(self, target: Target, host: Any) -> _Seen:
        facts, problem = facts_seen(host, target, {})
        return _Seen(facts, problem, make_plan(self.selection, target, facts))
