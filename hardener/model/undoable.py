"""What applies changed that can be taken back, and how far that has been done."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from hardener.model.names import Name, RunId
from hardener.model.run import CheckpointState, TargetResult
from hardener.model.scope import Scope
from hardener.model.word import Word


def is_undoable(result: TargetResult) -> bool:
    """Whether a run left something on a target that can be taken back; of one that was cut short the target knows."""
    return result.checkpoint is CheckpointState.RELEASED or (result.checkpoint is None and bool(result.changes))


class TakenBack(StrEnum):
    """How far what a run changed on a target has been taken back."""

    NOT = "no"
    PARTLY = "in part"
    """Only what was changed for some controls, or something was left alone."""
    ENTIRELY = "yes"


class UndoableTarget(Word):
    """What an apply changed on one target."""

    target: Name
    changes: int
    taken_back: TakenBack = TakenBack.NOT


class UndoableRun(Word):
    """An apply that changed something."""

    id: RunId
    started: datetime
    operator: str
    scope: Scope
    targets: tuple[UndoableTarget, ...]

    @property
    def left(self) -> tuple[UndoableTarget, ...]:
        """The targets on which it has not been taken back entirely."""
        return tuple(item for item in self.targets if item.taken_back is not TakenBack.ENTIRELY)
