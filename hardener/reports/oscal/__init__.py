"""A run as OSCAL assessment results: one result a target, with its observations, findings and risks.

A result a target, so that a fleet is written target by target. Every UUID is made of names that stay (version 5), so
that the same run has the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hardener.model import Run, TargetResult
from hardener.reports.arranged import narrowed_words
from hardener.reports.interchange import encoded, instant, streamed, words
from hardener.reports.oscal.naming import Told, Whole, markup, own, uuid
from hardener.reports.oscal.target import target_result

VERSION = "1.1.3"


def render(run: Run, results: Iterable[TargetResult]) -> Iterator[bytes]:
    """The run as assessment results; the same run gives the same bytes."""
    told = ("excerpt", run.scope.excerpt) if run.scope.excerpt else ()
    head = {
        "uuid": uuid(run.id, *told),
        "metadata": _metadata(run),
        "import-ap": {"href": f"#{uuid(run.id, 'plan')}"},
    }
    whole = Whole(run)
    yield b'{\n"assessment-results":'
    yield from streamed(head, "results", (target_result(Told(whole, result)) for result in results))
    yield b',"back-matter":' + encoded({"resources": [_plan(run)]}) + b"}}\n"


def _metadata(run: Run) -> Mapping[str, Any]:
    people = [run.operator, *(name for item in run.waivers for name in (item.requested_by, item.approved_by))]
    return {
        "title": markup(f"{run.kind.value} {run.id} with profile {run.profile}"),
        "last-modified": instant(run.finished),
        "version": words(run.id),
        "oscal-version": VERSION,
        "props": [own("tool-version", run.tool_version), own("profile", run.profile)],
        "parties": [
            {"uuid": uuid("person", name), "type": "person", "name": words(name)} for name in dict.fromkeys(people)
        ],
    }


def _plan(run: Run) -> Mapping[str, str]:
    """What stands for an assessment plan: OSCAL wants one named, and the selection of a run is all there is."""
    scope = ", ".join(run.scope.inventories) or "this machine"
    narrowed = f", {words}" if (words := narrowed_words(run.scope)) else ""
    return {
        "uuid": uuid(run.id, "plan"),
        "title": "What was asked to be looked at",
        "description": markup(f"Profile {run.profile}, controls {run.scope.controls}, inventory {scope}{narrowed}."),
    }
