"""Whom changes would disturb on a target right now: connections, programs that run, people who are logged in."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from hardener.catalogue.sshd_ports import LISTENERS
from hardener.facts import HIGHEST_PORT
from hardener.model import Answer, Change, ChangeKind, Question, counted, few
from hardener.transcript import NoAnswer, Unanswered, host_of
from hardener.untrusted import number, one_line

CONNECTIONS = "ss -H -n -t -p state established"
UNITS = "ps -e -o pid= -o unit= -o comm="
PROGRAMS = (
    """awk '$2 ~ /x/ && $6 ~ "^/" && $6 !~ "^/(usr|lib|bin|sbin)" {print FILENAME, $6}' """
    "/proc/[0-9]*/maps 2>/dev/null | sort -u"
)
SESSIONS = "loginctl list-sessions --no-legend --no-pager"
QUESTIONS = tuple(Question(command=text) for text in (CONNECTIONS, UNITS, PROGRAMS, SESSIONS))
"""What has to be asked, besides what every audit asks."""
LOGIN_ROLES = {"accounts", "pam", "sshd", "sudo"}
"""Roles that decide how people get in; who is in already stays in."""


@dataclass(frozen=True)
class _Connection:
    port: int
    peer: str
    unit: str


@dataclass(frozen=True)
class _Host:
    """What runs on a target and who is connected to it; what could not be asked is empty."""

    connections: Sequence[_Connection]
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
        own = [connection for connection in host.connections if connection.unit == item.subject]
        for port, peers in _by_port(own):
            yield f"{item.subject} serves {counted(len(peers), 'connection')} on port {port} ({_named(peers)})"
    if item.kind is ChangeKind.FILE and item.subject.endswith(".nft"):
        is_open = _open_ports(item.after)
        cut = [one for one in host.connections if not is_open[one.port]]
        for port, peers in _by_port(cut):
            yield f"the firewall would cut {counted(len(peers), 'connection')} to port {port} ({_named(peers)})"
    if item.kind is ChangeKind.MOUNT and "noexec" in item.after.split(",") and "noexec" not in item.before.split(","):
        inside = [name for path, names in host.programs.items() if _is_below(path, item.subject) for name in names]
        if inside:
            yield f"{counted(len(inside), 'process', 'es')} run from {item.subject} ({_named(inside)})"
    if item.role in LOGIN_ROLES and host.people:
        people = [f"{user} {count} times" if count > 1 else user for user, count in host.people.items()]
        yield f"logged in: {', '.join(people)}"


def _by_port(connections: Sequence[_Connection]) -> Sequence[tuple[int, Sequence[str]]]:
    peers: dict[int, list[str]] = defaultdict(list)
    for connection in connections:
        peers[connection.port].append(connection.peer)
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
    listening = {row[3].rpartition(":")[2] for row in _rows(answers, LISTENERS, 4)}
    programs: dict[str, list[str]] = defaultdict(list)
    for file, *path in _rows(answers, PROGRAMS, 2):
        process = file.removeprefix("/proc/").partition("/")[0]
        programs[" ".join(path)].append(names.get(process, f"process {process}"))
    inbound = (_connection(row, units) for row in _rows(answers, CONNECTIONS, 4) if _is_inbound(row, listening))
    return _Host(
        connections=[connection for connection in inbound if connection is not None],
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


def _is_inbound(row: Sequence[str], listening: set[str]) -> bool:
    """Whether somebody else came to a port this host serves."""
    peer = row[3].rpartition(":")[0]
    is_own = peer.strip("[]").removeprefix("::ffff:").startswith("127.") or peer == "[::1]"
    return row[2].rpartition(":")[2] in listening and not is_own


def _connection(row: Sequence[str], units: Mapping[str, str]) -> _Connection | None:
    """The connection of a row; ``None`` where its port is none."""
    process = re.search(r"pid=(\d+)", " ".join(row[4:]))
    peer = row[3].rpartition(":")[0].strip("[]").removeprefix("::ffff:")
    try:
        port = number(row[2].rpartition(":")[2], most=HIGHEST_PORT)
    except ValueError:
        return None
    return _Connection(port, peer, units.get(process[1], "") if process else "")
