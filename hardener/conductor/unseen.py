"""What nobody could look at: an error for every control it concerns, with the reason, and never silence."""

from __future__ import annotations

from collections.abc import Sequence

from hardener.audit import Examination
from hardener.conductor.faults import Trouble
from hardener.model import Access, Finding, Outcome, Target, TargetResult, Transcript
from hardener.selection import Selection


def with_unseen(selection: Selection, target: Target, examination: Examination, reason: str) -> Sequence[Finding]:
    """The findings of an examination, with ``error`` for every control of its plan that it could not judge."""
    seen = {finding.control: finding for finding in examination.findings}
    for control in examination.plan.controls:
        if control.id not in seen:
            expectation = control.expectation(target.values)
            seen[control.id] = Finding(
                control=control.id,
                outcome=Outcome.ERROR,
                expected=expectation.words if expectation else "",
                reason=reason,
            )
    return [seen[identifier] for identifier in selection.catalogue if identifier in seen]


def not_looked_at(
    selection: Selection,
    target: Target,
    trouble: Trouble,
    access: Access | None = None,
    transcript: Transcript | None = None,
) -> TargetResult:
    """The result of a target of which nothing can be judged.

    Runs no code of a control: it may be the very one that has just broken.
    """
    findings = []
    for control in selection.catalogue.values():
        exclusion = selection.exclusion(control)
        outcome, reason = (exclusion.outcome, exclusion.reason) if exclusion else (Outcome.ERROR, trouble.words)
        findings.append(Finding(control=control.id, outcome=outcome, reason=reason))
    return TargetResult(
        target=target.name,
        groups=target.groups,
        access=access,
        findings=tuple(findings),
        transcript=transcript or Transcript(),
        problem=trouble.words,
        is_our_fault=trouble.is_our_fault,
    )
