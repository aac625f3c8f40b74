"""The same probes asked the usual way: stock testinfra over SSH, a channel for every command."""

from __future__ import annotations

import socket

from testinfra.backend import get_backend
from testinfra.host import Host

from hardener import lab
from hardener.catalogue.control import Control, CouldNotLook, NotApplicable
from hardener.model import Outcome, TargetResult
from tests.integration.proving import Bench


def stock_host(node: lab.Node, *, without_delay: bool = False) -> Host:
    """Stock testinfra's paramiko backend with sudo; optionally without Nagle's delay, which it leaves on."""
    # Not testinfra.get_host, which hands out one host for ever, its closed connection with it.
    address = f"paramiko://{node.user}@{node.address}:{node.port}"
    host = Host(get_backend(address, ssh_identity_file=str(node.key_file), sudo=True))
    if without_delay:
        transport = host.backend.client.get_transport()
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return host


def stock_outcomes(host: Host, bench: Bench, result: TargetResult) -> dict[str, Outcome]:
    """What stock testinfra finds of every control that our audit looked at."""
    catalogue, values = bench.conductor.selection.catalogue, bench.target.values
    looked_at = [item.control for item in result.findings if item.questions]
    return {name: _outcome(host, catalogue[name], values) for name in looked_at}


def _outcome(host: Host, control: Control, values: object) -> Outcome:
    expectation = control.expectation(values)  # type: ignore[arg-type]
    try:
        observed = control.observe(host)
    except NotApplicable:
        return Outcome.NOTAPPLICABLE
    except CouldNotLook:
        return Outcome.ERROR
    if expectation is None:
        return Outcome.INFORMATIONAL
    return Outcome.PASS if expectation.accepts(observed) else Outcome.FAIL
