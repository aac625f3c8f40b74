"""Plans over many targets: what an apply would change, told by Ansible itself in its check mode."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import hardener
from hardener import effects
from hardener.changes import attributed, settled
from hardener.conductor.applying import ApplySettings
from hardener.conductor.flows import Conductor
from hardener.conductor.refusing import refusal
from hardener.model import Exclusion, Outcome, PlannedChange, Plans, Target, TargetPlan, TargetResult, Values
from hardener.plan import remediable, role_variables
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun

UNTOUCHED = {Outcome.NOTAPPLICABLE, Outcome.NOTCHECKED, Outcome.NOTSELECTED, Outcome.ERROR}
"""Outcomes of controls an apply leaves alone, each finding with its reason."""


def make_plans(conductor: Conductor, targets: Sequence[Target], settings: ApplySettings) -> Plans:
    """What an apply would do, from an audit now and a playbook that changes nothing, in the order of the targets."""
    made = datetime.now(UTC)
    pairs = list(zip(targets, replace(conductor, also=effects.QUESTIONS).audit(targets), strict=True))
    drafts = [_draft(conductor, target, result) for target, result in pairs]
    variables = {
        target.name: _variables(conductor, target, result)
        for (target, result), draft in zip(pairs, drafts, strict=True)
        if draft.changes and draft.problem is None
    }
    outcomes = _rehearsed(conductor, variables, settings) if variables else {}
    selection = conductor.selection
    return Plans(
        made=made,
        tool_version=hardener.__version__,
        profile=selection.profile.name,
        pattern=selection.pattern,
        controls={control.id: control.record() for control in selection.catalogue.values()},
        waivers=tuple(selection.waivers),
        targets=[
            _with_items(conductor, draft, outcomes.get(draft.target), result)
            for draft, (_, result) in zip(drafts, pairs, strict=True)
        ],
    )


def _rehearsed(
    conductor: Conductor, variables: Mapping[str, Mapping[str, Any]], settings: ApplySettings
) -> Mapping[str, PlaybookOutcome]:
    conductor.progress.begin("plan", len(variables))
    run = PlaybookRun(
        inventories=settings.inventories,
        extra_vars=settings.extra_vars,
        variables=variables,
        roles=settings.roles,
        become_password=settings.become_password,
        progress=conductor.progress.step,
        is_dry=True,
    )
    outcomes = settings.playbook(run)
    for name, outcome in outcomes.items():
        conductor.progress.done(name, outcome.problem)
    return outcomes


def _draft(conductor: Conductor, target: Target, result: TargetResult) -> TargetPlan:
    """The plan as far as an audit tells it: which controls, and why not the others."""
    controls = remediable(conductor.selection, target, result)
    chosen = {control.id for control in controls}
    findings = {finding.control: finding for finding in result.findings}
    return TargetPlan(
        target=target.name,
        facts=result.facts,
        values=_digest(target.values),
        changes=[
            PlannedChange(
                control=control.id,
                role=control.role,
                disruption=control.disruption,
                **findings[control.id].model_dump(include={"observed", "expected", "reason"}),
            )
            for control in controls
        ],
        for_a_person=[
            finding
            for finding in result.findings
            if finding.outcome is Outcome.INFORMATIONAL or (finding.is_failing and finding.control not in chosen)
        ],
        waived=[finding for finding in result.findings if finding.waiver and finding.control not in chosen],
        nothing_to_do=[finding.control for finding in result.findings if finding.outcome is Outcome.PASS],
        exclusions=[
            Exclusion(control=finding.control, outcome=finding.outcome, reason=finding.reason)
            for finding in result.findings
            if finding.outcome in UNTOUCHED
        ],
        problem=result.problem or refusal(controls, target, result.facts),
    )


def _variables(conductor: Conductor, target: Target, result: TargetResult) -> Mapping[str, Any]:
    controls = remediable(conductor.selection, target, result)
    return role_variables(controls, conductor.selection.catalogue, target.values, result.facts)


def _digest(values: Values) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _with_items(
    conductor: Conductor, draft: TargetPlan, outcome: PlaybookOutcome | None, result: TargetResult
) -> TargetPlan:
    """The plan with what the playbook would change and whom that touches; one that it could not rehearse is none."""
    if outcome is None:
        return draft
    controls = [conductor.selection.catalogue[change.control] for change in draft.changes]
    items = attributed(settled(outcome.changes), controls)
    touches = effects.touches(items, result.transcript.answers)
    changes = [
        change.model_copy(update={"touches": tuple(touches.get(change.control, ()))}) for change in draft.changes
    ]
    problem = f"could not be rehearsed: {outcome.problem}" if outcome.problem else None
    return draft.model_copy(update={"items": tuple(items), "changes": tuple(changes), "problem": problem})
