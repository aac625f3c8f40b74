"""The ports of the system's own sshd: those its units listen on. What a program is called is up to whoever runs it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from hardener.catalogue.control import Host
from hardener.catalogue.observations import COMMAND_NOT_FOUND, SSHD_OPTIONS, ask

UNITS = "systemctl show --property=Id,ActiveState,MainPID,Listen ssh.service sshd.service ssh.socket sshd.socket"
LISTENERS = "ss -H -l -n -t -p"

# Held to from end to end: a program's name may have quotes and brackets, but is too short to look like one more owner.
_OWNER = r'\("[^"]*",pid=\d+,fd=\d+\)'
_LISTENER = re.compile(rf"LISTEN\s+\d+\s+\d+\s+\S+:(\d{{1,5}})\s+\S+\s+users:\(({_OWNER}(?:,{_OWNER})*)\)\s*", re.ASCII)
_PID = re.compile(r",pid=(\d+),fd=\d+\)", re.ASCII)
_STREAM = re.compile(r"(?:\[[^\]\s]*\]|[\d.]+):(\d{1,5}) \(Stream\)", re.ASCII)
_LISTEN_ADDRESS = re.compile(r"^listenaddress \S+:(\d{1,5})$", re.ASCII | re.MULTILINE)


def sshd_ports(host: Host) -> frozenset[int]:
    """Where the main process of ssh's service, or the socket of systemd that starts it, listens.

    Units are root's, and so is what the service manager says of them. A host without it is asked what sshd is
    configured to listen on. Raises ``CouldNotLook`` where a command failed that was needed.
    """
    units = host.run(UNITS)
    if units.rc != 0:
        is_installed = host.run(SSHD_OPTIONS).rc != COMMAND_NOT_FOUND
        return _ports(_LISTEN_ADDRESS.findall(ask(host, SSHD_OPTIONS)) if is_installed else ())
    shown = [_properties(block) for block in units.stdout.split("\n\n")]
    main = {pid for unit in shown for pid in unit.get("MainPID", ())} - {"0"}
    sockets = [socket for unit in shown if unit.get("ActiveState") == ["active"] for socket in unit.get("Listen", ())]
    streams = [match[1] for match in map(_STREAM.fullmatch, sockets) if match]
    return _ports([*streams, *_listening(ask(host, LISTENERS), main)])


def _properties(block: str) -> dict[str, list[str]]:
    """What one unit shows, by property; some come several times."""
    shown: dict[str, list[str]] = {}
    for line in block.splitlines():
        name, _, value = line.partition("=")
        shown.setdefault(name, []).append(value)
    return shown


def _listening(rows: str, main: Iterable[str]) -> Iterator[str]:
    """The ports of the sockets that one of these processes has."""
    for match in map(_LISTENER.fullmatch, rows.splitlines()):
        if match and set(_PID.findall(match[2])) & set(main):
            yield match[1]


def _ports(found: Iterable[str]) -> frozenset[int]:
    return frozenset(port for port in map(int, found) if 0 < port < 2**16)
