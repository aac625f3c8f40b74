"""Every control seen failing and passing on a real node, and still passing after a reboot."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hardener import lab
from tests.integration.alive import live_a_day, prove_alive
from tests.integration.proving import CONTROLS, Bench, applicable, failing, not_failing, waiting_for_reboot

NODES = os.environ.get("HARDENER_PROOF_NODES", "container12 vm12").split()
"""Kinds and releases to prove on: `make proof` names them all."""
NAME = os.environ.get("HARDENER_PROOF_NAME", "proof")
"""What the nodes are called, so that two proofs can run side by side."""


@pytest.fixture(params=NODES)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A fresh soft node, gone with the test."""
    kind, release = request.param[:-2], request.param[-2:]
    name = f"{NAME}-{request.param}"
    lab.down(name)
    try:
        yield Bench.of(lab.up(name, kind=kind, release=release, progress=print))
    finally:
        lab.down(name)


@pytest.mark.lab
def test_every_control_is_seen_failing_and_passing(bench: Bench) -> None:
    soft = bench.audit()
    bench.record("soft", soft)
    assert len(failing(soft)) > 20 or CONTROLS != "*", "the node is not soft enough to prove anything"

    hardened = bench.apply()
    remediable, for_a_person = applicable(bench, hardened)
    assert not failing(hardened).keys() - waiting_for_reboot(bench, hardened)
    print(f"first apply: {hardened.tasks} tasks, {len(hardened.changes)} changes")

    lab.reboot(bench.node)
    rebooted = bench.audit()
    bench.record("hardened", rebooted)
    assert not failing(rebooted)
    live_a_day(bench.node)
    prove_alive(bench.node)

    runs = bench.playbook.runs
    assert not bench.apply().changes
    assert bench.playbook.runs == runs, "a compliant node must run no Ansible"

    bench.violate(remediable)
    assert not not_failing(bench.audit(), remediable)
    assert not failing(bench.apply())

    bench.violate(for_a_person)
    assert not not_failing(bench.audit(), for_a_person)
    bench.undo(for_a_person)
    assert not failing(bench.audit())
    print(f"proven {len(remediable) + len(for_a_person)} automated controls on {bench.node.name}")
