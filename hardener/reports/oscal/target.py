"""The result of one target: what it is, who looked, and what was observed, judged and at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hardener.model import Finding, Outcome, score
from hardener.reports.arranged import score_words
from hardener.reports.interchange import TOOL, instant, words
from hardener.reports.oscal.judged import finding_of, risk_of
from hardener.reports.oscal.naming import NOT_SATISFIED, SATISFIED, Told, markup, own
from hardener.reports.oscal.observed import answer_to, observation_of


def target_result(told: Told) -> Mapping[str, Any]:
    """All there is about one target; lists that would be empty are left out, as OSCAL wants them."""
    run, result = told.whole.run, told.result
    looked = [item for item in result.findings if item.outcome is not Outcome.NOTSELECTED]
    questions = dict.fromkeys(command for item in looked for command in item.questions)
    lists = {
        "observations": [
            *(observation_of(told, item) for item in looked),
            *(answer_to(told, command) for command in questions),
        ],
        "risks": [risk_of(told, item) for item in looked if item.outcome is Outcome.FAIL],
        "findings": [finding_of(told, item) for item in looked if item.outcome in {*SATISFIED, *NOT_SATISFIED}],
    }
    return {
        "uuid": told.uuid("result"),
        "title": markup(result.target),
        "description": markup(result.problem or f"What was seen of {result.target}."),
        "start": instant(run.started),
        "end": instant(run.finished),
        "props": [
            own("score", score_words(score(result.findings, with_waivers=True))),
            own("score-without-waivers", score_words(score(result.findings, with_waivers=False))),
        ],
        "local-definitions": {"inventory-items": [_item(told)], "assessment-assets": _assets(told)},
        "reviewed-controls": {"control-selections": [_selected(told, looked)]},
        **{name: items for name, items in lists.items() if items},
    }


def _item(told: Told) -> Mapping[str, Any]:
    result = told.result
    props = [{"name": "asset-id", "value": words(result.target)}]
    if (facts := result.facts) is not None:
        props += [
            {"name": "os-name", "value": words(facts.platform.family)},
            {"name": "os-version", "value": words(facts.platform.release)},
            *([own("declared-as", str(facts.declared_as))] if facts.declared_as else ()),
            own("kernel", facts.kernel),
            own("machine-id", facts.machine_id),
            own("account", facts.operator),
            *(own("trait", trait) for trait in sorted(facts.traits)),
        ]
    props += [own("group", group) for group in result.groups]
    return {"uuid": told.uuid("item"), "description": markup(result.target), "props": props}


def _assets(told: Told) -> Mapping[str, Any]:
    """The tool as a component; each result has its own, since it can be defined nowhere above."""
    tool = {
        "uuid": told.uuid("tool"),
        "type": "software",
        "title": TOOL,
        "description": f"{TOOL} {markup(told.whole.run.tool_version)}",
        "status": {"state": "operational"},
    }
    platform = {"uuid": told.uuid("platform"), "uses-components": [{"component-uuid": told.uuid("tool")}]}
    return {"components": [tool], "assessment-platforms": [platform]}


def _selected(told: Told, looked: Sequence[Finding]) -> Mapping[str, Any]:
    """The controls that were looked at; all of the run's where a target has no finding at all."""
    ids = [finding.control for finding in looked] or [*told.whole.run.controls]
    return {"include-controls": [{"control-id": name} for name in ids]} if ids else {"include-all": {}}
