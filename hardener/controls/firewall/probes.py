"""What the controls about the firewall ask: our table as it is loaded, and as the next boot loads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import CouldNotLook, Host
from hardener.catalogue.expectations import AFTER_REBOOT, NOW
from hardener.catalogue.sshd_ports import sshd_ports
from hardener.untrusted import number

FILE = "/etc/hardener/firewall.nft"
TABLE = "inet hardener"
OTHERS = ("ufw", "firewalld", "netfilter-persistent")
"""Firewalls that may be in charge of a host."""
LOOPBACK_RULES = ('iif "lo" accept', "ip saddr 127.0.0.0/8 drop", "ip6 saddr ::1 drop")

Chains = Mapping[str, Mapping[str, Any]]


def loaded_table(host: Host) -> Chains | None:
    """The chains of our table; ``None`` where there is no such table, or nothing that could have loaded it."""
    result = host.run(f"nft --stateless --terse list table {TABLE}")
    if result.rc == 0:
        return read_table(result.stdout)
    if result.rc == seen.COMMAND_NOT_FOUND or "No such file or directory" in result.stderr:
        return None
    raise CouldNotLook(f"nft failed with status {result.rc}: {result.stderr.strip()}")


def table_at_boot(host: Host) -> Chains | None:
    """The chains the next boot loads: the file, loaded into an empty network namespace of its own."""
    load = f"nft --file {FILE} && nft --stateless --terse list table {TABLE}"
    result = host.run(f"[ -e {FILE} ] || exit 4; command -v nft >/dev/null || exit 4; unshare --net sh -c '{load}'")
    if result.rc == 0:
        return read_table(result.stdout)
    if result.rc == 4:
        return None
    if "Error:" in result.stderr:  # nft refuses the file, and will at the next boot
        return None
    raise CouldNotLook(f"unshare or nft failed with status {result.rc}: {result.stderr.strip()}")


def rules_of_others(host: Host) -> Mapping[str, Sequence[str]]:
    """Other firewall that is at work → its rules, as its own program tells them."""
    found: dict[str, Sequence[str]] = {}
    active = seen.unit_active_states(host, "firewalld.service", "netfilter-persistent.service")
    if "ufw" in seen.installed_packages(host):
        told = seen.ask(host, "ufw status").splitlines()
        if told[:1] == ["Status: active"]:
            found["ufw"] = [
                " ".join(line.split()) for line in told[1:] if re.search(r" (ALLOW|DENY|REJECT|LIMIT)", line)
            ]
    if active.get("firewalld.service") == "active":
        zone = [line.strip() for line in seen.ask(host, "firewall-cmd --list-all").splitlines()]
        found["firewalld"] = [line for line in zone if re.match(r"(services|ports|sources|rich rules): \S|rule ", line)]
    if active.get("netfilter-persistent.service") == "active":
        rules = seen.ask(host, "iptables-save && ip6tables-save").splitlines()
        found["netfilter-persistent"] = [line for line in rules if line.startswith("-A ")]
    return found


def read_table(listing: str) -> Chains:
    """Chain → ``hook``, ``policy`` and ``rules`` (as nft prints them, without comments), from ``nft list table``."""
    chains: dict[str, dict[str, Any]] = {}
    for line in map(str.strip, listing.splitlines()):
        if match := re.fullmatch(r"chain (\S+) \{", line):
            chains[match[1]] = {"hook": None, "policy": None, "rules": []}
        elif match := re.fullmatch(r"type \w+ hook (\w+) priority [^;]+;(?: policy (\w+);)?", line):
            list(chains.values())[-1].update(hook=match[1], policy=match[2] or "accept")
        elif chains and line not in {"", "}"}:
            list(chains.values())[-1]["rules"].append(line)
    return chains


def both(summary: Callable[[Chains], JsonValue]) -> Callable[[Host], JsonValue]:
    """Something about our table, as it is loaded and as the next boot loads it; ``None`` where there is none."""

    def observe(host: Host) -> JsonValue:
        loaded, at_boot = loaded_table(host), table_at_boot(host)
        return {
            NOW: None if loaded is None else summary(loaded),
            AFTER_REBOOT: None if at_boot is None else summary(at_boot),
        }

    return observe


def hooks(chains: Chains) -> JsonValue:
    """The hooks of the kernel at which our table has a chain."""
    return sorted(chain["hook"] for chain in chains.values() if chain["hook"])


def policy(hook: str) -> Callable[[Chains], JsonValue]:
    """What happens at a hook to packets no rule accepts; ``None`` without a chain there."""

    def summary(chains: Chains) -> JsonValue:
        return next((chain["policy"] for chain in chains.values() if chain["hook"] == hook), None)

    return summary


def loopback(chains: Chains) -> JsonValue:
    """The rules about loopback of the input chain that are there, in their order."""
    rules = chains.get("input", {}).get("rules", ())
    return [rule for rule in rules if rule in LOOPBACK_RULES]


def accepted_ports(chains: Chains) -> JsonValue:
    """The ports a rule marked as ours for ssh accepts."""
    rules = [rule for chain in chains.values() for rule in chain["rules"] if 'comment "ssh"' in rule]
    ports = [re.findall(r"\d+", match[1]) for rule in rules if (match := re.search(r"dport (\{[^{}]*\}|\d+)", rule))]
    return [*sorted({number(port) for found in ports for port in found})]


def ssh(host: Host) -> JsonValue:
    """The ports sshd listens on, and those our table accepts."""
    ports = sshd_ports(host)
    return {"sshd listens on": [*sorted(ports)], "accepted": both(accepted_ports)(host)}


def differing_chains(host: Host) -> JsonValue:
    """The chains that differ between now and the next boot; ``None`` where one of both has no table."""
    loaded, at_boot = loaded_table(host), table_at_boot(host)
    if loaded is None or at_boot is None:
        return None
    names = sorted({*loaded, *at_boot})
    return [name for name in names if loaded.get(name) != at_boot.get(name)]


def legacy_tables(host: Host) -> JsonValue:
    """The tables of the old packet filter in the kernel: none of them has rules unless somebody uses it."""
    names = ("ip", "ip6")
    return {
        name: [*seen.ask(host, f"[ ! -e /proc/net/{name}_tables_names ] || cat /proc/net/{name}_tables_names").split()]
        for name in names
    }


def connection_rules(host: Host) -> JsonValue:
    """The rules about packets to and from the host."""
    chains = loaded_table(host) or {}
    return {name: [*chain["rules"]] for name, chain in chains.items() if chain["hook"] in {"input", "output"}}
