"""The nouns of the tool, in XCCDF's and OSCAL's words: what is required, of whom, what was seen, what was done.

Everything here is a value: frozen, serialisable, and free of any way to reach a host.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, PlainValidator

Values: TypeAlias = Mapping[str, Any]
"""Role variables of one target, fully rendered: ``{"kernel_sysctl": {"kernel.randomize_va_space": 2}}``."""


class Word(BaseModel):
    """Base of every noun: frozen, keyword-only, and intolerant of unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Outcome(StrEnum):
    """XCCDF 1.2 rule results, with their XCCDF meaning."""

    PASS = "pass"
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
        return self in {Outcome.PASS, Outcome.FIXED}

    @property
    def is_unknown(self) -> bool:
        """Whether we could not look; never counted as compliant, and never as a finding."""
        return self in {Outcome.ERROR, Outcome.UNKNOWN}

    @property
    def is_scored(self) -> bool:
        """Whether the outcome counts in a score: what could not be looked at counts, as not compliant."""
        return self.is_compliant or self.is_unknown or self is Outcome.FAIL


class Severity(StrEnum):
    """How much harm a failing control allows."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Disruption(StrEnum):
    """The most a remedy does to a running host."""

    NONE = "none"
    RESTART = "restart"
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


class Become(Word):
    """How to turn into the user that may see everything; the password travels apart, never in a model."""

    user: str = "root"
    method: str = "sudo"


class Connection(Word):
    """How to reach one target, in the words of Ansible's connection variables.

    ``None`` means that the ssh configuration, then ssh's own default, decides.
    """

    kind: str = "ssh"
    """``ssh`` or ``local``."""
    host: str
    port: int | None = None
    user: str | None = None
    private_key_file: str | None = None
    ssh_options: Mapping[str, str] = Field(default_factory=dict)
    """Options of ``ansible_ssh_common_args`` by lower-cased ssh_config name."""
    become: Become | None = None
    python: str | None = None


class Target(Word):
    """One host of the inventory: how to reach it and which values it shall have."""

    name: str
    groups: tuple[str, ...] = ()
    connection: Connection
    values: Mapping[str, Any] = Field(default_factory=dict)
    """Resolved role variables: role defaults < profile < inventory < extra variables."""
    origins: Mapping[str, str] = Field(default_factory=dict)
    """Where a value that is no role default was written: ``sshd_options.maxauthtries`` → ``file:line``."""
    traits: frozenset[Trait] = frozenset()
    """Traits the inventory declares; observed ones are added to them."""


class Facts(Word):
    """What a target says of itself; observed in the same round trip as everything else."""

    platform: Platform
    traits: frozenset[Trait] = frozenset()
    kernel: str
    machine_id: str
    operator: str
    """The account that logged in, before any become."""
    operator_groups: tuple[str, ...] = ()
    is_root: bool
    """Whether the questions were asked as root."""
    has_python: bool


def _bytes_to_json(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _bytes_from_json(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"], validate=True)
    raise ValueError("expected text or {base64: …}")


Output: TypeAlias = Annotated[bytes, PlainSerializer(_bytes_to_json, when_used="json"), PlainValidator(_bytes_from_json)]
"""Bytes a command wrote; text in JSON where it is UTF-8, ``{"base64": …}`` where it is not."""


class Question(Word):
    """One command, quoted and complete, as the target's ``/bin/sh`` receives it."""

    command: str

    def __hash__(self) -> int:
        return hash(self.command)

    @property
    def id(self) -> str:
        """A short digest by which findings name the question."""
        return hashlib.sha256(self.command.encode()).hexdigest()[:16]


class Answer(Word):
    """What one command returned on one target."""

    exit_status: int | None
    """``None`` where the command did not finish: see ``problem``."""
    stdout: Output = b""
    stderr: Output = b""
    problem: str | None = None
    """Why this is no complete answer: ``timed out after 20 s``, ``output exceeded …``, ``connection lost``."""


class Transcript(Word):
    """All answers of one target in one run, by command."""

    answers: Mapping[str, Answer] = Field(default_factory=dict)
    round_trips: int = 0

    def extended(self, answers: Mapping[str, Answer]) -> Transcript:
        """This transcript after one more round trip."""
        return Transcript(answers={**self.answers, **answers}, round_trips=self.round_trips + 1)


class Finding(Word):
    """The outcome of one control on one target."""

    control: str
    outcome: Outcome
    observed: JsonValue = None
    expected: str = ""
    reason: str = ""
    """For a failure: what is not as expected, now or after a reboot. For an error: what could not be looked at."""
    questions: tuple[str, ...] = ()
    """The commands this finding rests on; their answers are in the target's transcript."""


class Exclusion(Word):
    """A control that is not judged on a target, and why."""

    control: str
    outcome: Outcome
    reason: str


class Change(Word):
    """Something the playbook did to a target."""

    role: str
    task: str
    module: str
    subject: str = ""
    """What was changed: a path, a unit, a package, a key."""
    before: str = ""
    after: str = ""


class TargetResult(Word):
    """Everything one run knows of one target."""

    target: str
    facts: Facts | None = None
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    transcript: Transcript = Transcript()
    problem: str | None = None
    """One line: why the target could not be looked at, or not be changed."""
    seconds: float = 0.0
    tasks: int = 0
    """Ansible tasks executed on the target, not counting skipped ones."""

    def count(self, *outcomes: Outcome) -> int:
        """How many findings have one of these outcomes."""
        return sum(finding.outcome in outcomes for finding in self.findings)


class PlannedChange(Word):
    """One control that an apply would remedy on a target."""

    control: str
    role: str
    disruption: Disruption
    observed: JsonValue
    expected: str
    reason: str


class TargetPlan(Word):
    """What an apply would do to one target, and why it would leave the rest alone."""

    target: str
    facts: Facts | None = None
    changes: tuple[PlannedChange, ...] = ()
    for_a_person: tuple[Finding, ...] = ()
    """Failing controls without a remedy, and manual ones."""
    nothing_to_do: tuple[str, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    problem: str | None = None
    """Why nothing would be done at all: not reachable, or the change would lock the operator out."""


class RunKind(StrEnum):
    """What a run set out to do."""

    AUDIT = "audit"
    APPLY = "apply"


class Run(Word):
    """One execution: when, by whom, with what, and everything it saw and did. Immutable."""

    id: str
    kind: RunKind
    started: datetime
    finished: datetime
    operator: str
    tool_version: str
    profile: str
    controls: Mapping[str, ControlRecord]
    """The controls as they were declared when the run was made, by id."""
    results: tuple[TargetResult, ...]
    before: tuple[TargetResult, ...] = ()
    """For an apply: the audit it started from."""


class Score(Word):
    """How many scored controls hold, of how many; what could not be looked at is not held."""

    compliant: int
    scored: int

    @property
    def percent(self) -> float | None:
        """0–100, or ``None`` where nothing was scored; never rounded up to 100."""
        return None if self.scored == 0 else 100.0 * self.compliant / self.scored


def score(findings: Sequence[Finding]) -> Score:
    """The score of some findings: ``pass`` and ``fixed`` of everything scored."""
    scored = [finding for finding in findings if finding.outcome.is_scored]
    return Score(compliant=sum(finding.outcome.is_compliant for finding in scored), scored=len(scored))
