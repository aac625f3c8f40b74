"""Accepted deviations: which failures a person answers for, where, why, and until when."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from pydantic import JsonValue

from hardener.model.word import Word


class WaiverKind(StrEnum):
    """Why a failure may stay."""

    ACCEPTED_RISK = "accepted-risk"
    FALSE_POSITIVE = "false-positive"
    COMPENSATING_CONTROL = "compensating-control"


class Waiver(Word):
    """An accepted deviation. It covers failures only: what could not be looked at can never be waived."""

    id: str
    controls: str
    """Shell-style, over control ids."""
    scope: str
    """An Ansible host pattern."""
    observed: JsonValue = None
    """The observed value it is about: that value, or a shell-style pattern over its text; ``None`` means any."""
    kind: WaiverKind
    reason: str
    requested_by: str
    approved_by: str
    ticket: str | None = None
    effective: datetime
    expires: datetime
    """The instant at which it stops counting."""

    def is_in_effect(self, moment: datetime) -> bool:
        """Whether it counts at an instant."""
        return self.effective <= moment < self.expires

    def is_about(self, control: str, observed: JsonValue) -> bool:
        """Whether it is about this control, and about what was observed of it."""
        if not fnmatchcase(control, self.controls):
            return False
        if self.observed is None or _text(self.observed) == _text(observed):
            return True
        return isinstance(self.observed, str) and fnmatchcase(_text(observed), self.observed)


def _text(value: JsonValue) -> str:
    """Text as it is, and everything else as JSON: ``1`` and ``true`` are not the same."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
