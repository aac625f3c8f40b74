"""What is required: outcomes, severities, platforms and traits, and the readable half of a control."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from hardener.model.names import Name
from hardener.model.scope import Scope
from hardener.model.word import Word


class Outcome(StrEnum):
    """XCCDF 1.2 rule results, with their XCCDF meaning."""

    PASS = "pass"  # noqa: S105  (an outcome)
    FAIL = "fail"
    ERROR = "error"
    UNKNOWN = "unknown"
    NOTAPPLICABLE = "notapplicable"
    NOTCHECKED = "notchecked"
    NOTSELECTED = "notselected"
    INFORMATIONAL = "informational"
    FIXED = "fixed"

    @property
    def is_compliant(self) -> bool:
        """Whether the control holds now."""
        return self in _COMPLIANT

    @property
    def is_unknown(self) -> bool:
        """Whether we could not look; never counted as compliant, and never as a finding."""
        return self in _UNKNOWN

    @property
    def is_scored(self) -> bool:
        """Whether the outcome counts in a score: what could not be looked at counts, as not compliant."""
        return self in _SCORED


_COMPLIANT = frozenset({Outcome.PASS, Outcome.FIXED})
_UNKNOWN = frozenset({Outcome.ERROR, Outcome.UNKNOWN})
_SCORED = _COMPLIANT | _UNKNOWN | {Outcome.FAIL}


class Severity(StrEnum):
    """How much harm a failing control allows."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Disruption(StrEnum):
    """The most a remedy does to a running host."""

    NONE = "none"
    RESTART = "restart"
    REMOVAL = "removal"
    REBOOT = "reboot"
    LOCKOUT = "lockout"


class Trait(StrEnum):
    """Facts about a host that change what applies to it."""

    CONTAINER = "container"
    VM = "vm"
    KUBERNETES_WORKER = "kubernetes-worker"
    KUBERNETES_CONTROL_PLANE = "kubernetes-control-plane"
    CONTAINER_HOST = "container-host"
    GUI = "gui"


class Platform(Word):
    """OS family and release, as os-release names them: ``Platform(family="debian", release="12")``."""

    family: str
    release: str

    def __str__(self) -> str:
        return f"{self.family} {self.release}"


class ControlRecord(Word):
    """The readable half of a control, as runs and reports keep it: everything but the code that observes."""

    id: Name
    title: str
    why: str
    role: Name
    level: int
    severity: Severity
    disruption: Disruption
    references: Mapping[str, tuple[str, ...]]
    remedy: str
    """In one sentence: what the role does, or why no role does anything."""
    is_remediable: bool
    is_manual: bool


class Standing(StrEnum):
    """How a requirement of somebody else's is met; of several the first in this order is that of them all."""

    NOT_MET = "not met"
    NOT_KNOWN = "not known"
    """A control that answers it could not be looked at, or nobody asked for it."""
    FOR_A_PERSON = "for a person"
    """The evidence is there; a machine cannot judge it."""
    ACCEPTED = "accepted"
    """Fails, and waivers cover it."""
    MET = "met"
    NOT_APPLICABLE = "not applicable"


class Requirement(Word):
    """One requirement of a framework over all targets of a run."""

    number: str
    standing: Standing
    targets: Mapping[Standing, int] = {}
    """How many targets stand so."""
    controls: tuple[str, ...] = ()
    """The controls that answer it."""
    failing: tuple[str, ...] = ()
    """Those of them that fail on some target."""
    unseen: tuple[str, ...] = ()
    """Those of them that were not looked at on some target."""
    note: str = ""


class Requirements(Word):
    """A run by the requirements of one framework."""

    run: str
    started: datetime
    profile: str
    framework: str
    targets: int
    scope: Scope
    requirements: tuple[Requirement, ...]
