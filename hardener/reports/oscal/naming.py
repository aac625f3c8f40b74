"""What every part of a target's result needs: UUIDs made of names, text that is no markup, properties of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha1
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hardener.model import Outcome, Run, TargetResult, Waiver
from hardener.reports.interchange import TOOL, instant, kept, references_words, waivers_by_id, words

NAMESPACE = f"https://{TOOL}.invalid/ns/oscal"
"""Of the properties that OSCAL has no name for: an address, as readers want one, that leads nowhere."""
ROOT = uuid5(NAMESPACE_URL, NAMESPACE)
SATISFIED = {Outcome.PASS: "pass", Outcome.FIXED: "pass"}
NOT_SATISFIED = {Outcome.FAIL: "fail", Outcome.ERROR: "other", Outcome.UNKNOWN: "other"}
"""Each with OSCAL's reason. All other outcomes decide nothing, and are observations without a finding."""
_ACTIVE = re.compile(r"[\\`*_{}\[\]<>&~^#|!]|^[-+=]")
"""What Markdown and HTML act on within a line, or at its beginning."""


@dataclass(frozen=True)
class Whole:
    """A run, and what is told of its controls on every target, as markup by control."""

    run: Run

    @cached_property
    def waivers(self) -> Mapping[str, Waiver]:
        """By id."""
        return waivers_by_id(self.run)

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """What each control requires."""
        return {record.id: markup(record.title) for record in self.run.controls.values()}

    @cached_property
    def reasons(self) -> Mapping[str, str]:
        """Why each control is required."""
        return {record.id: markup(record.why) for record in self.run.controls.values()}

    @cached_property
    def remedies(self) -> Mapping[str, str]:
        """What would remedy each control."""
        return {record.id: markup(record.remedy) for record in self.run.controls.values()}

    @cached_property
    def references(self) -> Mapping[str, list[dict[str, str]]]:
        """The requirements each control answers, as properties."""
        return {
            record.id: [own("reference", reference) for reference in references_words(record.references)]
            for record in self.run.controls.values()
        }


@dataclass(frozen=True)
class Told:
    """One target of a run, and what all that is told of it has in common."""

    whole: Whole
    result: TargetResult

    def uuid(self, *names: str) -> str:
        """The UUID of something of this target in this run."""
        return uuid(self.whole.run.id, self.result.target, *names)

    @cached_property
    def origin(self) -> Mapping[str, Any]:
        """Who says so: the tool."""
        return {"actors": [{"type": "tool", "actor-uuid": self.uuid("tool")}]}

    @cached_property
    def seen(self) -> Mapping[str, Any]:
        """Of every observation: of what, and when."""
        return {
            "subjects": [{"subject-uuid": self.uuid("item"), "type": "inventory-item"}],
            "collected": instant(self.whole.run.finished),
        }


@lru_cache(maxsize=2048)
def uuid(*names: str) -> str:
    """The UUID, version 5, of some names in their order, none of which contains the separator."""
    # As uuid5 makes it, in a quarter of the time: a fleet has some 100,000 of them.
    digits = sha1(ROOT.bytes + "\x1f".join(names).encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def own(name: str, value: str) -> dict[str, str]:
    """A property that is ours."""
    return {"name": name, "ns": NAMESPACE, "value": words(value)}


@kept
def markup(text: str) -> str:
    """Text on one line in which nothing is Markdown or HTML."""
    return _ACTIVE.sub(r"\\\g<0>", words(text))
