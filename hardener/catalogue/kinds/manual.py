"""The kind for what only a person can decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from pydantic import JsonValue

from hardener.catalogue.control import Control, Declared, Host


def review(subject: str, observe: Callable[[Host], JsonValue], **declared: Unpack[Declared]) -> Control:
    """A manual control: gathers what a person needs to decide, and never passes."""
    return Control(
        subject=subject,
        observe=observe,
        expect=None,
        remedy="None: a person decides, from the evidence.",
        is_remediable=False,
        **declared,
    )
