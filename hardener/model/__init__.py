"""The nouns of the tool, in XCCDF's and OSCAL's words: what is required, of whom, what was seen, what was done.

Everything here is a value: frozen, serialisable, and free of any way to reach a host.
"""

from hardener.model.chain import NOTHING_BEFORE, Link, breaks, canonical, chained_digest, digest_of
from hardener.model.drift import (
    Baseline,
    Comparison,
    Drift,
    DriftEvent,
    DriftKind,
    Pair,
    Period,
    Pruned,
    View,
)
from hardener.model.evidence import Answer, Output, Question, Transcript
from hardener.model.requirement import ControlRecord, Disruption, Outcome, Platform, Severity, Trait
from hardener.model.run import (
    Change,
    ChangeKind,
    CheckpointState,
    Exclusion,
    FileWalk,
    Finding,
    PlannedChange,
    Plans,
    Run,
    RunKind,
    RunSummary,
    Scope,
    Score,
    TargetPlan,
    TargetResult,
    score,
)
from hardener.model.target import Access, Become, Connection, Facts, LastRun, Target, Values
from hardener.model.waiver import Waiver, WaiverKind
from hardener.model.word import Word

__all__ = [
    "NOTHING_BEFORE",
    "Access",
    "Answer",
    "Baseline",
    "Become",
    "Change",
    "ChangeKind",
    "CheckpointState",
    "Comparison",
    "Connection",
    "ControlRecord",
    "Disruption",
    "Drift",
    "DriftEvent",
    "DriftKind",
    "Exclusion",
    "Facts",
    "FileWalk",
    "Finding",
    "LastRun",
    "Link",
    "Outcome",
    "Output",
    "Pair",
    "Period",
    "PlannedChange",
    "Plans",
    "Platform",
    "Pruned",
    "Question",
    "Run",
    "RunKind",
    "RunSummary",
    "Scope",
    "Score",
    "Severity",
    "Target",
    "TargetPlan",
    "TargetResult",
    "Trait",
    "Transcript",
    "Values",
    "View",
    "Waiver",
    "WaiverKind",
    "Word",
    "breaks",
    "canonical",
    "chained_digest",
    "digest_of",
    "score",
]
