"""How the network stack treats strangers, and which ways in there are."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Violation
from hardener.catalogue.expectations import nothing
from hardener.catalogue.kinds import HOST_KERNEL, review, sysctl
from hardener.controls.kernel.shared import KUBERNETES, LOW, MEDIUM, ROUTERS
from hardener.model import Disruption


def _both(*patterns: str) -> Sequence[str]:
    """Settings for the interfaces there are and for those to come."""
    return [pattern.format(scope) for pattern in patterns for scope in ("all", "default")]


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
        severity=LOW,
    ),
    Control(
        subject="wireless",
        title="There is no wireless interface",
        why="A radio reaches past walls and firewalls.",
        severity=MEDIUM,
        observe=_wireless_interfaces,
        expect=lambda _: nothing(),
        remedy="None: switching a radio off may cut the only connection; a person decides, and blocks its driver.",
        is_remediable=False,
        unless=HOST_KERNEL,
        violation=Violation(["modprobe mac80211_hwsim radios=1"], undo=["modprobe --remove mac80211_hwsim"]),
    ),
    sysctl(
        "net.ipv4.ip_forward",
        "net.ipv6.conf.all.forwarding",
        subject="ip-forwarding",
        title="The host forwards no packets",
        why="A host that routes joins networks that a firewall keeps apart.",
        severity=MEDIUM,
        unless=dict.fromkeys(ROUTERS, "the host routes for its pods and containers"),
    ),
    sysctl(
        *_both("net.ipv4.conf.{}.send_redirects"),
        subject="send-redirects",
        title="The host sends no ICMP redirects",
        why="Only routers tell others where to send; from a server it is an attacker speaking.",
        severity=MEDIUM,
    ),
    sysctl(
        "net.ipv4.icmp_ignore_bogus_error_responses",
        subject="bogus-icmp",
        title="Malformed ICMP errors are ignored",
        why="Otherwise each of them is logged, and a stranger can fill the logs.",
        severity=LOW,
    ),
    sysctl(
        "net.ipv4.icmp_echo_ignore_broadcasts",
        subject="broadcast-icmp",
        title="Pings to a broadcast address are ignored",
        why="One forged ping would make every host of a network answer the victim.",
        severity=MEDIUM,
    ),
    sysctl(
        *_both("net.ipv4.conf.{}.accept_redirects", "net.ipv6.conf.{}.accept_redirects"),
        subject="accept-redirects",
        title="ICMP redirects are not obeyed",
        why="A neighbour could lead the host's traffic through himself.",
        severity=MEDIUM,
    ),
    sysctl(
        *_both("net.ipv4.conf.{}.secure_redirects"),
        subject="secure-redirects",
        title="ICMP redirects of gateways are not obeyed either",
        why="The sender's address is forged as easily as any other.",
        severity=MEDIUM,
    ),
    sysctl(
        *_both("net.ipv4.conf.{}.rp_filter"),
        subject="reverse-path",
        title="Packets have to come from where an answer would go",
        why="A forged sender is the first step of many attacks; the host can see through most of them.",
        severity=MEDIUM,
        disruption=Disruption.LOCKOUT,
        unless=dict.fromkeys(KUBERNETES, "pods' packets take one way in and another out with several network plugins"),
    ),
    sysctl(
        *_both("net.ipv4.conf.{}.accept_source_route", "net.ipv6.conf.{}.accept_source_route"),
        subject="source-route",
        title="Packets that dictate their route are dropped",
        why="Such a packet reaches addresses that routing keeps out of reach.",
        severity=MEDIUM,
    ),
    sysctl(
        *_both("net.ipv4.conf.{}.log_martians"),
        subject="log-martians",
        title="Packets with impossible addresses are logged",
        why="They are the trace a forger leaves.",
        severity=LOW,
        unless=dict.fromkeys(
            KUBERNETES, "packets of an overlay network look impossible to the host and would flood its journal"
        ),
    ),
    sysctl(
        "net.ipv4.tcp_syncookies",
        subject="syn-cookies",
        title="SYN cookies hold off floods of half-open connections",
        why="A few thousand forged packets a second would otherwise fill the queue and keep everybody out.",
        severity=MEDIUM,
    ),
    sysctl(
        *_both("net.ipv6.conf.{}.accept_ra"),
        subject="router-advertisements",
        title="IPv6 router advertisements are not obeyed",
        why="Anybody on the link can announce himself as the router.",
        severity=MEDIUM,
        disruption=Disruption.LOCKOUT,
        unless=dict.fromkeys(KUBERNETES, "nodes that learn their IPv6 route from advertisements would lose it"),
    ),
]
