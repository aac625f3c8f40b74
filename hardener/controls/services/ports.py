"""What listens on the network: the ports a target serves, and who may reach its mail server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host, Parameter, Violation
from hardener.catalogue.expectations import AFTER_REBOOT, NOW, Expectation, nothing, one_of, present_fields
from hardener.catalogue.kinds import review
from hardener.model import Disruption, Severity

LOOPBACK = ("127.", "::1")
MAIL_PORTS = {25, 465, 587}


def _is_loopback(address: str) -> bool:
    return address.removeprefix("::ffff:").startswith(LOOPBACK)


def _mail_listeners(host: Host) -> JsonValue:
    """The mail ports open to other hosts now, and how Postfix, where it is installed, will listen."""
    sockets = seen.listening_sockets(host)
    exposed = sorted({f"{name}:{port}" for name, port in sockets if port in MAIL_PORTS and not _is_loopback(name)})
    if "postfix" not in seen.installed_packages(host):
        return {NOW: [*exposed]}
    return {NOW: [*exposed], AFTER_REBOOT: seen.ask(host, "postconf -h inet_interfaces").strip()}


def _loopback_only(_: object) -> Expectation:
    return one_of("loopback-only", "localhost")


def _mail_to_this_host_only(values: Sequence[Any]) -> Expectation:
    wanted = present_fields({NOW: nothing(), AFTER_REBOOT: _loopback_only(values[0])})
    return Expectation("no mail port is open to other hosts, now and after a reboot", wanted.complaints)


def _served(host: Host) -> JsonValue:
    """Protocol and address of every socket other hosts can reach → the program and the unit it belongs to."""
    return {**read_sockets(seen.ask(host, seen.SOCKETS))}


@dataclass(frozen=True)
class Listener:
    """A socket that other hosts can reach."""

    protocol: str
    address: str
    """With the port after its last colon."""
    programs: Sequence[str]
    """At least one name."""
    unit: str
    """``no unit`` where it belongs to none."""

    @property
    def port(self) -> str:
        """A number, or what ss says instead of one."""
        return self.address.rpartition(":")[2]


def read_listeners(listing: str) -> Iterator[Listener]:
    """What ``SOCKETS`` says, without sockets on loopback."""
    for row in seen.socket_rows(listing):
        address = row[4].rpartition(":")[0].strip("[]").partition("%")[0]
        if _is_loopback(address):
            continue
        words = " ".join(row[6:])
        programs = sorted({*re.findall(r'\("([^"]+)"', words)} - {"systemd"}) or ["systemd" if words else "unknown"]
        unit = re.search(r"cgroup:(?:\S*/)?([^/\s]+)(?:\s|$)", words)
        yield Listener(row[0], row[4], programs, unit[1] if unit else "no unit")


def read_sockets(listing: str) -> Mapping[str, str]:
    """``tcp 0.0.0.0:22`` → ``sshd of ssh.service``."""
    found = {
        f"{one.protocol} {one.address}": f"{', '.join(one.programs)} of {one.unit}" for one in read_listeners(listing)
    }
    return dict(sorted(found.items()))


def is_allowed(listener: Listener, patterns: Sequence[str]) -> bool:
    """Whether each of its programs may serve there: ``protocol port program``, each part a shell-style pattern."""
    seen_as = [f"{listener.protocol} {listener.port} {program}" for program in listener.programs]
    return all(any(fnmatchcase(name, pattern) for pattern in patterns) for name in seen_as)


def _allowed(patterns: Sequence[str]) -> Expectation:

    def complaints(observed: Mapping[str, str]) -> Sequence[str]:
        return [
            f"{socket}: {owner} is not to be served"
            for socket, owner in observed.items()
            if not is_allowed(_listener(socket, owner), patterns)
        ]

    return Expectation(f"nothing listens but {', '.join(patterns)}", complaints)


def _listener(socket: str, owner: str) -> Listener:
    """A socket as ``read_sockets`` has told it."""
    protocol, _, address = socket.partition(" ")
    programs, _, unit = owner.rpartition(" of ")
    return Listener(protocol, address, programs.split(", "), unit)


def _three_words(_: object) -> Expectation:
    def complaints(patterns: Sequence[str]) -> Sequence[str]:
        return [f"has {item!r}" for item in patterns if len(str(item).split()) != len(("protocol", "port", "program"))]

    return Expectation("a list of 'protocol port program'", complaints)


def _listeners(host: Host) -> JsonValue:
    return {socket: list(programs) for socket, programs in seen.listening_programs(host).items()}


CONTROLS = [
    Control(
        subject="mta-loopback",
        title="The mail server takes mail from this host only",
        why="A host that only sends its own notices needs no open mail port, which invites relaying and attacks.",
        severity=Severity.MEDIUM,
        observe=_mail_listeners,
        expect=_mail_to_this_host_only,
        parameters=[Parameter("postfix", ("inet_interfaces",), _loopback_only)],
        remedy="Lets Postfix listen on loopback only, and restarts it; another mail server is for a person.",
        disruption=Disruption.RESTART,
        violation=Violation(["postconf -e inet_interfaces=all", "systemctl restart postfix.service"]),
    ),
    Control(
        subject="ports",
        title="Every port other hosts can reach is one this host is there to serve",
        why="Whatever else listens was started by somebody who did not ask, or forgot.",
        severity=Severity.MEDIUM,
        observe=_served,
        expect=lambda values: _allowed(values[0]),
        parameters=[Parameter("listening", ("allowed",), _three_words)],
        remedy="None: a unit nobody needs is masked by its own control; whether any other may serve is for a person, "
        "and the firewall keeps its port closed meanwhile.",
        is_remediable=False,
        needs_root=True,
        violation=Violation(
            [
                "systemd-run --quiet --unit=lab-listener python3 -m http.server 8099",
                "until ss -Hltn | grep --quiet :8099; do :; done",
            ],
            undo=["systemctl stop lab-listener.service"],
        ),
    ),
    review(
        "listeners",
        _listeners,
        title="Every service that listens on the network is approved",
        why="Only people know which services a host is there for; everything else that listens is a way in.",
        severity=Severity.MEDIUM,
    ),
]
