"""Whole audits of real nodes, replayed: what was seen of a soft and of a hardened one leads to the same verdicts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from hardener.audit import examine
from hardener.catalogue import observations
from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.content import roles_directory
from hardener.inventory import role_defaults
from hardener.model import Answer, Connection, Outcome, Target, Transcript
from hardener.plan import Selection
from hardener.transcript import host_of

RECORDED = sorted((Path(__file__).parent.parent / "transcripts").glob("*.json.gz"))
CATALOGUE = discover()
SELECTION = Selection(catalogue=CATALOGUE, profile=load_profile("cis-level2", CATALOGUE))
TARGET = Target(name="replay", connection=Connection(host="replay"), values=role_defaults(roles_directory()))


def answers_of(file: Path) -> Mapping[str, Answer]:
    return Transcript.model_validate(json.loads(gzip.decompress(file.read_bytes()))).answers


def replayed(file: Path) -> dict[str, Outcome]:
    return {item.control: item.outcome for item in examine(SELECTION, TARGET, answers_of(file)).findings}


def test_the_units_of_one_question_are_those_that_controls_are_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    def noting(question: Callable[[tuple[str, ...]], str]) -> Callable[[tuple[str, ...]], str]:
        def noted(units: tuple[str, ...] = ()) -> str:
            asked.update(units)
            return question(units)

        return noted

    class Silent(dict[str, Answer]):
        """Says nothing to whatever else is asked, so that controls nobody chose there are seen asking as well."""

        def get(self, command: str, _default: object = None) -> Answer:
            return super().get(command) or Answer(exit_status=0)

    for name in ("unit_files_question", "active_units_question"):
        monkeypatch.setattr(observations, name, noting(getattr(observations, name)))
    for file in RECORDED:
        for control in CATALOGUE.values():
            with suppress(Exception):
                control.observe(host_of(Silent(answers_of(file)))[0])
    assert asked == observations.OUR_UNITS


def test_both_states_of_both_kinds_of_node_are_recorded() -> None:
    names = {file.name.removesuffix(".json.gz") for file in RECORDED}
    assert names >= {"container12-soft", "container12-hardened", "vm12-soft", "vm12-hardened"}


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.name.removesuffix(".json.gz"))
def test_nothing_is_unknown_and_manual_controls_never_pass(file: Path) -> None:
    outcomes = replayed(file)
    assert not examine(SELECTION, TARGET, answers_of(file)).missing, "a question was changed and not recorded anew"
    assert not [name for name, outcome in outcomes.items() if outcome in {Outcome.ERROR, Outcome.UNKNOWN}]
    manual = {name for name in outcomes if CATALOGUE[name].is_manual}
    assert {outcomes[name] for name in manual} <= {Outcome.INFORMATIONAL, Outcome.NOTAPPLICABLE}


@pytest.mark.parametrize("kind", ["container12", "vm12"])
def test_the_soft_node_fails_where_the_hardened_one_passes(kind: str) -> None:
    soft, hardened = (replayed(file) for file in sorted(RECORDED, reverse=True) if file.name.startswith(kind))
    remediable = {name for name, control in CATALOGUE.items() if control.is_remediable}
    failing, left = (
        {name for name, outcome in outcomes.items() if outcome is Outcome.FAIL} & remediable
        for outcomes in (soft, hardened)
    )
    assert len(failing) > 80
    assert not left
    assert failing <= {name for name, outcome in hardened.items() if outcome is Outcome.PASS}
