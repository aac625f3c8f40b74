"""Whole audits of real nodes, replayed: what was seen of a soft and of a hardened one leads to the same verdicts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hardener.audit import examine
from hardener.catalogue.discovery import discover
from hardener.catalogue.observations import unit_files_question
from hardener.catalogue.profiles import load_profile
from hardener.content import roles_directory
from hardener.inventory import role_defaults
from hardener.model import Connection, Outcome, Target, Transcript
from hardener.plan import Selection

RECORDED = sorted((Path(__file__).parent.parent / "transcripts").glob("*.json.gz"))
CATALOGUE = discover()
SELECTION = Selection(catalogue=CATALOGUE, profile=load_profile("cis-level2", CATALOGUE))
TARGET = Target(name="replay", connection=Connection(host="replay"), values=role_defaults(roles_directory()))


def replayed(file: Path) -> dict[str, Outcome]:
    transcript = Transcript.model_validate(json.loads(gzip.decompress(file.read_bytes())))
    return {item.control: item.outcome for item in examine(SELECTION, TARGET, transcript.answers).findings}


def test_the_unit_files_of_all_controls_are_asked_for_in_one_question() -> None:
    transcript = Transcript.model_validate(json.loads(gzip.decompress(RECORDED[0].read_bytes())))
    asked = [question.command for question in examine(SELECTION, TARGET, transcript.answers).asked]
    assert [command for command in asked if command.startswith("systemctl list-unit-files")] == [unit_files_question()]


def test_both_states_of_both_kinds_of_node_are_recorded() -> None:
    names = {file.name.removesuffix(".json.gz") for file in RECORDED}
    assert names >= {"container12-soft", "container12-hardened", "vm12-soft", "vm12-hardened"}


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.name.removesuffix(".json.gz"))
def test_nothing_is_unknown_and_manual_controls_never_pass(file: Path) -> None:
    outcomes = replayed(file)
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
