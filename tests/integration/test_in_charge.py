"""What is in charge of a real node stays so, and what it is there for, until the site says otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from hardener import lab
from hardener.model import HeldBack, Outcome, TargetResult
from tests.integration.proving import Bench

pytestmark = pytest.mark.lab

PATTERN = "[fls][ioe][rg]*"
"""The firewall, logging and services: firewall-*, logging-*, services-*."""
SITE = r"""
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get install --yes --no-install-recommends nginx-light ufw rsyslog >/dev/null
ufw allow 22/tcp >/dev/null
ufw allow 80/tcp >/dev/null
ufw --force enable >/dev/null
printf '*.* @192.0.2.9:514\n' > /etc/rsyslog.d/siem.conf
systemctl restart rsyslog.service
systemctl enable --quiet --now nginx.service
"""
SERVED: Mapping[str, Any] = {
    "services_listening": {"allowed": ["tcp * sshd", "tcp 80 nginx", "udp 68 *", "udp 546 *"]},
    "firewall_services": {"inbound": {"http": {"protocol": "tcp", "ports": [80]}}},
}
REPLACED: Mapping[str, Any] = {
    "firewall_others": {"ufw": "replaced"},
    "logging_others": {"rsyslog.service": "replaced"},
}


def bench_with(node: lab.Node, **values: Any) -> Bench:
    """The node, for which the inventory sets these values."""
    inventory = yaml.safe_load(node.inventory.read_text())
    inventory["lab"]["hosts"][node.name] |= values
    node.inventory.write_text(yaml.safe_dump(inventory))
    return Bench.of(node, pattern=PATTERN)


@pytest.fixture(scope="module")
def node() -> Iterator[lab.Node]:
    lab.down("charge-container12")
    node = lab.up("charge-container12", kind="container", release="12", progress=print)
    lab.run(node, SITE, seconds=300)
    yield node
    lab.down("charge-container12")


STATES = {
    "nginx": "systemctl is-active nginx.service",
    "ufw": "ufw status | head --lines=1",
    "rsyslog": "systemctl is-active rsyslog.service",
    "tables": "nft list tables",
}


@dataclass(frozen=True)
class Kept:
    """What came of an apply that knows what the node is there for, and what was in charge right after it."""

    result: TargetResult
    states: Mapping[str, str]
    is_served: bool


@pytest.fixture(scope="module")
def kept(node: lab.Node) -> Kept:
    result = bench_with(node, **SERVED).apply()
    states = {name: lab.run(node, script).stdout.strip() for name, script in STATES.items()}
    return Kept(result, states, serves(node))


def serves(node: lab.Node) -> bool:
    with urlopen(f"http://{node.address}/", timeout=10) as answer:
        return bool(answer.status == 200)


def held_back(result: TargetResult, control: str) -> HeldBack | None:
    return next(finding.held_back for finding in result.findings if finding.control == control)


def outcomes(result: TargetResult) -> Mapping[str, Outcome]:
    return {finding.control: finding.outcome for finding in result.findings}


def test_a_web_host_keeps_its_web_server(kept: Kept) -> None:
    assert outcomes(kept.result)["services-web-server"] is Outcome.PASS
    (ports,) = (finding for finding in kept.result.findings if finding.control == "services-ports")
    assert "nginx" not in ports.reason
    assert (kept.states["nginx"], kept.is_served) == ("active", True)


def test_a_firewall_in_charge_keeps_its_rules(kept: Kept) -> None:
    for control in ("firewall-single-engine", "firewall-ufw", "firewall-table", "firewall-input-policy"):
        found = held_back(kept.result, control)
        assert found is not None, control
        assert found.reason.startswith("ufw is in charge of the packet filter, and 4 rules of its own (22/tcp ALLOW")
    assert kept.states["ufw"] == "Status: active"
    assert "hardener" not in kept.states["tables"]


def test_a_syslog_daemon_that_sends_to_others_goes_on(kept: Kept) -> None:
    found = held_back(kept.result, "logging-one-system")
    assert found is not None
    assert "*.* @192.0.2.9:514" in found.reason
    assert kept.states["rsyslog"] == "active"


def test_what_the_site_says_is_replaced_and_what_it_serves_is_still_served(node: lab.Node, kept: Kept) -> None:
    assert kept.result.problem is None
    bench = bench_with(node, **REPLACED)
    touched = {sentence for change in bench.plan().changes for sentence in change.touches}
    assert any(sentence.startswith("rsyslog.service can be reached at udp ") for sentence in touched), touched
    result = bench.apply()
    found = outcomes(result)
    for control in ("firewall-single-engine", "firewall-table", "firewall-input-policy", "logging-one-system"):
        assert found[control] is Outcome.FIXED, control
    assert serves(node)
    states = lab.run(node, "systemctl is-active ufw.service rsyslog.service nginx.service || true").stdout.split()
    assert states == ["inactive", "inactive", "active"]
