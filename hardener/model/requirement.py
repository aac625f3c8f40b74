"""What is required: outcomes, severities, platforms and traits, and the readable half of a control."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

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

    id: str
    title: str
    why: str
    role: str
    level: int
    severity: Severity
    disruption: Disruption
    references: Mapping[str, tuple[str, ...]]
    remedy: str
    """In one sentence: what the role does, or why no role does anything."""
    is_remediable: bool
    is_manual: bool
