"""What recipients are told: each alert once, until it is over or worse; and again what stands for long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hardener.model.drift import DriftKind
from hardener.model.finding import Finding
from hardener.model.requirement import Severity
from hardener.model.word import Word


class Alert(Word):
    """A control that regressed on a target, or a target that is silent."""

    target: str
    control: str | None = None
    """``None`` where the whole target is silent."""
    kind: DriftKind = DriftKind.REGRESSED
    """Of a regression, as it was told last."""
    machine_id: str = ""
    profile: str = ""
    """Of the audits that see it; empty where an earlier version did not keep it."""
    run: str
    """The audit it is from."""
    told: datetime | None = None
    """When the audit started with which it was told last, be it as a reminder; ``None`` where it was not, yet."""
    title: str = ""
    severity: Severity = Severity.HIGH
    before: Finding | None = None
    after: Finding | None = None
    least: Finding | None = None
    """The least bad that was seen since it was told: what is worse than that is told anew."""
    since: datetime | None = None
    """Since when it fails; of a silent target, when it was last seen completely, if ever."""
    reason: str = ""
    remedy: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What it is about; an alert about the same takes its place."""
        return self.target, self.control or ""


class Seen(Word):
    """What one audit knows about what may have been told."""

    run: str
    findings: Mapping[str, Mapping[str, Finding]] = {}
    """By target and control, what was last seen there."""
    silent: Mapping[str, datetime | None] = {}
    """The targets that have been silent for long enough; when each was last seen completely, if ever."""


class News(Word):
    """What one recipient has to be told, and what it knows once it has been."""

    run: str
    started: datetime
    regressed: tuple[Alert, ...] = ()
    worse: tuple[Alert, ...] = ()
    """What failed already; ``before`` is what was known of it."""
    recovered: tuple[Alert, ...] = ()
    """What was told and is over; ``after`` is what is seen now."""
    silent: tuple[Alert, ...] = ()
    standing: tuple[Alert, ...] = ()
    """What was told, is not over, and is to be told again as a reminder."""
    known: tuple[Alert, ...] = ()
    """Everything that is told by then, and is not over."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.regressed or self.worse or self.recovered or self.silent or self.standing)


class Message(Word):
    """What a recipient reads."""

    subject: str
    body: str
