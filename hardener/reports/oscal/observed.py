"""Observations: one for each control that was looked at, and one for each command, which is the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from hardener.model import Answer, Finding
from hardener.reports.interchange import observed_words
from hardener.reports.oscal.naming import NOT_SATISFIED, Told, markup, own

LONGEST_EXCERPT = 500
"""Bytes of one output; the digest is of all of it."""


def observation_of(told: Told, finding: Finding) -> Mapping[str, Any]:
    """What was observed of one control, and by which commands."""
    observed = observed_words(finding)
    evidence = [
        {"href": f"#{told.uuid('answer', command)}", "description": markup(command)} for command in finding.questions
    ]
    return {
        "uuid": told.uuid("observation", finding.control),
        "title": markup(finding.control),
        "description": markup(finding.reason or f"Observed {observed}."),
        "props": [
            own("outcome", finding.outcome.value),
            own("observed", observed),
            own("expected", finding.expected),
        ],
        "methods": ["TEST"],
        "types": ["finding" if finding.outcome in NOT_SATISFIED else "control-objective"],
        **told.seen,
        **({"relevant-evidence": evidence} if evidence else {}),
    }


def answer_to(told: Told, command: str) -> Mapping[str, Any]:
    """One command and its answer, on which many findings may rest."""
    answer = told.result.transcript.answers.get(command)
    return {
        "uuid": told.uuid("answer", command),
        "description": "No answer." if answer is None else markup(_excerpt(answer)),
        "props": [own("command", command), *([] if answer is None else _digests(answer))],
        "methods": ["EXAMINE"],
        **told.seen,
    }


def _excerpt(answer: Answer) -> str:
    status = "did not finish" if answer.exit_status is None else f"exit status {answer.exit_status}"
    told = f"{status}, {answer.problem}" if answer.problem else status
    outputs = (("output", answer.stdout), ("error output", answer.stderr))
    return "; ".join([told, *(f"{name}: {_beginning(data)}" for name, data in outputs if data)])


def _beginning(data: bytes) -> str:
    return data[:LONGEST_EXCERPT].decode("utf-8", "backslashreplace")


def _digests(answer: Answer) -> list[dict[str, str]]:
    outputs = (("stdout", answer.stdout), ("stderr", answer.stderr))
    return [own(f"{name}-sha256", sha256(data).hexdigest()) for name, data in outputs if data]
