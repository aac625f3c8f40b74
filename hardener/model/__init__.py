"""The nouns of the tool, in XCCDF's and OSCAL's words: what is required, of whom, what was seen, what was done.

Everything here is a value: frozen, serialisable, and free of any way to reach a host.
"""

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
    Score,
    TargetPlan,
    TargetResult,
    score,
)
from hardener.model.target import Become, Connection, Facts, LastRun, Target, Values
from hardener.model.word import Word

__all__ = [
    "Answer",
    "Become",
    "Change",
    "ChangeKind",
    "CheckpointState",
    "Connection",
    "ControlRecord",
    "Disruption",
    "Exclusion",
    "Facts",
    "FileWalk",
    "Finding",
    "LastRun",
    "Outcome",
    "Output",
    "PlannedChange",
    "Plans",
    "Platform",
    "Question",
    "Run",
    "RunKind",
    "Score",
    "Severity",
    "Target",
    "TargetPlan",
    "TargetResult",
    "Trait",
    "Transcript",
    "Values",
    "Word",
    "score",
]
