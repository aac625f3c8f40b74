"""A control: one requirement, how to observe it, what is acceptable, and how to break it for the proof."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol, Required, TypeAlias, TypedDict

from pydantic import JsonValue

from hardener.catalogue.expectations import Expectation
from hardener.model import ControlRecord, Disruption, Facts, HeldBack, Severity, Trait, Values

DEBIAN = frozenset({"debian"})
"""Debian, and what is made from it."""


class CommandResult(Protocol):
    """What testinfra's ``host.run`` returns."""

    @property
    def rc(self) -> int: ...  # noqa: D102
    @property
    def stdout(self) -> str: ...  # noqa: D102
    @property
    def stderr(self) -> str: ...  # noqa: D102


class Host(Protocol):
    """The part of testinfra's ``Host`` that our probes use; any testinfra host is one."""

    def run(self, command: str, *args: str, seconds: int | None = None) -> CommandResult:
        """Run a command; every ``%s`` in it is replaced by the next argument, quoted.

        ``seconds``: longest time it may take, where that is not the usual one.
        """


class NotApplicable(Exception):
    """Raised by ``observe`` where the host has nothing the control could be about; its text says why."""


class CouldNotLook(Exception):
    """Raised by ``observe`` where a command failed and nothing can be said; its text says what failed."""


def command(template: str, *args: object) -> str:
    """A shell command whose every ``%s`` is replaced by the next argument, quoted."""
    return template % tuple(shlex.quote(str(argument)) for argument in args)


def value_at(values: Values, path: Sequence[str]) -> Any:
    """The item at a path of role variables; ``KeyError`` with the dotted path where there is none."""
    item: Any = values
    try:
        for key in path:
            item = item[key]
    except (KeyError, TypeError):  # no such key, or a text or a list that has none
        raise KeyError(".".join(path)) from None
    return item


@dataclass(frozen=True)
class Parameter:
    """One tunable acceptable value: the item at ``path`` of the role's variable ``<role>_<name>``.

    ``judge`` turns the resolved value into the expectation for an observed value. The same judge, given the role's
    default, says which values a site may choose: those that a host could have and still pass by the book.
    """

    name: str
    path: tuple[str, ...]
    judge: Callable[[Any], Expectation]
    is_secret: bool = False
    """Whether its value is kept out of runs: they hold that there is one, and not which."""

    def variable(self, role: str) -> str:
        """The role variable it lives in."""
        return f"{role}_{self.name}"

    def label(self, role: str) -> str:
        """How messages name it: ``sshd_options.maxauthtries``."""
        return ".".join((self.variable(role), *self.path))

    def value(self, role: str, values: Values) -> Any:
        """Its value among a target's resolved values; ``KeyError`` with its label where there is none."""
        return value_at(values, (self.variable(role), *self.path))


@dataclass(frozen=True)
class Violation:
    """How to break a control on a lab node, for the proof that it can fail.

    ``undo`` is for controls no role remedies: it brings back what the violation took.
    """

    commands: Sequence[str]
    undo: Sequence[str] = ()


Hazard: TypeAlias = Callable[[Host, Facts, Values], HeldBack | None]
"""Asks a host, as ``observe`` does, whether a remedy would harm it or cannot be done there."""


class Declared(TypedDict, total=False):
    """What every declaration says, whatever its kind."""

    title: Required[str]
    why: Required[str]
    severity: Required[Severity]
    disruption: Disruption
    platforms: frozenset[str]
    needs: frozenset[Trait]
    unless: Mapping[Trait, str]
    chosen: Mapping[str, str]
    enables: Sequence[str]
    needs_root: bool
    needs_walk: bool
    hazards: Sequence[Hazard]


def only_on(names: Iterable[str]) -> str:
    """That something applies there alone."""
    return f"only on {' or '.join(sorted(names))}"


@dataclass(frozen=True, kw_only=True)
class Control:
    """One requirement. ``role`` is bound by discovery, from the name of the module that declares it."""

    subject: str
    title: str
    why: str
    severity: Severity
    observe: Callable[[Host], JsonValue]
    """Asks the host, returns what it saw; never judges."""
    expect: Callable[[Sequence[Any]], Expectation] | None
    """From the values of ``parameters``, in their order; ``None`` makes the control a manual one."""
    parameters: Sequence[Parameter] = ()
    remedy: str
    """One sentence: what the role does, or why no role does anything."""
    is_remediable: bool = True
    disruption: Disruption = Disruption.NONE
    platforms: frozenset[str] = DEBIAN
    """The systems, and the families of such, on which it applies: their names in ``hardener.platforms``."""
    needs: frozenset[Trait] = frozenset()
    """Traits without any of which it does not apply; none for a control that asks for no trait."""
    unless: Mapping[Trait, str] = field(default_factory=dict)
    """Traits with which the control does not apply, each with its reason."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """Where a site can do it one way or another: the item of a role variable → the way this control is about.

    ``{"logging_choice.system": "rsyslog"}``: it applies only where rsyslog is the way chosen.
    """
    enables: Sequence[str] = ()
    """Shell-style patterns of the controls whose remedies need this one to hold: it is selected with any of them, and
    they are left to a person where it fails and is not remedied with them."""
    needs_root: bool = False
    needs_walk: bool = False
    """Whether it rests on the walk of all local files, which an operator may skip."""
    violation: Violation | None = None
    """``None`` only for manual controls."""
    hazards: Sequence[Hazard] = ()
    """What speaks against its remedy on some hosts: the first that does holds it back there."""
    role: str = ""

    @property
    def id(self) -> str:
        """``<role>-<subject>``, for ever."""
        return f"{self.role}-{self.subject}"

    @property
    def only_on(self) -> Sequence[str]:
        """Where alone it applies, a sentence each: systems that not all controls are about, and traits it needs."""
        systems = self.platforms if self.platforms != DEBIAN else ()
        return [only_on(names) for names in (systems, self.needs) if names]

    @property
    def is_manual(self) -> bool:
        """Whether a person decides, from the evidence gathered."""
        return self.expect is None

    def is_needed_by(self, identifier: str) -> bool:
        """Whether the remedy of the control of this id needs this one to hold."""
        return any(fnmatchcase(identifier, pattern) for pattern in self.enables)

    def expectation(self, values: Values) -> Expectation | None:
        """What is acceptable on a target with these resolved values; ``None`` for a manual control."""
        if self.expect is None:
            return None
        return self.expect([parameter.value(self.role, values) for parameter in self.parameters])

    def record(self, level: int, references: Mapping[str, tuple[str, ...]]) -> ControlRecord:
        """The readable half, for runs and reports, with what benchmarks say of it."""
        return ControlRecord(
            id=self.id,
            title=self.title,
            why=self.why,
            role=self.role,
            level=level,
            severity=self.severity,
            disruption=self.disruption,
            references=references,
            remedy=self.remedy,
            is_remediable=self.is_remediable,
            is_manual=self.is_manual,
        )
