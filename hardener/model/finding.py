"""What was found of one control on one target."""

from __future__ import annotations

from pydantic import JsonValue

from hardener.model.names import Name
from hardener.model.requirement import Outcome
from hardener.model.word import Word


class HeldBack(Word):
    """Why an apply leaves a failing control as it is on this target, though it has a remedy."""

    reason: str
    """What the remedy would break here, or why it cannot be done."""
    go_on: str
    """What has to be set or done so that an apply remedies it."""

    @property
    def words(self) -> str:
        """One line."""
        return f"{self.reason}; to go on: {self.go_on}"


class Finding(Word):
    """The outcome of one control on one target."""

    control: Name
    outcome: Outcome
    observed: JsonValue = None
    expected: str = ""
    reason: str = ""
    """For a failure: what is not as expected, now or after a reboot. For an error: what could not be looked at."""
    questions: tuple[str, ...] = ()
    """The commands this finding rests on; their answers are in the target's transcript."""
    waiver: str | None = None
    """The waiver that covers this failure. The outcome stays what was seen; what counts is ``is_failing``."""
    held_back: HeldBack | None = None
    """Why an apply would not remedy this failure here; ``None`` where nothing speaks against it."""

    @property
    def is_failing(self) -> bool:
        """Whether it is a failure that counts: one that no waiver covers."""
        return self.outcome is Outcome.FAIL and self.waiver is None


class Exclusion(Word):
    """A control that is not judged on a target, and why."""

    control: Name
    outcome: Outcome
    reason: str
