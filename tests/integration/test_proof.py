"""Every control seen failing and passing on a virtual machine: for most of the time, one worker is at nothing else."""

from __future__ import annotations

import os

import pytest

from tests.integration.proving import prove, soft_node

NODES = os.environ.get("HARDENER_PROOF_NODES", "vm12").split()
"""Kinds and releases to prove on: `make proof` names them all."""


@pytest.mark.lab
@pytest.mark.parametrize("node", NODES)
def test_every_control_is_seen_failing_and_passing(node: str) -> None:
    with soft_node(node) as bench:
        prove(bench)
