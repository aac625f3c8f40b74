"""The same proof on a container: in a file of its own, so that the other worker has it."""

from __future__ import annotations

import pytest

from tests.integration.proving import prove, soft_node


@pytest.mark.lab
def test_every_control_is_seen_failing_and_passing() -> None:
    with soft_node("container12") as bench:
        prove(bench)
