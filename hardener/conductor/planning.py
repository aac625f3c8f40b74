"""Plans over many targets: what an apply would change, told by Ansible itself in its check mode."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import hardener
from hardener import effects
from hardener.catalogue.control import Control
from hardener.changes import attributed, settled
from hardener.conductor.faults import trouble
from hardener.conductor.flows import Conductor
from hardener.conductor.refusing import refusal
from hardener.conductor.settings import ApplySettings
from hardener.model import Exclusion, Finding, Outcome, PlannedChange, Plans, Target, TargetPlan, TargetResult, Values
from hardener.plan import held_back, remediable, role_variables
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun

UNTOUCHED = {Outcome.NOTAPPLICABLE, Outcome.NOTCHECKED, Outcome.NOTSELECTED, Outcome.ERROR}
"""Outcomes of controls an apply leaves alone, each finding with its reason."""


@dataclass(frozen=True)
class _Case:
    """One target, what an audit saw of it, and the plan as far as it is made."""

    target: Target
    result: TargetResult
    plan: TargetPlan
    variables: Mapping[str, Any] = field(default_factory=dict)
    """What the playbook is rehearsed with; empty where there is nothing to rehearse."""

    def after(self, step: Callable[[_Case], _Case]) -> _Case:
        """The case after one more step; a step that breaks costs this target's plan, and not the others'."""
        try:
            return step(self)
        except Exception as error:  # noqa: BLE001  (whatever it is)
            return replace(self, plan=self.plan.model_copy(update=trouble(error).fields), variables={})


def make_plans(conductor: Conductor, targets: Sequence[Target], settings: ApplySettings) -> Plans:
    """What an apply would do, from an audit now and a playbook that changes nothing, in the order of the targets."""
    made = datetime.now(UTC)
    results = replace(conductor, also=effects.QUESTIONS).audit(targets)
    plans = plans_from(conductor, list(zip(targets, results, strict=True)), settings)
    selection = conductor.selection
    return Plans(
        made=made,
        tool_version=hardener.__version__,
        profile=selection.profile.name,
        pattern=selection.pattern,
        controls=selection.records,
        waivers=tuple(selection.waivers),
        targets=tuple(plans),
    )


def plans_from(
    conductor: Conductor,
    audited: Sequence[tuple[Target, TargetResult]],
    settings: ApplySettings,
    *,
    rehearse: bool = True,
) -> Sequence[TargetPlan]:
    """The plan of each target, from what an audit saw of it and a rehearsal now; without one, it has no items."""
    draft = partial(_drafted, conductor, all_or_nothing=settings.all_or_nothing)
    cases = [_begun(target, result).after(draft) for target, result in audited]
    variables = {case.target.name: case.variables for case in cases if case.variables and rehearse}
    outcomes = _rehearsed(conductor, variables, settings) if variables else {}
    return [
        case.after(lambda case: _with_items(conductor, case, outcomes[case.target.name])).plan
        if case.target.name in outcomes
        else case.plan
        for case in cases
    ]


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


def _begun(target: Target, result: TargetResult) -> _Case:
    told = {"problem": result.problem, "is_our_fault": result.is_our_fault}
    return _Case(target, result, TargetPlan(target=target.name, facts=result.facts, **told))


def _drafted(conductor: Conductor, case: _Case, *, all_or_nothing: bool) -> _Case:
    """The plan as far as an audit tells it, and what has to be rehearsed for the rest."""
    target, result, selection = case.target, case.result, conductor.selection
    controls = remediable(selection, target, result)
    plan = _draft(controls, held_back(selection, result), case, all_or_nothing=all_or_nothing)
    if plan.problem is not None or not controls:
        return replace(case, plan=plan)
    variables = role_variables(controls, selection.catalogue, target.values, result.facts)
    return replace(case, plan=plan, variables=variables)


def _draft(controls: Sequence[Control], held: Sequence[Finding], case: _Case, *, all_or_nothing: bool) -> TargetPlan:
    """Which controls an apply would remedy, and why not the others."""
    target, result = case.target, case.result
    chosen = {control.id for control in controls}
    for_a_role = chosen | {finding.control for finding in held}
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
            if finding.outcome is Outcome.INFORMATIONAL or (finding.is_failing and finding.control not in for_a_role)
        ],
        held_back=held,
        waived=[finding for finding in result.findings if finding.waiver and finding.control not in chosen],
        nothing_to_do=[finding.control for finding in result.findings if finding.outcome is Outcome.PASS],
        exclusions=[
            Exclusion(control=finding.control, outcome=finding.outcome, reason=finding.reason)
            for finding in result.findings
            if finding.outcome in UNTOUCHED
        ],
        problem=result.problem or refusal(controls, held, result.facts, all_or_nothing=all_or_nothing),
        is_our_fault=result.is_our_fault,
    )


def _digest(values: Values) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _with_items(conductor: Conductor, case: _Case, outcome: PlaybookOutcome) -> _Case:
    """The plan with what the playbook would change and whom that touches; one that it could not rehearse is none."""
    controls = [conductor.selection.catalogue[change.control] for change in case.plan.changes]
    items = attributed(settled(outcome.changes), controls)
    touches = effects.touches(items, case.result.transcript.answers)
    changes = [
        change.model_copy(update={"touches": tuple(touches.get(change.control, ()))}) for change in case.plan.changes
    ]
    problem = f"could not be rehearsed: {outcome.problem}" if outcome.problem else None
    left = tuple(outcome.left_as_is)
    told = {"items": tuple(items), "changes": tuple(changes), "left_as_is": left, "problem": problem}
    return replace(case, plan=case.plan.model_copy(update=told))
