"""The kernel: which drivers can be loaded, how processes are protected, and how the network stack treats strangers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, NotApplicable, Parameter, Violation
from hardener.catalogue.expectations import at_least, equals, fields, nothing
from hardener.catalogue.kinds import HOST_KERNEL, blocked_module, review, sysctl
from hardener.model import Disruption, Severity, Trait

LOW, MEDIUM = Severity.LOW, Severity.MEDIUM
ROUTERS = (Trait.KUBERNETES_WORKER, Trait.KUBERNETES_CONTROL_PLANE, Trait.CONTAINER_HOST)
KUBERNETES = (Trait.KUBERNETES_WORKER, Trait.KUBERNETES_CONTROL_PLANE)


def _references(debian12: str, debian13: str | None = None, nist: str = "CM-7") -> Mapping[str, str | Sequence[str]]:
    own = {"cis-debian12": debian12} | ({"cis-debian13": debian13} if debian13 else {})
    return own | {"nist-800-53": nist.split()}


def _driver(name: str, level: int, numbers: tuple[str, str], why: str, **more: Any) -> Control:
    """A driver nobody on a server needs."""
    return blocked_module(
        name,
        title=f"The {name} driver cannot be loaded",
        why=why,
        level=level,
        references=_references(*numbers, "CM-7 SI-16"),
        **{"severity": LOW, **more},
    )


def _both(*patterns: str) -> Sequence[str]:
    """Settings for the interfaces there are and for those to come."""
    return [pattern.format(scope) for pattern in patterns for scope in ("all", "default")]


def _network(subject: str, keys: Sequence[str], numbers: str, title: str, why: str, **more: Any) -> Control:
    """Settings of the network stack; ``numbers``: the benchmark's, then those of NIST where it is not SC-7."""
    number, _, nist = numbers.partition(" ")
    words = {"level": 1, "severity": MEDIUM, "references": _references(number, nist=nist or "SC-7"), **more}
    return sysctl(*keys, subject=subject, title=title, why=why, **words)


def _limit_on_cores(host: Host) -> JsonValue:
    """The hard limit PAM gives every user: of all matching lines in its files, the one it reads last."""
    listing = seen.ask(
        host,
        "cat /etc/security/limits.conf && find /etc/security/limits.d -name '*.conf' | LC_ALL=C sort"
        " | xargs --no-run-if-empty cat",
    )
    rows = [line.split() for line in listing.splitlines() if not line.lstrip().startswith("#")]
    limits = [row[3] for row in rows if len(row) > 3 and row[0] == "*" and row[1] in {"hard", "-"} and row[2] == "core"]
    return seen.number_or_text(limits[-1]) if limits else None


def _core_collector(host: Host) -> JsonValue:
    """What systemd-coredump does with a core, after all its drop-ins."""
    if "systemd-coredump" not in seen.installed_packages(host):
        raise NotApplicable("systemd-coredump is not installed")
    settings: dict[str, JsonValue] = {"Storage": None, "ProcessSizeMax": None}
    for line in seen.ask(host, "systemd-analyze --no-pager cat-config systemd/coredump.conf").splitlines():
        name, separator, value = line.partition("=")
        if separator and name.strip() in settings:
            settings[name.strip()] = seen.number_or_text(value.strip())
    return settings


def _wireless_interfaces(host: Host) -> JsonValue:
    kinds = '[ -e "$path/phy80211" ] || [ -e "$path/wireless" ]'
    return [
        *seen.ask(host, f'for path in /sys/class/net/*; do if {kinds}; then echo "${{path##*/}}"; fi; done').split()
    ]


def _file_systems(host: Host) -> JsonValue:
    """Loaded drivers of file systems, and the types that are mounted."""
    loaded = seen.ask(host, "find /lib/modules/$(uname -r)/kernel/fs -name '*.ko*' -printf '%f\\n'")
    drivers = {name.partition(".")[0].replace("-", "_") for name in loaded.split()}
    types = {str(item["fstype"]) for item in seen.mounted(host).values()}
    loaded_drivers: list[JsonValue] = [*sorted(drivers & seen.loaded_modules(host))]
    return {"loaded drivers": loaded_drivers, "mounted types": [*sorted(types)]}


def _ipv6(host: Host) -> JsonValue:
    """Whether the kernel speaks IPv6, and the addresses that do."""
    disabled = seen.ask(host, "sysctl --ignore --values net.ipv6.conf.all.disable_ipv6").strip()
    addresses = seen.ask(host, "ip -6 -brief address show scope global")
    return {"disabled": disabled or "no such setting", "global addresses": [*addresses.splitlines()]}


CONTROLS = [
    _driver("cramfs", 1, ("1.1.1.1", "1.1.1.1"), "A read-only file system of early embedded devices, unused since."),
    _driver("freevxfs", 1, ("1.1.1.2", "1.1.1.2"), "Reads disks of an old Unix; its parser is code nobody tests."),
    _driver("hfs", 1, ("1.1.1.3", "1.1.1.3"), "An old Macintosh disk is a way to feed the kernel crafted data."),
    _driver("hfsplus", 1, ("1.1.1.4", "1.1.1.4"), "A Macintosh disk is a way to feed the kernel crafted data."),
    _driver("jffs2", 1, ("1.1.1.5", "1.1.1.5"), "Made for raw flash chips, which servers do not have."),
    _driver(
        "overlay",
        2,
        ("1.1.1.6", "1.1.1.6"),
        "Layers of file systems have given local users root more than once; only container hosts need them.",
        unless=dict.fromkeys(ROUTERS, "container images are stacked with it: without it no pod starts"),
    ),
    _driver("squashfs", 2, ("1.1.1.7", "1.1.1.7"), "Compressed images can be crafted; only snap packages mount them."),
    _driver("udf", 2, ("1.1.1.8", "1.1.1.8"), "Optical discs are not how data reaches a server."),
    _driver("usb-storage", 1, ("1.1.1.9", "1.1.1.10"), "A stick brings malware in and data out.", severity=MEDIUM),
    review(
        "unused-file-systems",
        _file_systems,
        title="Drivers of file systems that are loaded and not needed are known",
        why="Every driver is code that parses what an attacker may hand it; those without a use should be blocked too.",
        level=1,
        severity=LOW,
        references=_references("1.1.1.10", "1.1.1.11"),
        unless=HOST_KERNEL,
    ),
    sysctl(
        "kernel.randomize_va_space",
        title="Address space layout is fully randomised",
        why="An attacker who cannot predict addresses cannot jump to them.",
        level=1,
        severity=MEDIUM,
        references=_references("1.5.1", nist="SI-16"),
    ),
    sysctl(
        "kernel.yama.ptrace_scope",
        judge=at_least,
        title="A process may trace only its descendants",
        why="Otherwise one program taken over reads the secrets of every other program of the same user.",
        level=1,
        severity=MEDIUM,
        references=_references("1.5.2", nist="AC-6 SI-16"),
    ),
    Control(
        subject="core-limit",
        title="Users get no core dumps",
        why="A core dump writes a process's secrets to a disk, where they outlive it.",
        level=1,
        severity=MEDIUM,
        references=_references("1.5.3", nist="SC-4 SI-11"),
        observe=_limit_on_cores,
        expect=lambda values: equals(values[0]),
        parameters=[Parameter("limits", ("* hard core",), equals)],
        remedy="Adds the limit to a file of its own that PAM reads last; it counts from the next login on.",
        violation=Violation(["sed --in-place /core/d /etc/security/limits.d/zz-hardener.conf"]),
    ),
    sysctl(
        "fs.suid_dumpable",
        title="Programs that change their user leave no core dumps",
        why="The memory of a set-user-id program holds what its caller must not see.",
        level=1,
        severity=MEDIUM,
        references=_references("1.5.3", nist="SC-4 SI-11"),
    ),
    Control(
        subject="core-collector",
        title="Collected core dumps are thrown away",
        why="systemd-coredump keeps the memory of crashed processes, passwords and keys with it.",
        level=1,
        severity=MEDIUM,
        references=_references("1.5.3", nist="SC-4 SI-11"),
        observe=_core_collector,
        expect=lambda values: fields({"Storage": equals(values[0]), "ProcessSizeMax": equals(values[1])}),
        parameters=[Parameter("coredump", ("Storage",), equals), Parameter("coredump", ("ProcessSizeMax",), equals)],
        remedy="Sets both in a drop-in of systemd-coredump.",
        violation=Violation(["rm --force /etc/systemd/coredump.conf.d/zz-hardener.conf"]),
    ),
    review(
        "ipv6-use",
        _ipv6,
        title="It is known whether IPv6 is in use",
        why="A protocol nobody watches is a way around every rule that names only the other one.",
        level=1,
        severity=LOW,
        references=_references("3.1.1", "3.1.1"),
    ),
    Control(
        subject="wireless",
        title="There is no wireless interface",
        why="A radio reaches past walls and firewalls.",
        level=1,
        severity=MEDIUM,
        references=_references("3.1.2", nist="AC-18 CM-7"),
        observe=_wireless_interfaces,
        expect=lambda _: nothing(),
        remedy="None: switching a radio off may cut the only connection; a person decides, and blocks its driver.",
        is_remediable=False,
        unless=HOST_KERNEL,
        violation=Violation(["modprobe mac80211_hwsim radios=1"], undo=["modprobe --remove mac80211_hwsim"]),
    ),
    *(
        _driver(
            name,
            2,
            numbers,
            f"{words} is rarely used, and its code has held holes that any local user could reach.",
            severity=severity,
        )
        for name, numbers, words, severity in (
            ("dccp", ("3.2.1", "3.2.3"), "The datagram congestion protocol", MEDIUM),
            ("tipc", ("3.2.2", "3.2.6"), "The cluster protocol TIPC", MEDIUM),
            ("rds", ("3.2.3", "3.2.4"), "The datagram protocol RDS", MEDIUM),
            ("sctp", ("3.2.4", "3.2.5"), "The stream control protocol", LOW),
        )
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
