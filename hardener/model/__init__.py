"""The nouns of the tool, in XCCDF's and OSCAL's words: what is required, of whom, what was seen, what was done.

Everything here is a value: frozen, serialisable, and free of any way to reach a host.
"""

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
    RunScore,
    RunSummary,
    Scope,
    Score,
    TargetPlan,
    TargetResult,
    score,
)
from hardener.model.target import Become, Connection, Facts, LastRun, Target, Values
from hardener.model.waiver import Waiver, WaiverKind
from hardener.model.word import Word

__all__ = [
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
    "RunScore",
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
    "score",
]
