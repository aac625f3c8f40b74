"""Judges one target from its transcript, and says which questions are still missing. Pure: asks nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from hardener.catalogue.control import Control, CouldNotLook, Host, NotApplicable
from hardener.catalogue.expectations import Expectation
from hardener.catalogue.recent import QUESTIONS
from hardener.catalogue.walk import COMMAND, walk
from hardener.facts import facts_of
from hardener.model import (
    Answer,
    Facts,
    FileWalk,
    Finding,
    HeldBack,
    Outcome,
    Question,
    Target,
    Values,
)
from hardener.plan import Plan, make_plan
from hardener.platforms import foreign
from hardener.selection import Selection
from hardener.transcript import NoAnswer, Unanswered, host_of
from hardener.untrusted import observation, one_line
from hardener.waiving import waived


@dataclass(frozen=True)
class Examination:
    """What can be said from the answers so far: complete once no question is missing."""

    facts: Facts | None
    plan: Plan
    findings: Sequence[Finding]
    missing: Sequence[Question]
    asked: Sequence[Question] = ()
    """The questions it rests on: what a target like this one has to be asked, and nothing that turned out needless."""
    problem: str | None = None
    """Why the target could not even be identified."""


def examine(selection: Selection, target: Target, answers: Mapping[str, Answer]) -> Examination:
    """Run every pending probe against the answers; observations are pure reads, so running them again is free."""
    missing: dict[Question, None] = {}
    host, backend = host_of(answers)
    facts, problem = facts_seen(host, target, missing)
    plan = make_plan(selection, target, facts)
    findings = [Finding(control=item.control, outcome=item.outcome, reason=item.reason) for item in plan.exclusions]
    asked = dict(backend.asked)
    for control in plan.controls:
        finding = _finding(control, plan.values, facts, answers, missing, asked)
        if finding is not None and finding.outcome is Outcome.FAIL and facts is not None:
            held_back = _held_back(control, plan.values, facts, answers, missing, asked)
            finding = finding.model_copy(update={"held_back": held_back})
        if finding is not None:
            findings.append(finding)
    asked |= dict.fromkeys(QUESTIONS)
    missing |= dict.fromkeys(question for question in QUESTIONS if question.command not in answers)
    order = {identifier: index for index, identifier in enumerate(selection.catalogue)}
    findings.sort(key=lambda finding: order[finding.control])
    return Examination(
        facts=facts,
        plan=plan,
        findings=waived(findings, selection, target),
        missing=list(missing),
        asked=list(asked),
        problem=problem,
    )


def facts_seen(host: Host, target: Target, missing: dict[Question, None]) -> tuple[Facts | None, str | None]:
    """What a target is, with what its inventory declares; and what is wrong where nothing here is about that.

    ``None`` and ``None`` where questions are ``missing``.
    """
    facts, problem = facts_of(host, missing)
    if facts is not None and target.platform not in {None, facts.platform}:
        facts = facts.model_copy(update={"declared_as": target.platform})
    return facts, problem or foreign(facts)


def file_walk(answers: Mapping[str, Answer], started: datetime) -> FileWalk | None:
    """The walk of all files among these answers; ``None`` without one that came to its end."""
    host, _ = host_of(answers)
    try:
        seen = walk(host)
    except (Unanswered, NoAnswer, CouldNotLook):
        return None
    return FileWalk(started=started, seconds=answers[COMMAND].seconds, directories=tuple(seen.directories))


def judged_anew(control: Control, values: Values, facts: Facts | None, answers: Mapping[str, Answer]) -> Finding | None:
    """The finding of one control from recorded answers, without waivers; ``None`` where these answer too little."""
    return _finding(control, values, facts, answers, {}, {})


def _finding(
    control: Control,
    values: Values,
    facts: Facts | None,
    answers: Mapping[str, Answer],
    missing: dict[Question, None],
    asked: dict[Question, None],
) -> Finding | None:
    """The finding, after noting what it rests on; or ``None`` after noting the question that is missing."""
    host, backend = host_of(answers)
    try:
        finding = judged(control, values, facts, host)
    except Unanswered as unanswered:
        missing[unanswered.question] = None
        return None
    asked |= backend.asked
    return finding.model_copy(update={"questions": tuple(question.command for question in backend.asked)})


def judged(control: Control, values: Values, facts: Facts | None, host: Host) -> Finding:
    """The finding of one control on any host of testinfra, without waivers; what it asked is not told."""
    expectation = control.expectation(values)
    expected = expectation.words if expectation else ""
    if control.needs_root and facts is not None and not facts.is_root:
        return Finding(control=control.id, outcome=Outcome.ERROR, expected=expected, reason="needs root")
    observed: JsonValue = None
    try:
        observed = observation(control.observe(host))
        outcome, reason = _judged(expectation, observed)
    except NotApplicable as why:
        outcome, reason = Outcome.NOTAPPLICABLE, one_line(str(why))
    except (NoAnswer, CouldNotLook) as why:
        outcome, reason = Outcome.ERROR, one_line(str(why))
    except Exception as error:  # noqa: BLE001  (an answer nobody foresaw must cost one control, not the audit)
        outcome, reason = Outcome.ERROR, one_line(f"the answer could not be read: {type(error).__name__}: {error}")
    return Finding(control=control.id, outcome=outcome, observed=observed, expected=expected, reason=reason)


def _held_back(
    control: Control,
    values: Values,
    facts: Facts,
    answers: Mapping[str, Answer],
    missing: dict[Question, None],
    asked: dict[Question, None],
) -> HeldBack | None:
    """What speaks against the remedy of a control that fails here, after noting the questions that are still missing.

    Where one of them cannot be answered the remedy is held back, for nobody knows what it would do.
    """
    for hazard in control.hazards:
        host, backend = host_of(answers)
        try:
            found = hazard(host, facts, values)
        except Unanswered as unanswered:
            missing[unanswered.question] = None
            found = None
        except Exception as error:  # noqa: BLE001  (whatever a target answers: what it would do is not known)
            reason = one_line(f"what it would do here could not be looked at: {str(error) or type(error).__name__}")
            found = HeldBack(reason=reason, go_on="see that the target can be asked")
        asked |= backend.asked
        if found is not None:
            return found
    return None


def _judged(expectation: Expectation | None, observed: JsonValue) -> tuple[Outcome, str]:
    if expectation is None:
        return Outcome.INFORMATIONAL, "a person decides, from the evidence"
    complaints = expectation.complaints(observed)
    return (Outcome.FAIL, "; ".join(complaints)) if complaints else (Outcome.PASS, "")
