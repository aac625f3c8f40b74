"""Runs on a node: connections to and from its neighbour, over which somebody speaks once the filter is loaded.

Arguments: the node's address, its neighbour's, and a directory with a FIFO ``go``. ``connected`` appears there when all
connections are made, and ``told`` with a line for each that lost something after a word was written to ``go``.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import sys
from pathlib import Path

OPEN, CLOSED, THEIRS = 8097, 8096, 5432
WAYS = ("speaks", "ends", "answers and ends at once")
TCP_CORK = 3
SECONDS = 10
"""Enough for three retransmissions."""

Ends = dict[str, socket.socket]


def enter(namespace: str) -> None:
    """Make sockets in another network from here on."""
    descriptor = os.open(namespace, os.O_RDONLY)
    if ctypes.CDLL(None).setns(descriptor, 0) != 0:
        raise OSError(namespace)
    os.close(descriptor)


def listener(address: str, port: int) -> socket.socket:
    """Where connections of either family are accepted."""
    return socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)


def connections(node: str, neighbour: str, ports: dict[int, socket.socket]) -> dict[str, Ends]:
    """Who speaks first over which, and how → both ends of it."""
    made: dict[str, Ends] = {}
    enter("/run/netns/peer")
    theirs = listener(neighbour, THEIRS)
    for port, waiting in ports.items():
        for first in ("node", "peer"):
            for way in WAYS:
                peer = socket.create_connection((node, port))
                made[f"to {port}: {first} {way}"] = {"node": waiting.accept()[0], "peer": peer}
    enter("/proc/1/ns/net")
    for first in ("node", "peer"):
        for way in WAYS:
            mine = socket.create_connection((neighbour, THEIRS))
            made[f"to the neighbour: {first} {way}"] = {"node": mine, "peer": theirs.accept()[0]}
    return made


def say(name: str, end: socket.socket) -> None:
    """What the name of a connection says that its first end does."""
    end.setsockopt(socket.IPPROTO_TCP, TCP_CORK, int("at once" in name))
    if "ends" not in name or "answers" in name:
        end.sendall(b"x")
    if "ends" in name:
        end.shutdown(socket.SHUT_WR)
    end.setsockopt(socket.IPPROTO_TCP, TCP_CORK, 0)


def connects_again(address: str, ends: Ends) -> bool:
    """Whether the neighbour, whose end is broken off, gets through once more from the port it had there."""
    own = ends["peer"].getsockname()
    ends["peer"].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ends["peer"].close()
    enter("/run/netns/peer")
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as again:
        again.bind(own)
        again.settimeout(SECONDS / 2)
        try:
            again.connect((address, OPEN))
        except TimeoutError:
            return False
    return True


def main(node: str, neighbour: str, folder: Path) -> None:
    """Connect, wait for the word, speak, and tell what was lost."""
    ports = {port: listener(node, port) for port in (OPEN, CLOSED)}
    made = connections(node, neighbour, ports)
    (folder / "connected").touch()
    (folder / "go").read_text()
    waiting = {}
    for name, ends in made.items():
        first = "node" if ": node" in name else "peer"
        say(name, ends[first])
        waiting[ends["peer" if first == "node" else "node"]] = name
    poll = select.poll()
    for end in waiting:
        poll.register(end, select.POLLIN)
    lost = dict(waiting)
    while lost and (ready := poll.poll(SECONDS * 1000)):
        for descriptor, _ in ready:
            poll.unregister(descriptor)
            lost = {end: name for end, name in lost.items() if end.fileno() != descriptor}
    told = [*lost.values()]
    if not connects_again(node, made[f"to {OPEN}: node speaks"]):
        told.append("another connection from the same port")
    (folder / "told.new").write_text("".join(f"{name}\n" for name in told))
    (folder / "told.new").rename(folder / "told")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
