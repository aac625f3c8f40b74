"""An apply of controls chosen by name, on a container node that lacks the packages their remedies configure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from hardener import lab
from hardener.model import Outcome
from tests.integration.proving import Bench, failing

pytestmark = pytest.mark.lab


@pytest.fixture
def node(request: pytest.FixtureRequest) -> Iterator[lab.Node]:
    """A soft container node of the name given, gone with the test."""
    lab.down(request.param)
    yield lab.up(request.param, kind="container", release="12", progress=print)
    lab.down(request.param)


@pytest.mark.parametrize("node", ["chosen12"], indirect=True)
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


@pytest.mark.parametrize("node", ["sudoless12"], indirect=True)
def test_a_node_without_sudo_needs_one_apply(node: lab.Node) -> None:
    lab.run(node, "SUDO_FORCE_REMOVE=yes apt-get -q -y purge sudo", seconds=120)
    inventory = yaml.safe_load(node.inventory.read_text())
    inventory["lab"]["hosts"][node.name] |= {"ansible_user": "root", "ansible_become": False}
    node.inventory.write_text(yaml.safe_dump(inventory))
    bench = Bench.of(node, pattern="sudo-*")
    planned = {change.control for change in bench.plan().changes}
    assert {"packages-sudo", "sudo-pty", "sudo-log"} <= planned
    result = bench.apply()
    assert not failing(result)
    assert planned == {finding.control for finding in result.findings if finding.outcome is Outcome.FIXED}
    assert not bench.plan().changes
