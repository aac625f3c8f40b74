"""The firewall of the host: one nftables table of our own, loaded before the network is; no other table is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from hardener.catalogue import hazards
from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.expectations import (
    AFTER_REBOOT,
    NOW,
    Expectation,
    equals,
    now_and_after_reboot,
    satisfying,
)
from hardener.catalogue.kinds import review, running_service, unneeded_service
from hardener.controls.firewall import probes
from hardener.model import Disruption, Facts, HeldBack, Severity, Trait, Values, counted, few

UNIT = "hardener-firewall.service"
KUBERNETES = dict.fromkeys(
    (Trait.KUBERNETES_WORKER, Trait.KUBERNETES_CONTROL_PLANE),
    "the cluster's network plugin decides which ports and networks its nodes need",
)
ROUTERS = {**KUBERNETES, Trait.CONTAINER_HOST: "its containers reach the network through it"}


# --- expectations -----------------------------------------------------------------------------------------------------


def _networks(_: object) -> Expectation:
    """A list of networks that is not empty, for it would let nobody in."""

    def complaints(networks: Sequence[str]) -> Sequence[str]:
        return [] if networks and all(ip_network(item, strict=False) for item in networks) else ["lists nothing"]

    return Expectation("a list of networks that is not empty", complaints)


def _services(_: object) -> Expectation:
    """Name → protocol, ports and networks."""
    known = {"protocol", "ports", "networks"}

    def complaints(services: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        return [
            f"{name} has {', '.join(map(str, set(item) - known))}"
            for name, item in services.items()
            if set(item) - known
        ]

    return Expectation("services with protocol, ports and networks", complaints)


def _every_ssh_port(_: Sequence[Any]) -> Expectation:
    def complaints(observed: Mapping[str, Any]) -> Sequence[str]:
        wanted = observed["sshd listens on"]
        accepted = observed["accepted"]
        return [
            f"port {port} is not accepted {when}"
            for when in (NOW, AFTER_REBOOT)
            for port in wanted
            if port not in (accepted[when] or ())
        ]

    return Expectation("every port sshd listens on is accepted, now and after a reboot", complaints)


def _other_in_charge(host: Host, _: Facts, values: Values) -> HeldBack | None:
    """Another firewall at work here, whose rules nobody has taken over."""
    for engine, rules in probes.rules_of_others(host).items():
        if values["firewall_others"][engine] != hazards.REPLACED:
            return HeldBack(
                reason=f"{engine} is in charge of the packet filter, and {_loss(rules)} would be lost",
                go_on="name what is still needed in firewall_services, and set "
                f"firewall_others.{engine} to {hazards.REPLACED}",
            )
    return None


def _loss(rules: Sequence[str]) -> str:
    return f"{counted(len(rules), 'rule')} of its own ({few(rules, '; ')})" if rules else "what it decides"


# --- controls ---------------------------------------------------------------------------------------------------------

_TABLE = [
    Parameter("ssh", ("networks",), _networks),
    Parameter("services", ("inbound",), _services),
    Parameter("services", ("outbound",), _services),
    Parameter("policies", ("input",), equals),
    Parameter("policies", ("output",), equals),
    Parameter("policies", ("forward",), equals),
]
"""All of them for every control about the table: its file is written whole."""


def _table(subject: str, **declared: Any) -> Control:
    """A property of our table."""
    words: dict[str, Any] = {
        "severity": Severity.MEDIUM,
        "disruption": Disruption.LOCKOUT,
        "remedy": "Writes our table, sshd's ports included, and loads it once nft accepts it; no other is touched.",
        "parameters": _TABLE,
        "needs_root": True,
        "unless": KUBERNETES,
        "hazards": [hazards.operator_comes_from_elsewhere, _other_in_charge],
    }
    return Control(subject=subject, **{**words, **declared})


def _drops(hook: str, title: str, why: str, **declared: Any) -> Control:
    return _table(
        f"{hook}-policy",
        title=title,
        why=why,
        observe=probes.both(probes.policy(hook)),
        expect=lambda _: now_and_after_reboot(equals("drop")),
        violation=Violation([f"nft chain {probes.TABLE} {hook} '{{ policy accept; }}'"]),
        **declared,
    )


def _with_others(control: Control) -> Control:
    """The control whose values also say which other firewalls may be replaced though they are at work."""
    others = [Parameter("others", (engine,), hazards.kept_or_replaced) for engine in probes.OTHERS]
    return replace(control, parameters=[*control.parameters, *others])


CONTROLS = [
    _with_others(
        unneeded_service(
            "single-engine",
            *("firewalld.service", "netfilter-persistent.service", "ufw.service"),
            title="No other firewall is in charge beside ours",
            why="Two programs that both believe to own the rules undo each other's work, and nobody knows what holds.",
            severity=Severity.MEDIUM,
            disruption=Disruption.RESTART,
            hazards=[_other_in_charge],
            unless=KUBERNETES,
        )
    ),
    unneeded_service(
        "ufw",
        "ufw.service",
        title="ufw does not run beside nftables",
        why="It writes rules of its own at every start, in front of or behind those that hold.",
        severity=Severity.MEDIUM,
        disruption=Disruption.RESTART,
        hazards=[_other_in_charge],
        unless=KUBERNETES,
    ),
    review(
        "legacy-tables",
        probes.legacy_tables,
        title="No rules of the old packet filter are left",
        why="Rules nobody remembers go on dropping or accepting packets; those of a cluster's nodes may be its own.",
        severity=Severity.MEDIUM,
        needs_root=True,
    ),
    _table(
        "table",
        title="The host has a packet filter of its own",
        why="Without one every program that listens can be reached by everybody.",
        observe=probes.both(lambda _: "present"),
        expect=lambda _: now_and_after_reboot(equals("present")),
        enables=("firewall-single-engine", "firewall-ufw", "firewall-at-boot"),
        violation=Violation([f"sed --in-place 1ilab {probes.FILE}"]),
    ),
    _table(
        "chains",
        title="Packets to and from the host go through the filter",
        why="A table without chains at the kernel's hooks filters nothing.",
        observe=probes.both(probes.hooks),
        expect=lambda _: now_and_after_reboot(
            satisfying("input and output", lambda hooks: {"input", "output"} <= set(hooks or ()))
        ),
        violation=Violation([f"nft flush chain {probes.TABLE} output; nft delete chain {probes.TABLE} output"]),
    ),
    _table(
        "loopback",
        title="The host talks to itself, and nobody else in its name",
        why="Programs trust packets from the host itself; from outside, its own addresses are always forged.",
        observe=probes.both(probes.loopback),
        expect=lambda _: now_and_after_reboot(equals(list(probes.LOOPBACK_RULES))),
        violation=Violation([f"sed --in-place /127.0.0.0/d {probes.FILE}"]),
    ),
    review(
        "connections",
        probes.connection_rules,
        title="What goes out and what may come back is what the site wants",
        why="A stolen host is used to attack others, and to carry data away, through connections it opens itself.",
        severity=Severity.MEDIUM,
        needs_root=True,
    ),
    _drops("input", "Nobody reaches a port that is not meant for him", "What is not asked for is refused."),
    _drops(
        "output",
        "The host opens no connections it is not meant to",
        "What an intruder starts has to get out, too.",
    ),
    _drops(
        "forward",
        "The host passes on no packets of others",
        "A host that is no router should not become one by a changed kernel setting.",
        unless=ROUTERS,
    ),
    _table(
        "ssh",
        title="The ports sshd listens on are open",
        why="A filter that forgets the port the administrators use locks them out at its first start.",
        severity=Severity.HIGH,
        observe=probes.ssh,
        expect=_every_ssh_port,
        violation=Violation([f"""sed --in-place '/comment "ssh"/s/dport {{[^}}]*}}/dport {{ 2 }}/' {probes.FILE}"""]),
    ),
    replace(
        running_service(
            "at-boot",
            UNIT,
            title="The filter is loaded before the network is",
            why="Between the start of the network and that of the filter everybody gets through.",
            severity=Severity.MEDIUM,
            hazards=[_other_in_charge],
            unless=KUBERNETES,
        ),
        violation=Violation([f"systemctl --quiet disable {UNIT}"]),
    ),
    _table(
        "kept",
        title="The next boot loads the rules that hold now",
        why="A rule that was only typed in is gone after the next reboot, or one that was taken away is back.",
        observe=probes.differing_chains,
        expect=lambda _: satisfying("the same", lambda different: different == []),
        violation=Violation([f"nft add rule {probes.TABLE} input tcp dport 9 accept"]),
    ),
]
