"""Decides, for one target, which controls are judged with which values, and why the others are not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from hardener.catalogue.control import Control, Parameter, only_on, value_at
from hardener.catalogue.discovery import Catalogue
from hardener.catalogue.profiles import Profile
from hardener.documents import merged
from hardener.errors import ConfigError
from hardener.masking import MASK
from hardener.model import (
    Disruption,
    Exclusion,
    Facts,
    Finding,
    Outcome,
    Platform,
    Target,
    TargetResult,
    Trait,
    Values,
)
from hardener.platforms import foreign, is_among
from hardener.selection import Selection


@dataclass(frozen=True)
class Plan:
    """Per target: the controls to judge, with what is acceptable, and the reason for every exclusion."""

    controls: Sequence[Control]
    exclusions: Sequence[Exclusion]
    values: Values


def make_plan(selection: Selection, target: Target, facts: Facts | None) -> Plan:
    """The plan for a target; without facts (nothing asked yet), whatever is selected on any system is in it."""
    traits = target.traits | (facts.traits if facts else frozenset())
    platform = facts.judged_as if facts else None
    controls, exclusions = [], []
    for control in selection.catalogue.values():
        exclusion = (
            selection.exclusion(control, platform)
            or _foreign(control, facts)
            or _inapplicable(control, platform, traits, target.values)
        )
        if exclusion:
            exclusions.append(exclusion)
        else:
            controls.append(control)
    return Plan(controls, exclusions, target.values)


def _foreign(control: Control, facts: Facts | None) -> Exclusion | None:
    reason = foreign(facts)
    return Exclusion(control=control.id, outcome=Outcome.NOTAPPLICABLE, reason=reason) if reason else None


def _inapplicable(
    control: Control, platform: Platform | None, traits: frozenset[Trait], values: Values
) -> Exclusion | None:
    reasons = [f"{trait.value}: {reason}" for trait, reason in control.unless.items() if trait in traits]
    if platform is not None and not is_among(platform, control.platforms):
        reasons.append(only_on(control.platforms))
    if platform is not None and control.needs and not control.needs & traits:
        reasons.append(only_on(control.needs))
    for choice, option in control.chosen.items():
        if (made := value_at(values, choice.split("."))) != option:
            reasons.append(f"{choice} is {made}, not {option}")
    if not reasons:
        return None
    return Exclusion(control=control.id, outcome=Outcome.NOTAPPLICABLE, reason=reasons[0])


def own_values(controls: Iterable[Control], values: Values, defaults: Values) -> Mapping[str, JsonValue]:
    """By label, the values of some controls that are no role default; a secret stays where it is."""
    named = [(control, parameter) for control in controls for parameter in control.parameters]
    found = {
        parameter.label(control.role): _own_value(parameter, control.role, values, defaults)
        for control, parameter in named
    }
    return {label: value for label, value in sorted(found.items()) if value is not _DEFAULT}


def with_own_values(controls: Iterable[Control], own: Mapping[str, JsonValue], defaults: Values) -> Values:
    """The values of a target, from what ``own_values`` returned for it."""
    values = defaults
    for control in controls:
        for parameter in control.parameters:
            if (label := parameter.label(control.role)) in own:
                values = _with(values, (parameter.variable(control.role), *parameter.path), own[label])
    return values


def _with(values: Values, path: Sequence[str], item: Any) -> Values:
    first, *rest = path
    return {**values, first: _with(values.get(first, {}), rest, item) if rest else item}


_DEFAULT = object()


def _own_value(parameter: Parameter, role: str, values: Values, defaults: Values) -> Any:
    value = parameter.value(role, values)
    try:
        is_default = value == parameter.value(role, defaults)
    except KeyError:
        is_default = False
    if is_default:
        return _DEFAULT
    return MASK if parameter.is_secret else value


def with_checked_values(selection: Selection, target: Target, defaults: Values) -> Target:
    """A target as it was read, with values that are acceptable and agree with each other; else ``ConfigError``."""
    check_values(selection, target, defaults)
    return selection.catalogue.agreed(target, selection.profile.locations)


def check_values(selection: Selection, target: Target, defaults: Values) -> None:
    """Refuse values that no host could have and still pass: deviations are waivers, not parameters.

    Raises ``ConfigError`` that names the file and line of the value, or the target where none is known.
    """
    for control in selection.catalogue.values():
        if selection.exclusion(control) is not None:
            continue
        for parameter in control.parameters:
            label = parameter.label(control.role)
            location = _location(label, target, selection.profile)
            try:
                value, default = (parameter.value(control.role, values) for values in (target.values, defaults))
            except KeyError as missing:
                raise ConfigError(f"{target.name}: no value for {missing.args[0]}", location=location) from None
            _check_value(label, value, default, parameter.judge, f"{target.name}: ", location)


def _check_value(label: str, value: Any, default: Any, judge: Any, prefix: str, location: str) -> None:
    if value == default:
        return
    if type(value) is not type(default):
        wanted, got = (type(item).__name__ for item in (default, value))
        raise ConfigError(f"{prefix}{label} is of type {got}, expected {wanted}", location=location)
    acceptable = judge(default)
    try:
        complaints = acceptable.complaints(value)
    except (TypeError, ValueError) as error:
        complaints = (str(error),)
    if complaints:
        text = (
            f"{prefix}{label} {'; '.join(complaints)}, acceptable is {acceptable.words} (waive the control to deviate)"
        )
        raise ConfigError(text, location=location)


def _location(label: str, target: Target, profile: Profile) -> str:
    """Where the value was written: the item itself, or the nearest thing around it."""
    while label:
        if label in target.origins:
            return target.origins[label]
        if label in profile.locations:
            return profile.locations[label]
        label = label.rpartition(".")[0]
    return target.name


def remediable(selection: Selection, target: Target, result: TargetResult) -> Sequence[Control]:
    """The controls an apply works on: those that fail, have a remedy and are not waived, in catalogue order.

    Without those that are held back, and those whose remedies need another control that fails and is not among them:
    a playbook would fail there, and take everything back.
    """
    failing = {finding.control for finding in result.findings if _counts(finding, selection)}
    held_back = {finding.control for finding in result.findings if finding.held_back}
    controls = make_plan(selection, target, result.facts).controls
    chosen = [item for item in controls if item.id in failing - held_back and item.is_remediable]
    names = {control.id for control in chosen}
    failed = (finding.control for finding in result.findings if finding.outcome is Outcome.FAIL)
    return _with_needs_met(chosen, [selection.catalogue[name] for name in failed if name not in names])


def held_back(selection: Selection, result: TargetResult) -> Sequence[Finding]:
    """The failures that an apply would remedy if nothing spoke against it on this target."""
    return [finding for finding in result.findings if finding.held_back and _counts(finding, selection)]


def without_roles(controls: Sequence[Control], roles: Collection[str]) -> Sequence[Control]:
    """The controls that are left without those of some roles and those that need one of them to hold."""
    return _with_needs_met(
        [control for control in controls if control.role not in roles],
        [control for control in controls if control.role in roles],
    )


def _counts(finding: Finding, selection: Selection) -> bool:
    return finding.is_failing or (selection.include_waived and finding.outcome is Outcome.FAIL)


def _with_needs_met(chosen: Sequence[Control], unmet: Sequence[Control]) -> Sequence[Control]:
    """Those of the chosen controls that need none of the unmet ones, nor one that is left out for that."""
    left_out = [control for control in chosen if any(other.is_needed_by(control.id) for other in unmet)]
    if not left_out:
        return chosen
    return _with_needs_met([control for control in chosen if control not in left_out], left_out)


def role_variables(
    controls: Sequence[Control], catalogue: Catalogue, values: Values, facts: Facts | None = None
) -> Mapping[str, Any]:
    """What the playbook receives for one target: its roles, its controls, and only their items of the roles' values.

    Of the facts, the roles receive those no value can say: its traits, and the ports sshd listens on.
    """
    variables: dict[str, Any] = {}
    roles = list(dict.fromkeys(control.role for control in controls))
    for control in catalogue.values():
        if control.role in roles:
            variables |= {parameter.variable(control.role): {} for parameter in control.parameters}
    for control in controls:
        paths = [(parameter.variable(control.role), *parameter.path) for parameter in control.parameters]
        for path in [*paths, *(choice.split(".") for choice in control.chosen)]:
            item: Any = value_at(values, path)
            for key in reversed(path):
                item = {key: item}
            variables = merged(variables, item)
    return {
        "hardening_roles": roles,
        "hardening_controls": [control.id for control in controls],
        "hardening_target": {
            "traits": sorted(trait.value for trait in facts.traits) if facts else [],
            "ssh_ports": [*facts.ssh_ports] if facts else [],
        },
        **variables,
    }


def packages_going(controls: Sequence[Control]) -> Mapping[str, Sequence[str]]:
    """The packages that applying these controls has ``removed`` or ``replaced``: a checkpoint keeps them."""
    named = [(control, parameter) for control in controls for parameter in control.parameters]
    return {
        "removed": [item.path[-1] for control, item in named if control.disruption is Disruption.REMOVAL],
        "replaced": [item.path[-1] for _, item in named if item.name == "oldest"],
    }
