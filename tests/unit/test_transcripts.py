"""Whole audits of real nodes, replayed: what was seen of a soft and of a hardened one leads to the same verdicts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hardener.audit import CONNECTION, LAST_RUN, LISTENERS, examine
from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.content import roles_directory
from hardener.inventory import role_defaults
from hardener.model import Answer, Connection, Outcome, Target, Transcript
from hardener.plan import Selection

RECORDED = sorted((Path(__file__).parent.parent / "transcripts").glob("*.json.gz"))
CATALOGUE = discover()
SELECTION = Selection(catalogue=CATALOGUE, profile=load_profile("cis-level2", CATALOGUE))
TARGET = Target(name="replay", connection=Connection(host="replay"), values=role_defaults(roles_directory()))


NEWER = {question: Answer(exit_status=0) for question in (CONNECTION, LAST_RUN, LISTENERS)}


def replayed(file: Path) -> dict[str, Outcome]:
    transcript = Transcript.model_validate(json.loads(gzip.decompress(file.read_bytes())))
    return {
        item.control: item.outcome
        for item in examine(SELECTION, TARGET, {**NEWER, **transcript.answers}).findings
        if CATALOGUE[item.control].role in {"kernel", "mounts", "services", "sshd"}
    }


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
    assert sum(outcome is Outcome.FAIL for outcome in soft.values()) > 20
    assert Outcome.FAIL not in hardened.values()
    assert {name for name, outcome in soft.items() if outcome is Outcome.FAIL} <= {
        name for name, outcome in hardened.items() if outcome is Outcome.PASS
    }
