"""What findings mean to whoever reads them: the sections in which they are told, worst first, with a mark for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardener.model import Finding, Outcome
from hardener.reports.arranged import FOR_A_PERSON, UNSEEN


@dataclass(frozen=True)
class Section:
    """Findings that mean the same to the reader."""

    slug: str
    title: str
    mark: str
    """One letter for it where there is no room for words; never the colour alone."""
    outcomes: Sequence[Outcome]
    explains: str

    @property
    def code(self) -> str:
        """Its slug where room is short: what a matrix has by the thousand."""
        return {"fixed": "x"}.get(self.slug, self.slug[0])


WAIVED = Section("waived", "Waived", "~", (), "Not as expected, and somebody answers for it until the waiver expires.")
SECTIONS = (
    Section("failing", "Failing", "✗", (Outcome.FAIL,), "Not as expected, now or after a reboot."),
    Section("unseen", "Could not look", "!", UNSEEN, "Nothing is known of these: they count as not compliant."),
    WAIVED,
    Section("person", "For a person", "?", FOR_A_PERSON, "Nothing decides these but a person, from the evidence."),
    Section("fixed", "Fixed", "+", (Outcome.FIXED,), "Failed before this run, and was seen to hold after it."),
    Section(
        "notapplicable", "Not applicable", "–", (Outcome.NOTAPPLICABLE,), "Outside the score, for the reason given."
    ),
    Section("holds", "Holds", "✓", (Outcome.PASS,), "Was seen to be as expected."),
)
_BY_OUTCOME = {outcome: section for section in SECTIONS for outcome in section.outcomes}


def section_of(finding: Finding) -> Section | None:
    """Where a finding is told; ``None`` where nobody asked for its control."""
    return WAIVED if finding.waiver else _BY_OUTCOME.get(finding.outcome)
