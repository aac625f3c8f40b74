"""Whom changes would disturb on a target right now: connections, programs that run, people who are logged in."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from hardener.facts import HIGHEST_PORT
from hardener.model import Answer, Change, ChangeKind, Question, counted, few
from hardener.transcript import NoAnswer, Unanswered, host_of
from hardener.untrusted import number, one_line

SOCKETS = "ss -H -a -n -t -u -p"
UNITS = "ps -e -o pid= -o unit= -o comm="
PROGRAMS = (
    """awk '$2 ~ /x/ && $6 ~ "^/" && $6 !~ "^/(usr|lib|bin|sbin)" {print FILENAME, $6}' """
    "/proc/[0-9]*/maps 2>/dev/null | sort -u"
)
SESSIONS = "loginctl list-sessions --no-legend --no-pager"
QUESTIONS = tuple(Question(command=text) for text in (SOCKETS, UNITS, PROGRAMS, SESSIONS))
"""What has to be asked, besides what every audit asks."""
LOGIN_ROLES = {"accounts", "pam", "sshd", "sudo"}
"""Roles that decide how people get in; who is in already stays in."""


@dataclass(frozen=True)
class _Socket:
    """One end of a connection, or what waits for others; without those that never leave the host."""

    protocol: str
    port: int
    peer: str
    """Address, and port after a colon, of the other end; empty where there is none yet."""
    unit: str


@dataclass(frozen=True)
class _Host:
    """What runs on a target and who is connected to it; what could not be asked is empty."""

    inbound: Sequence[_Socket]
    """Connections to ports that it listens on."""
    outbound: Sequence[_Socket]
    """Connections that it has opened to others."""
    waiting: Sequence[_Socket]
    """What others can reach, over any protocol."""
    programs: Mapping[str, Sequence[str]]
    """Path that is open for execution → names of the processes."""
    people: Mapping[str, int]
    """User → sessions."""


def touches(items: Sequence[Change], answers: Mapping[str, Answer]) -> Mapping[str, Sequence[str]]:
    """Control → whom its items would disturb now, a sentence each; without the controls that disturb nobody."""
    host = _host(answers)
    told: dict[str, dict[str, None]] = defaultdict(dict)
    for item in items:
        for sentence in _sentences(item, host):
            for control in item.controls:
                told[control][one_line(sentence)] = None
    return {control: list(sentences) for control, sentences in told.items()}


def _sentences(item: Change, host: _Host) -> Iterator[str]:
    if item.kind is ChangeKind.UNIT and item.after.endswith("inactive"):
        yield from _ends_with(item.subject, host)
    if item.kind is ChangeKind.FILE and item.subject.endswith(".nft"):
        is_open = _open_ports(item.after)
        closed = [one for one in host.inbound if not is_open[one.port]]
        for port, peers in _by_port(closed):
            there = f"{counted(len(peers), 'connection')} now ({_named(peers)})"
            yield f"the firewall would let no new connection in to port {port}, which has {there}"
    if item.kind is ChangeKind.MOUNT and "noexec" in item.after.split(",") and "noexec" not in item.before.split(","):
        inside = [name for path, names in host.programs.items() if _is_below(path, item.subject) for name in names]
        if inside:
            yield f"{counted(len(inside), 'process', 'es')} run from {item.subject} ({_named(inside)})"
    if item.role in LOGIN_ROLES and host.people:
        people = [f"{user} {count} times" if count > 1 else user for user, count in host.people.items()]
        yield f"logged in: {', '.join(people)}"


def _ends_with(unit: str, host: _Host) -> Iterator[str]:
    """Whom a unit serves, to whom it sends, and where others can reach it, though nobody does at this moment."""
    inbound, outbound, waiting = (
        [socket for socket in sockets if socket.unit == unit] for sockets in (host.inbound, host.outbound, host.waiting)
    )
    served = {socket.port for socket in inbound}
    for port, peers in _by_port(inbound):
        yield f"{unit} serves {counted(len(peers), 'connection')} on port {port} ({_named(peers)})"
    if open_to_all := [f"{item.protocol} {item.port}" for item in waiting if item.port not in served]:
        yield f"{unit} can be reached at {_named(open_to_all)}"
    if outbound:
        yield f"{unit} is connected to {_named([f'{item.peer} ({item.protocol})' for item in outbound])}"


def _by_port(connections: Sequence[_Socket]) -> Sequence[tuple[int, Sequence[str]]]:
    peers: dict[int, list[str]] = defaultdict(list)
    for connection in connections:
        peers[connection.port].append(connection.peer.rpartition(":")[0])
    return sorted(peers.items())


def _open_ports(ruleset: str) -> Sequence[int]:
    """For each TCP port, whether our table lets somebody in by it; only the chain ``input`` is about that."""
    chain = takewhile(lambda line: "chain output" not in line, ruleset.splitlines())
    ports = [
        port for line in chain for found in re.findall(r"tcp dport \{([^{}]*)\}", line) for port in found.split(",")
    ]
    is_open = bytearray(HIGHEST_PORT + 1)
    for match in filter(None, (re.fullmatch(r"\s*([0-9]{1,5})(?:-([0-9]{1,5}))?\s*", port) for port in ports)):
        first, last = int(match[1]), min(int(match[2] or match[1]), HIGHEST_PORT)
        is_open[first : last + 1] = b"\1" * max(0, last + 1 - first)
    return is_open


def _is_below(path: str, directory: str) -> bool:
    return path.startswith(f"{directory.rstrip('/')}/")


def _named(names: Sequence[str]) -> str:
    return few(sorted(set(names)))


# --- what the answers say ---------------------------------------------------------------------------------------------


def _host(answers: Mapping[str, Answer]) -> _Host:
    names, units = {}, {}
    for row in _rows(answers, UNITS, 3):
        units[row[0]], names[row[0]] = row[1], " ".join(row[2:])
    programs: dict[str, list[str]] = defaultdict(list)
    for file, *path in _rows(answers, PROGRAMS, 2):
        process = file.removeprefix("/proc/").partition("/")[0]
        programs[" ".join(path)].append(names.get(process, f"process {process}"))
    sockets = [found for row in _rows(answers, SOCKETS, 6) if (found := _socket(row, units))]
    waiting = [socket for socket in sockets if not socket.peer]
    listening = {socket.port for socket in waiting if socket.protocol == "tcp"}
    connections = [socket for socket in sockets if socket.peer]
    inbound = [socket for socket in connections if socket.protocol == "tcp" and socket.port in listening]
    return _Host(
        inbound=inbound,
        outbound=[socket for socket in connections if socket.protocol != "tcp" or socket.port not in listening],
        waiting=waiting,
        programs=programs,
        people=Counter(row[2] for row in _rows(answers, SESSIONS, 3) if "manager" not in row),
    )


def _rows(answers: Mapping[str, Answer], command: str, width: int) -> Sequence[Sequence[str]]:
    """The words of each line that has enough of them; a target without the program has no lines."""
    host, _ = host_of(answers)
    try:
        lines = host.run(command).stdout.splitlines()
    except (NoAnswer, Unanswered):
        return []
    return [words for words in map(str.split, lines) if len(words) >= width]


def _socket(row: Sequence[str], units: Mapping[str, str]) -> _Socket | None:
    """The socket of a row; ``None`` where it is of no matter to others, is on its way out, or its port is none."""
    protocol, state, local, peer = row[0], row[1], row[4], row[5]
    if state not in {"ESTAB", "LISTEN", "UNCONN"} or _is_own(local) or _is_own(peer):
        return None
    try:
        port = number(local.rpartition(":")[2], most=HIGHEST_PORT)
    except ValueError:
        return None
    process = re.search(r"pid=(\d+)", " ".join(row[6:]))
    address, _, peer_port = peer.rpartition(":")
    other = f"{address.strip('[]').removeprefix('::ffff:')}:{peer_port}" if state == "ESTAB" else ""
    return _Socket(protocol, port, other, units.get(process[1], "") if process else "")


def _is_own(end: str) -> bool:
    """Whether an address never leaves the host."""
    address = end.rpartition(":")[0].strip("[]").partition("%")[0].removeprefix("::ffff:")
    return address.startswith("127.") or address == "::1"
