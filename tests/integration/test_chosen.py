"""An apply of controls chosen by name, on a container node that lacks the packages their remedies configure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hardener import lab
from hardener.model import Outcome
from tests.integration.proving import Bench, failing

pytestmark = pytest.mark.lab


@pytest.fixture
def node() -> Iterator[lab.Node]:
    """A soft container node, gone with the test."""
    lab.down("chosen12")
    yield lab.up("chosen12", kind="container", release="12", progress=print)
    lab.down("chosen12")


def test_controls_chosen_alone_pass_with_what_their_remedies_need(node: lab.Node) -> None:
    bench = Bench.of(node, pattern="pa[mt]*")  # pam and patching, and not packages
    planned = {change.control for change in bench.plan().changes}
    result = bench.apply()
    assert not failing(result)
    assert planned == {finding.control for finding in result.findings if finding.outcome is Outcome.FIXED}
    assert {name for name in planned if name.startswith("packages-")} == {
        "packages-libpam-pwquality",
        "packages-unattended-upgrades",
    }
