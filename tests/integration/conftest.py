"""Real things to talk to: sshds of our own on loopback, run by whoever runs the tests."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hardener.model import Answer, Connection, Question
from hardener.transport import Client, connector

LONGEST = (
    "test_proof.py",
    "test_proof_container.py",
    "test_package_names.py",
    "test_services_alive.py",
    "test_attacks.py",
)
"""Files that are begun first, so that no worker waits for the other at the end.

Each worker is given two at once: the third waits for the first, which takes longest of all, and so it is short.
"""
Ask = Callable[..., list[Answer]]
SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


@pytest.hookimpl(trylast=True)  # whatever order others give the files
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin what takes longest first."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@dataclass
class Sshd:
    """One sshd on loopback, with a host key, a user key and a known_hosts of its own."""

    folder: Path
    port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def connection(self, **changes: object) -> Connection:
        fields: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "private_key_file": str(self.folder / "user_key"),
            "ssh_options": {"userknownhostsfile": str(self.known_hosts), "identitiesonly": "yes"},
        }
        return Connection(**{**fields, **changes})


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def make_key(file: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return file.with_name(f"{file.name}.pub").read_text()


def start_sshd(folder: Path, *, port: int | None = None, options: str = "") -> Sshd:
    """Start an sshd and wait until it accepts connections."""
    port = port or free_port()
    if not (folder / "host_key").exists():
        public = make_key(folder / "host_key")
        (folder / "authorized_keys").write_text(make_key(folder / "user_key"))
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"StrictModes no\nUsePAM no\nPidFile none\nMaxStartups 200\nPasswordAuthentication no\nUseDNS no\n{options}\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True, mode=0o755)  # the empty directory sshd insists on
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log, stdin=subprocess.DEVNULL
    )
    log.close()
    sshd = Sshd(folder=folder, port=port, processes=[process])
    while True:
        if process.poll() is not None:
            raise RuntimeError((folder / "log").read_text())
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return sshd


@pytest.fixture
def sshd_with(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Start sshds with extra options; they end with the test."""
    started: list[Sshd] = []

    def start(**changes: object) -> Sshd:
        folder = tmp_path / f"sshd{len(started)}"
        folder.mkdir(exist_ok=True)
        started.append(start_sshd(folder, **changes))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for sshd in started:
        for process in sshd.processes:
            process.terminate()
            process.wait()


@pytest.fixture
def sshd(sshd_with: Callable[..., Sshd]) -> Sshd:
    """One sshd with nothing special."""
    return sshd_with()


@pytest.fixture(params=[Client.PARAMIKO, Client.OPENSSH])
def client(request: pytest.FixtureRequest) -> Client:
    """A test that asks for it is one of both SSH clients."""
    return Client(request.param)


@pytest.fixture
def ask(client: Client) -> Ask:
    """The answers to some commands."""

    def asked(
        connection: Connection, *commands: str, seconds: float = 5.0, password: str | None = None
    ) -> list[Answer]:
        connect = connector(connect_seconds=seconds, become_password=password, client=client)
        with connect(connection) as transport:
            answers = transport.ask([Question(command=command) for command in commands])
        return [answers[command] for command in commands]

    return asked
