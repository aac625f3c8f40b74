"""How things came to differ: two views of a target side by side, and what is different about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from hardener.model.evidence import Answer
from hardener.model.finding import Finding
from hardener.model.names import MachineId, Name, RunId
from hardener.model.requirement import ControlRecord
from hardener.model.scope import Scope
from hardener.model.waiver import Waiver
from hardener.model.word import Word


class View(Word):
    """A target as one run saw it."""

    run: str
    started: datetime
    profile: str
    machine_id: str | None = None
    problem: str | None = None
    unseen: int = 0
    """Controls that could not be looked at."""
    findings: Mapping[str, Finding] = {}
    """By control; what is the same in both views of a pair may be left out."""


class Around(Word):
    """What a target answered to some questions in the last result before a value was seen, and in the first with it."""

    before: Mapping[str, Answer]
    after: Mapping[str, Answer]
    began: datetime
    """When the run of the former started."""
    ended: datetime
    """When the run of the latter was over."""


class Acceptance(Word):
    """A failure that somebody accepted as it was: it is a regression again once it is worse, or held in between."""

    target: Name
    control: Name
    machine_id: MachineId
    run: RunId
    """The audit whose findings were accepted."""
    finding: Finding
    reason: str
    by: str
    moment: datetime
    is_withdrawn: bool = False
    """Whether this takes the one before back; ``by`` and ``moment`` are of that."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about: a later one about the same takes its place."""
        return self.target, self.machine_id, self.control


class Regression(Word):
    """A failure that stands: nobody has repaired, waived or accepted it since it began."""

    finding: Finding
    """What was last seen."""
    reference: Finding | None
    """What was there before it: it held, or failed less badly; ``None`` where nobody had looked for it."""
    run: str | None = None
    """The last run that saw the reference; ``None`` where that was pruned."""
    since: datetime
    """When the run started that saw it first."""
    is_new: bool
    """Whether the audit before had not seen it."""
    less_bad: Finding | None = None
    """What the audit before had seen, where it has got worse since."""
    is_asked: bool = True
    """Whether the run looked for it, or the target did not answer."""


class Pair(Word):
    """A target as its baseline has it, and as it is now; one of them is missing where it appeared or vanished."""

    target: str
    before: View | None = None
    after: View | None = None
    last: View | None = None
    """As the audit before saw it, without findings; that is the baseline where none was declared."""
    is_declared: bool = False
    """Whether the baseline was declared, and is not merely the audit before."""
    since: Mapping[str, datetime] = {}
    """By control, when the run started that first saw the outcome it still has; at or before that one was pruned."""
    causes: Mapping[str, str] = {}
    """By control, which run of ours changed the target in between, in words."""
    around: Mapping[str, Around] = {}
    """By control whose value is another: what was asked about the target's changes before and after."""
    standing: Mapping[str, Regression] = {}
    """By control; of a target that does not answer, those that stood when it was last seen."""
    accepted: Mapping[str, Acceptance] = {}
    """By control, what fails and is accepted as it is."""

    @property
    def machine_id(self) -> str | None:
        """The machine that answers; where none does, the one that did when it was last seen."""
        seen = (view.machine_id for view in (self.after, self.last) if view)
        return next((machine for machine in seen if machine), None)


class Comparison(Word):
    """One run beside the baselines of its targets."""

    run: str
    started: datetime
    profile: str
    scope: Scope = Scope()
    controls: Mapping[str, ControlRecord]
    waivers: tuple[Waiver, ...] = ()
    """Those the run was given."""
    pairs: tuple[Pair, ...]


class DriftKind(StrEnum):
    """What is different, the worst first."""

    REGRESSED = "regressed"
    NEW = "new"
    """A control that the baseline knows nothing of."""
    WORSE = "worse"
    """Failed already, and fails in another way or by more: see ``is_worse``."""
    UNREACHABLE = "unreachable"
    UNSEEN = "unseen"
    """A control that could not be looked at."""
    VANISHED = "vanished"
    REPLACED = "replaced"
    """Another machine answers to the target's name: nothing was compared."""
    WAIVED = "waived"
    """Fails, and a waiver covers it that did not do so at the baseline."""
    ACCEPTED = "accepted"
    """Fails, and somebody accepted it as it is."""
    CHANGED = "changed"
    FIXED = "fixed"
    GONE = "gone"
    """A control that is not in the catalogue any more."""
    APPEARED = "appeared"


class DriftEvent(Word):
    """One difference."""

    kind: DriftKind
    target: str
    control: str | None = None
    """``None`` where it is about the whole target."""
    is_regression: bool = False
    is_new: bool = False
    """Whether a regression is new, or worse, since the audit before."""
    nights: int = 0
    """How many nights a regression stands, this one among them."""
    is_incomplete: bool = False
    """Whether something could not be looked at, or not be compared."""
    before: Finding | None = None
    after: Finding | None = None
    reason: str = ""
    since: datetime | None = None
    cause: str = ""
    remedy: str = ""
    """The command that remedies it, or why no role does."""
    baseline: str | None = None
    """The run it is compared with."""


class Drift(Word):
    """Everything that is different in a run, the worst first."""

    run: str
    started: datetime
    profile: str
    controls: Mapping[str, ControlRecord]
    """Those the events are about."""
    targets: int
    compared: int
    """Targets that have a baseline of the same machine."""
    events: tuple[DriftEvent, ...]

    @property
    def regressions(self) -> tuple[DriftEvent, ...]:
        """What nobody has repaired, waived or accepted since it does not hold any more, or fails in a worse way."""
        return tuple(event for event in self.events if event.is_regression)

    @property
    def gaps(self) -> tuple[DriftEvent, ...]:
        """What nobody can say anything about."""
        return tuple(event for event in self.events if event.is_incomplete)

    @property
    def silent(self) -> int:
        """How many targets did not answer."""
        return sum(event.kind in {DriftKind.UNREACHABLE, DriftKind.VANISHED} for event in self.events)


class Baseline(Word):
    """What a target is compared with, as it was declared."""

    target: str
    run: str
    started: datetime
    profile: str
    declared: datetime


class Period(Word):
    """How long a control had one finding on a target."""

    machine_id: str
    began: datetime
    """When the run started that saw it first."""
    ended: datetime | None
    """When the run started that first saw something else; ``None`` where nothing else was seen since."""
    finding: Finding


class Pruned(Word):
    """What a pruning removed."""

    runs: tuple[str, ...]
    intervals: int
    contents: int
