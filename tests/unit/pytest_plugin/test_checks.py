"""A host of testinfra is judged as an audit judges what it answered, by what the inventory says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.audit import examine
from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.errors import ConfigError, InventoryError
from hardener.model import Answer, Outcome
from hardener.pytest_plugin.checks import Checks
from hardener.selection import Selection
from hardener.transcript import host_of
from tests.unit.test_transcripts import HARDENED, TARGET, answers_of


def checks(pattern: str = "*", *inventories: str) -> Checks:
    return Checks.of("cis-level1", pattern=pattern, site=None, inventories=inventories)


def test_a_host_is_judged_as_an_audit_judges_it() -> None:
    answers, held_to = answers_of(HARDENED), checks()
    catalogue = discover()
    selection = Selection(catalogue, load_profile("cis-level1", catalogue))
    audited = {item.control: item for item in examine(selection, TARGET, answers).findings}
    host, _ = host_of(answers)
    found = {name: held_to.finding(name, host) for name in held_to.controls()}
    assert len(found) > 200
    assert {name: (item.outcome, item.reason) for name, item in found.items()} == {
        name: (audited[name].outcome, audited[name].reason) for name in found
    }


def test_a_host_has_the_values_of_its_name_in_the_inventory(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {transcript: {sshd_options: {maxauthtries: 2}}}}")
    host, _ = host_of(answers_of(HARDENED))
    assert checks("sshd-maxauthtries", str(inventory)).finding("sshd-maxauthtries", host).outcome is Outcome.FAIL
    assert checks("sshd-maxauthtries").finding("sshd-maxauthtries", host).outcome is Outcome.PASS


def test_of_another_system_no_test_passes() -> None:
    other = Answer(exit_status=0, stdout=b"ID=alpine\nVERSION_ID=3.20.3\n")
    host, _ = host_of({**answers_of(HARDENED), "cat /etc/os-release": other})
    found = checks("sshd-*").finding("sshd-maxauthtries", host)
    assert found.outcome is Outcome.ERROR
    assert found.reason.startswith("nothing here is about alpine 3.20.3")


def test_what_is_wrong_is_an_error_before_any_host_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no control is called 'nonsense'"):
        checks("nonsense")
    with pytest.raises(InventoryError, match="no such file"):
        checks("*", str(tmp_path / "none.yml"))
