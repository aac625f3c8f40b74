"""Ways to nodes that can be spoiled: a fault between us and a host, without touching the host."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from hardener import lab

CUT_BYTES = 6000
"""After so many bytes of the host's a cut way breaks: a login takes fewer, a batch more."""
SLOW_SECONDS = 0.05
"""How long a slow way keeps each piece."""


class Spoiled(StrEnum):
    """What is wrong with a way."""

    UNREACHABLE = "unreachable"
    SILENT = "silent"
    """Takes the connection, and never says a word."""
    CUT = "cut"
    """Breaks in the middle of a batch."""
    SLOW = "slow"
    """Only takes its time: no reason for anything to be missing."""
    OTHER_HOST = "other host"
    """Leads to another host, which has another key."""


@dataclass
class Way:
    """One target: a port on loopback behind which a node is, as far as nothing is wrong with it."""

    name: str
    node: lab.Node
    other: lab.Node
    spoiled: Spoiled | None = None
    _listening: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._serve, name=self.name, daemon=True).start()

    def host(self, folder: Path) -> dict[str, Any]:
        """Its variables in an inventory; its known host key goes into the folder."""
        port = self._listening.getsockname()[1]
        known = folder / f"{self.name}.known"
        keys = [line.split(" ", 1)[1] for line in self.node.known_hosts.read_text().splitlines()]
        known.write_text("".join(f"[127.0.0.1]:{port} {key}\n" for key in keys))
        variables: dict[str, Any] = yaml.safe_load(self.node.inventory.read_text())["lab"]["hosts"][self.node.name]
        words = variables["ansible_ssh_common_args"].replace(str(self.node.known_hosts), str(known))
        return {**variables, "ansible_host": "127.0.0.1", "ansible_port": port, "ansible_ssh_common_args": words}

    def close(self) -> None:
        """Take no more connections, and end those there are."""
        self._listening.shutdown(socket.SHUT_RDWR)
        for end in (self._listening, *self._open):
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listening.accept()
                self._open.append(near)
                self._lead(near)

    def _lead(self, near: socket.socket) -> None:
        if self.spoiled is Spoiled.UNREACHABLE:
            near.close()
        if self.spoiled in {Spoiled.UNREACHABLE, Spoiled.SILENT}:
            return
        node = self.other if self.spoiled is Spoiled.OTHER_HOST else self.node
        far = socket.create_connection((node.address, node.port))
        self._open.append(far)
        most = CUT_BYTES if self.spoiled is Spoiled.CUT else None
        pause = threading.Event()
        for one, another, limit in ((near, far, None), (far, near, most)):
            threading.Thread(target=self._carry, args=(one, another, limit, pause), daemon=True).start()

    def _carry(self, one: socket.socket, another: socket.socket, limit: int | None, pause: threading.Event) -> None:
        carried = 0
        with suppress(OSError):  # either end has gone
            while (limit is None or carried < limit) and (data := one.recv(4096)):
                if self.spoiled is Spoiled.SLOW:
                    pause.wait(SLOW_SECONDS)
                another.sendall(data)
                carried += len(data)
        for end in (one, another):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def inventory(ways: Iterable[Way], folder: Path) -> Path:
    """An inventory of all of them."""
    file = folder / "hosts.yml"
    file.write_text(yaml.safe_dump({"all": {"hosts": {way.name: way.host(folder) for way in ways}}}))
    return file
