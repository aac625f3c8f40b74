"""Every control seen failing and passing on a virtual machine: for most of the time, one worker is at nothing else.

What a container can be judged by is broken there (``test_proof_container.py``), at a tenth of the time; ``make proof``
breaks it on virtual machines as well.
"""

from __future__ import annotations

import os

import pytest

from tests.integration.proving import judged_on, prove, soft_node

WHOLE = "HARDENER_PROOF_NODES" in os.environ
NODES = os.environ.get("HARDENER_PROOF_NODES", "vm12").split()
"""Kinds and releases to prove on: `make proof` names them all."""


@pytest.mark.lab
@pytest.mark.parametrize("node", NODES)
def test_every_control_is_seen_failing_and_passing(node: str) -> None:
    with soft_node(node) as bench:
        prove(bench, unbroken=() if WHOLE else judged_on(node.replace("vm", "container")))
