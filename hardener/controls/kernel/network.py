"""How the network stack treats strangers, and which ways in there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Violation
from hardener.catalogue.expectations import nothing
from hardener.catalogue.kinds import HOST_KERNEL, review, sysctl
from hardener.controls.kernel.shared import KUBERNETES, LOW, MEDIUM, ROUTERS, references
from hardener.model import Disruption


def _both(*patterns: str) -> Sequence[str]:
    """Settings for the interfaces there are and for those to come."""
    return [pattern.format(scope) for pattern in patterns for scope in ("all", "default")]


def _network(subject: str, keys: Sequence[str], numbers: str, title: str, why: str, **more: Any) -> Control:
    """Settings of the network stack; ``numbers``: the benchmark's, then those of NIST where it is not SC-7."""
    number, _, nist = numbers.partition(" ")
    words = {"level": 1, "severity": MEDIUM, "references": references(number, nist=nist or "SC-7"), **more}
    return sysctl(*keys, subject=subject, title=title, why=why, **words)


def _wireless_interfaces(host: Host) -> JsonValue:
    kinds = '[ -e "$path/phy80211" ] || [ -e "$path/wireless" ]'
    return [
        *seen.ask(host, f'for path in /sys/class/net/*; do if {kinds}; then echo "${{path##*/}}"; fi; done').split()
    ]


def _ipv6(host: Host) -> JsonValue:
    """Whether the kernel speaks IPv6, and the addresses that do."""
    disabled = seen.ask(host, "sysctl --ignore --values net.ipv6.conf.all.disable_ipv6").strip()
    addresses = seen.ask(host, "ip -6 -brief address show scope global")
    return {"disabled": disabled or "no such setting", "global addresses": [*addresses.splitlines()]}


CONTROLS = [
    review(
        "ipv6-use",
        _ipv6,
        title="It is known whether IPv6 is in use",
        why="A protocol nobody watches is a way around every rule that names only the other one.",
        level=1,
        severity=LOW,
        references=references("3.1.1", "3.1.1"),
    ),
    Control(
        subject="wireless",
        title="There is no wireless interface",
        why="A radio reaches past walls and firewalls.",
        level=1,
        severity=MEDIUM,
        references=references("3.1.2", nist="AC-18 CM-7"),
        observe=_wireless_interfaces,
        expect=lambda _: nothing(),
        remedy="None: switching a radio off may cut the only connection; a person decides, and blocks its driver.",
        is_remediable=False,
        unless=HOST_KERNEL,
        violation=Violation(["modprobe mac80211_hwsim radios=1"], undo=["modprobe --remove mac80211_hwsim"]),
    ),
    _network(
        "ip-forwarding",
        ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"),
        "3.3.1",
        "The host forwards no packets",
        "A host that routes joins networks that a firewall keeps apart.",
        unless=dict.fromkeys(ROUTERS, "the host routes for its pods and containers"),
    ),
    _network(
        "send-redirects",
        _both("net.ipv4.conf.{}.send_redirects"),
        "3.3.2",
        "The host sends no ICMP redirects",
        "Only routers tell others where to send; from a server it is an attacker speaking.",
    ),
    _network(
        "bogus-icmp",
        ("net.ipv4.icmp_ignore_bogus_error_responses",),
        "3.3.3 SC-5",
        "Malformed ICMP errors are ignored",
        "Otherwise each of them is logged, and a stranger can fill the logs.",
        severity=LOW,
    ),
    _network(
        "broadcast-icmp",
        ("net.ipv4.icmp_echo_ignore_broadcasts",),
        "3.3.4 SC-5",
        "Pings to a broadcast address are ignored",
        "One forged ping would make every host of a network answer the victim.",
    ),
    _network(
        "accept-redirects",
        _both("net.ipv4.conf.{}.accept_redirects", "net.ipv6.conf.{}.accept_redirects"),
        "3.3.5",
        "ICMP redirects are not obeyed",
        "A neighbour could lead the host's traffic through himself.",
    ),
    _network(
        "secure-redirects",
        _both("net.ipv4.conf.{}.secure_redirects"),
        "3.3.6",
        "ICMP redirects of gateways are not obeyed either",
        "The sender's address is forged as easily as any other.",
    ),
    _network(
        "reverse-path",
        _both("net.ipv4.conf.{}.rp_filter"),
        "3.3.7",
        "Packets have to come from where an answer would go",
        "A forged sender is the first step of many attacks; the host can see through most of them.",
        disruption=Disruption.LOCKOUT,
        unless=dict.fromkeys(KUBERNETES, "pods' packets take one way in and another out with several network plugins"),
    ),
    _network(
        "source-route",
        _both("net.ipv4.conf.{}.accept_source_route", "net.ipv6.conf.{}.accept_source_route"),
        "3.3.8",
        "Packets that dictate their route are dropped",
        "Such a packet reaches addresses that routing keeps out of reach.",
    ),
    _network(
        "log-martians",
        _both("net.ipv4.conf.{}.log_martians"),
        "3.3.9 AU-12 SI-4",
        "Packets with impossible addresses are logged",
        "They are the trace a forger leaves.",
        severity=LOW,
        unless=dict.fromkeys(
            KUBERNETES, "packets of an overlay network look impossible to the host and would flood its journal"
        ),
    ),
    _network(
        "syn-cookies",
        ("net.ipv4.tcp_syncookies",),
        "3.3.10 SC-5",
        "SYN cookies hold off floods of half-open connections",
        "A few thousand forged packets a second would otherwise fill the queue and keep everybody out.",
    ),
    _network(
        "router-advertisements",
        _both("net.ipv6.conf.{}.accept_ra"),
        "3.3.11",
        "IPv6 router advertisements are not obeyed",
        "Anybody on the link can announce himself as the router.",
        disruption=Disruption.LOCKOUT,
        unless=dict.fromkeys(KUBERNETES, "nodes that learn their IPv6 route from advertisements would lose it"),
    ),
]
