"""Findings, and for every failure a risk; a waiver is a deviation that somebody approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hardener.model import Finding, Outcome, Waiver, WaiverKind
from hardener.reports.interchange import TOOL, instant, waived_words
from hardener.reports.oscal.naming import NOT_SATISFIED, SATISFIED, Told, markup, own, uuid

CORE = "http://csrc.nist.gov/ns/oscal"
DEVIATIONS = {
    WaiverKind.ACCEPTED_RISK: "accepted",
    WaiverKind.FALSE_POSITIVE: "false-positive",
    WaiverKind.COMPENSATING_CONTROL: "risk-adjusted",
}
"""The property of a risk that says which deviation was approved."""


def finding_of(told: Told, finding: Finding) -> Mapping[str, Any]:
    """Whether a control holds: satisfied, or not; a failure names its risk."""
    is_satisfied = finding.outcome in SATISFIED
    reason = SATISFIED[finding.outcome] if is_satisfied else NOT_SATISFIED[finding.outcome]
    references = told.whole.references[finding.control]
    risks = [{"risk-uuid": told.uuid("risk", finding.control)}] if finding.outcome is Outcome.FAIL else []
    return {
        "uuid": told.uuid("finding", finding.control),
        "title": told.whole.titles[finding.control],
        "description": markup(finding.reason or f"Expected {finding.expected}."),
        **({"props": references} if references else {}),
        "target": {
            "type": "objective-id",
            "target-id": finding.control,
            "status": {"state": "satisfied" if is_satisfied else "not-satisfied", "reason": reason},
        },
        "related-observations": [{"observation-uuid": told.uuid("observation", finding.control)}],
        **({"related-risks": risks} if risks else {}),
    }


def risk_of(told: Told, finding: Finding) -> Mapping[str, Any]:
    """What a failure allows, and what would remedy it; what a waiver says of it."""
    record = told.whole.run.controls[finding.control]
    waiver = told.whole.waivers[finding.waiver] if finding.waiver else None
    severity = {"name": "severity", "system": CORE, "value": record.severity.value}
    remediation = {
        "uuid": told.uuid("remediation", record.id),
        "lifecycle": "recommendation",
        "title": f"{TOOL} apply" if record.is_remediable else "By a person",
        "description": told.whole.remedies[record.id],
    }
    return {
        "uuid": told.uuid("risk", finding.control),
        "title": told.whole.titles[record.id],
        "description": markup(finding.reason or "Not as expected."),
        "statement": told.whole.reasons[record.id],
        "status": "deviation-approved" if waiver else "open",
        "characterizations": [{"origin": told.origin, "facets": [severity]}],
        "remediations": [remediation],
        "related-observations": [{"observation-uuid": told.uuid("observation", finding.control)}],
        **(_deviation(told, finding, waiver) if waiver else {}),
    }


def _deviation(told: Told, finding: Finding, waiver: Waiver) -> Mapping[str, Any]:
    """Which deviation was approved, by whom and until when, and what mitigates the risk."""
    entry = {
        "uuid": told.uuid("waiver", finding.control),
        "title": markup(f"Waiver {waiver.id}"),
        "description": markup(waived_words(waiver)),
        "start": instant(waiver.effective),
        "end": instant(waiver.expires),
        "logged-by": [{"party-uuid": uuid("person", waiver.approved_by)}],
        "status-change": "deviation-approved",
    }
    mitigating = {"uuid": told.uuid("mitigating", finding.control), "description": markup(waiver.reason)}
    return {
        "props": [{"name": DEVIATIONS[waiver.kind], "value": "approved"}, own("waiver", waiver.id)],
        "deadline": instant(waiver.expires),
        "risk-log": {"entries": [entry]},
        **({"mitigating-factors": [mitigating]} if waiver.kind is WaiverKind.COMPENSATING_CONTROL else {}),
    }
