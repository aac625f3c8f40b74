"""The systems that the controls are about: on any other they would judge, and change, what they do not know.

Each is a file beside this one, by whose name inventories, benchmarks and controls mean it: ``debian-12.yml``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from hardener.documents import read_document, validated
from hardener.model import Facts, Platform


class _PlatformFile(BaseModel):
    """What the file of a system says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str
    """As os-release calls it, and so its release."""
    release: str
    family: str
    """The system it is made from, or itself: their controls are the same, unless one says otherwise."""


def _read() -> Mapping[str, _PlatformFile]:
    files = sorted(Path(__file__).parent.glob("*.yml"))
    return {file.stem: validated(read_document(file), _PlatformFile) for file in files}


_FILES = _read()
PLATFORMS = {name: Platform(family=item.id, release=item.release) for name, item in _FILES.items()}
"""Name → system."""
KNOWN = tuple(PLATFORMS.values())
_NAMES = {platform: name for name, platform in PLATFORMS.items()}


def foreign(facts: Facts | None) -> str | None:
    """Why nothing here is about a target; ``None`` where its system is known, or nobody has seen yet which it is.

    A system that was declared has to be made from the one it was declared as.
    """
    if facts is None:
        return None
    if facts.judged_as not in KNOWN:
        return f"nothing here is about {facts.platform}: the controls are for {' and '.join(map(str, KNOWN))}"
    family = _FILES[_NAMES[facts.judged_as]].family
    if family not in {facts.platform.family, *facts.made_from}:
        return f"{facts.platform} is declared as {facts.judged_as}, and is not made from {family}"
    return None


def is_among(platform: Platform, names: Collection[str]) -> bool:
    """Whether a known system, or its family, is among these names: ``debian-12``, ``debian``."""
    name = _NAMES[platform]
    return name in names or _FILES[name].family in names
