"""What was found and done: findings, changes, plans and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from hardener.model.evidence import Transcript
from hardener.model.finding import Exclusion, Finding
from hardener.model.names import Name, NameOrNone, RunId
from hardener.model.requirement import ControlRecord, Disruption, Outcome
from hardener.model.scope import Scope
from hardener.model.target import Access, Facts
from hardener.model.waiver import Waiver
from hardener.model.word import Word


class ChangeKind(StrEnum):
    """What a change is about; each says what its ``subject``, ``before`` and ``after`` hold."""

    SETTING = "setting"
    """One ``key`` of the file ``subject``; the whole line, empty where there is none."""
    FILE = "file"
    """A whole file; its text."""
    ATTRIBUTES = "attributes"
    """A file's or directory's mode, owner and group: ``0644 root root``."""
    UNIT = "unit"
    """A systemd unit: ``enabled, active``; afterwards also ``restarted`` or ``reloaded``."""
    PACKAGE = "package"
    """A version, or ``absent``."""
    SYSCTL = "sysctl"
    """The live value of a kernel setting."""
    MOUNT = "mount"
    """The live options of a mount point."""
    MODULE = "module"
    """A kernel module: ``loaded``."""
    GROUP = "group"
    """A group: ``absent``, ``present``."""
    RULESET = "ruleset"
    """Rules that the kernel has loaded: those of audit, a table of nftables."""
    ACTION = "action"
    """What is none of these, such as a menu made anew."""


SIGNALS = {"restarted", "reloaded"}
"""What is done to a unit that runs, and leaves no trace in its state."""


class Change(Word):
    r"""One item of a target that the playbook changes, or would change.

    Bytes that are no UTF-8, those of characters that cannot be seen, but for newlines and tabs in ``before`` and
    ``after``, and backslashes that would read like them are escaped as ``\xHH``: no two texts read alike.
    """

    role: NameOrNone
    task: str
    module: str
    kind: ChangeKind = ChangeKind.ACTION
    subject: str = ""
    """What is changed: a path, a unit, a package, a kernel setting."""
    key: str = ""
    """Of a setting: the key within the file."""
    before: str = ""
    after: str = ""
    conditional: bool = False
    """In a plan: rests on something that only this run brings, a package mostly, and may turn out to be needless."""
    controls: tuple[Name, ...] = ()
    """The controls it is made for."""

    @property
    def words(self) -> str:
        """One line: ``unit cups.service: enabled, active -> masked, inactive``; of longer texts their length."""
        named = f"{self.kind.value} {self.subject}{f' [{self.key}]' if self.key else ''}"
        return f"{named}: {_short(self.before)} -> {_short(self.after)}"


def _short(text: str) -> str:
    lines = text.splitlines()
    return f"{len(lines)} lines" if len(lines) > 1 else "".join(lines) or "nothing"


class FileWalk(Word):
    """The walk of all local files that some findings rest on."""

    started: datetime
    """When the connection stood on which it was asked for."""
    seconds: float | None
    """How long it took, where the target could tell."""
    directories: tuple[str, ...]
    """Where it started: the mount points of local disks."""


class CheckpointState(StrEnum):
    """What became of the checkpoint that was taken before a run touched a target."""

    RELEASED = "released"
    """A fresh connection proved access: the changes stay, and can be rolled back."""
    RESTORED = "restored"
    """Everything was brought back."""


class TargetResult(Word):
    """Everything one run knows of one target."""

    target: Name
    groups: tuple[Name, ...] = ()
    """The groups of the inventory it was in when the run was made."""
    access: Access | None = None
    """``None`` where nobody got in."""
    facts: Facts | None = None
    values: Mapping[str, JsonValue] = {}
    """By label, what is acceptable here otherwise than by the role's default; a secret is masked."""
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    transcript: Transcript = Transcript()
    problem: str | None = None
    """One line: why the target could not be looked at, or not be changed."""
    is_our_fault: bool = False
    """Whether the problem is a fault of this program, and no trouble of the target's."""
    seconds: float = 0.0
    walk: FileWalk | None = None
    """``None`` where it was skipped, or did not come to its end."""
    tasks: int = 0
    """Ansible tasks executed on the target, not counting skipped ones."""
    checkpoint: CheckpointState | None = None
    """``None`` where this run did not touch the target."""
    left_as_is: tuple[str, ...] = ()
    """What an apply could not change safely, a sentence each: others could have misled it, or it cannot be reached."""

    def count(self, *outcomes: Outcome) -> int:
        """How many findings have one of these outcomes."""
        return sum(finding.outcome in outcomes for finding in self.findings)

    @property
    def failing(self) -> int:
        """How many findings are failures that no waiver covers."""
        return sum(finding.is_failing for finding in self.findings)

    @property
    def waived(self) -> int:
        """How many findings are failures that a waiver covers."""
        return sum(finding.waiver is not None for finding in self.findings)


class PlannedChange(Word):
    """One control that an apply would remedy on a target."""

    control: Name
    role: Name
    disruption: Disruption
    observed: JsonValue
    expected: str
    reason: str
    touches: tuple[str, ...] = ()
    """Whom it would disturb right now, a sentence each: connections, processes, sessions."""


class TargetPlan(Word):
    """What an apply would do to one target, and why it would leave the rest alone."""

    target: Name
    facts: Facts | None = None
    changes: tuple[PlannedChange, ...] = ()
    items: tuple[Change, ...] = ()
    """Everything the playbook would change for them, item by item."""
    left_as_is: tuple[str, ...] = ()
    """What it could not change safely, a sentence each."""
    values: str = ""
    """Digest of everything the roles receive: two plans for the same values have the same one."""
    for_a_person: tuple[Finding, ...] = ()
    """Failing controls without a remedy, and manual ones."""
    held_back: tuple[Finding, ...] = ()
    """Failing controls whose remedy would harm this target or cannot be done there, each with what to do to go on."""
    waived: tuple[Finding, ...] = ()
    """Failing controls that an apply leaves alone, because a waiver covers them."""
    nothing_to_do: tuple[str, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    problem: str | None = None
    """Why nothing would be done at all: not reachable, or the change would lock the operator out."""
    is_our_fault: bool = False
    """Whether the problem is a fault of this program, and no trouble of the target's."""


class Plans(Word):
    """The whole answer to what an apply would do: of every target, and with what it was asked."""

    made: datetime
    tool_version: str
    profile: str
    pattern: str
    """Shell-style, over control ids."""
    controls: Mapping[str, ControlRecord]
    """The controls as they are declared, by id."""
    waivers: tuple[Waiver, ...] = ()
    """All that were declared, those that count no more among them."""
    targets: tuple[TargetPlan, ...]


class RunKind(StrEnum):
    """What a run set out to do."""

    AUDIT = "audit"
    APPLY = "apply"
    ROLLBACK = "rollback"


class Run(Word):
    """One execution: when, by whom, with what, and everything it saw and did. Immutable."""

    id: RunId
    kind: RunKind
    started: datetime
    finished: datetime
    operator: str
    tool_version: str
    profile: str
    scope: Scope = Scope()
    controls: Mapping[str, ControlRecord]
    """The controls as they were declared when the run was made, by id."""
    waivers: tuple[Waiver, ...] = ()
    """All that were declared, those that did not count when it started among them."""
    limitations: tuple[str, ...] = ()
    """What a reader has to know before relying on it, a sentence each: what its profile asks for and no control
    answers, targets that are of another system than they were judged as."""
    results: tuple[TargetResult, ...]
    before: tuple[TargetResult, ...] = ()
    """For an apply: the audit it started from."""


class RunSummary(Word):
    """One line of the list of runs."""

    id: RunId
    kind: RunKind
    started: datetime
    finished: datetime
    profile: str
    targets: int
    baselines: int
    """Targets for which it is the declared baseline."""


class Score(Word):
    """How many scored controls hold, of how many; what could not be looked at is not held."""

    compliant: int
    scored: int

    @property
    def percent(self) -> float | None:
        """0–100, or ``None`` where nothing was scored; never rounded up to 100."""
        return None if self.scored == 0 else 100.0 * self.compliant / self.scored


def score(findings: Sequence[Finding], *, with_waivers: bool) -> Score:
    """The score of some findings: ``pass`` and ``fixed`` of everything scored.

    With waivers, a failure that one covers counts neither way; without, it counts as what it is.
    """
    counted = [finding for finding in findings if not (with_waivers and finding.waiver)]
    scored = [finding for finding in counted if finding.outcome.is_scored]
    return Score(compliant=sum(finding.outcome.is_compliant for finding in scored), scored=len(scored))


class RunScore(Word):
    """One run of a trend: how the targets of the newest one scored in it."""

    id: RunId
    kind: RunKind
    started: datetime
    targets: int
    """How many of them it was about."""
    score: Score
    """What waivers cover counts neither way."""
    failing: int
    """Failures that no waiver covers."""
    unseen: int
    """Findings of what could not be looked at."""
