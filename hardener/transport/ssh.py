"""SSH through paramiko: strict host keys, OpenSSH's configuration, one channel for each batch.

The only module that knows paramiko.
"""

from __future__ import annotations

import getpass
import logging
import select
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

import paramiko
from paramiko.config import SSHConfig

from hardener.errors import AuthenticationFailed, ConfigError, HostKeyMismatch, TimedOut, Unreachable
from hardener.model import Answer, Connection, Question
from hardener.transport.batch import Batch
from hardener.transport.exchange import converse, shell_command
from hardener.transport.session import Session, hold_session

KEEPALIVE_SECONDS = 15
CHUNK = 65536
CONFIG_FILES = ("~/.ssh/config", "/etc/ssh/ssh_config")
KNOWN_HOSTS_FILES = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")

# Every failure reaches the caller as an exception; paramiko would print it a second time, as a traceback.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class SshTransport:
    """One SSH connection; each batch runs in a channel of its own."""

    def __init__(self, connection: Connection, *, become_password: str | None, connect_seconds: float) -> None:
        self._become = connection.become
        self._password = become_password
        self._clients = ExitStack()
        self._seconds = connect_seconds
        try:
            self._client = self._connect(connection)
        except BaseException:
            self._clients.close()
            raise

    @property
    def host_key(self) -> str | None:
        """See ``Transport.host_key``."""
        transport = self._client.get_transport()
        if transport is None:
            raise Unreachable("the connection is closed")
        key = transport.get_remote_server_key()
        return f"{key.get_name()} {key.fingerprint}"

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """See ``Transport.ask``."""
        batch = Batch.of(questions)
        with self._channel(batch) as pipe:
            return converse(pipe, batch, become=self._become, password=self._password)

    @contextmanager
    def session(self, program: str) -> Iterator[Session]:
        """See ``Transport.session``."""
        batch = Batch.of(())
        with (
            self._channel(batch) as pipe,
            hold_session(pipe, batch, program, self._become, self._password) as session,
        ):
            yield session

    @contextmanager
    def _channel(self, batch: Batch) -> Iterator[_ChannelPipe]:
        """A channel in which the shell of a batch waits."""
        transport = self._client.get_transport()
        if transport is None:
            raise Unreachable("the connection is closed")
        with _losses_translated():
            channel = transport.open_session(timeout=self._seconds)
        with channel:
            with _losses_translated():
                channel.exec_command(shell_command(self._become, batch, with_password=self._password is not None))
            yield _ChannelPipe(channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clients.close()

    def _connect(self, connection: Connection) -> paramiko.SSHClient:
        """A logged-in client, through as many jump hosts as the configuration names."""
        settings = _settings(connection)
        name, port = settings["hostname"], int(settings.get("port", 22))
        client = self._clients.enter_context(paramiko.SSHClient())
        _add_known_keys(client, settings, name, port)
        client.set_missing_host_key_policy(_RefuseUnknown())
        try:
            client.connect(
                name,
                port=port,
                username=settings.get("user") or getpass.getuser(),
                key_filename=_key_files(settings),
                allow_agent=settings.get("identitiesonly", "no") != "yes",
                look_for_keys=settings.get("identitiesonly", "no") != "yes" and not settings.get("identityfile"),
                sock=self._socket(settings, name, port),
                timeout=self._seconds,
                banner_timeout=self._seconds,
                auth_timeout=self._seconds,
            )
        except (paramiko.SSHException, OSError, EOFError) as error:
            _raise_translated(error, f"{name}:{port}", self._seconds)
        self._keep_alive(client)
        return client

    @staticmethod
    def _keep_alive(client: paramiko.SSHClient) -> None:
        transport = client.get_transport()
        if transport is not None:
            transport.set_keepalive(KEEPALIVE_SECONDS)

    def _socket(self, settings: Mapping[str, Any], name: str, port: int) -> Any:
        """A TCP connection without Nagle's delay of 40 ms an exchange, or what the configuration puts in its place."""
        if (jumps := settings.get("proxyjump", "none")) != "none":
            transport = self._connect(_last_jump(jumps, settings)).get_transport()
            if transport is None:
                raise Unreachable(f"the jump host {jumps} closed the connection")
            return transport.open_channel("direct-tcpip", (name, port), ("127.0.0.1", 0), timeout=self._seconds)
        if (proxy := settings.get("proxycommand", "none")) != "none":
            return paramiko.ProxyCommand(proxy)
        connected = socket.create_connection((name, port), timeout=self._seconds)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected


class _ChannelPipe:
    """A channel as a ``Pipe``."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._poll = select.poll()
        self._poll.register(channel.fileno(), select.POLLIN)

    def send(self, data: bytes) -> None:
        with _losses_translated():
            self._channel.sendall(data)

    def close_input(self) -> None:
        with _losses_translated():
            self._channel.shutdown_write()

    def receive(self, seconds: float) -> tuple[bytes, bytes] | None:
        channel = self._channel
        self._poll.poll(seconds * 1000)
        output = channel.recv(CHUNK) if channel.recv_ready() else b""
        error = channel.recv_stderr(CHUNK) if channel.recv_stderr_ready() else b""
        if not output and not error and (channel.eof_received or channel.closed):
            return None
        return output, error


@contextmanager
def _losses_translated() -> Iterator[None]:
    try:
        yield
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Unreachable(f"the connection was lost: {str(error) or type(error).__name__}") from None


class _RefuseUnknown(paramiko.MissingHostKeyPolicy):
    """Never trusts on first use: the operator compares the fingerprint once."""

    def missing_host_key(self, _client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> NoReturn:
        """Always raises ``HostKeyMismatch``."""
        raise HostKeyMismatch(
            f"unknown host key of {hostname}: {key.get_name()} {key.fingerprint}; add it to known_hosts"
        )


def _last_jump(jumps: str, settings: Mapping[str, Any]) -> Connection:
    """The last of a comma-separated chain of jump hosts, to be reached through those before it."""
    before, _, last = jumps.rpartition(",")
    address = urlsplit(last if "://" in last else f"ssh://{last}")
    inherited = {name: settings[name] for name in ("userknownhostsfile", "configfile") if name in settings}
    return Connection(
        host=address.hostname or last,
        port=address.port,
        user=address.username,
        ssh_options=inherited | ({"proxyjump": before} if before else {}),
    )


def _settings(connection: Connection) -> Mapping[str, Any]:
    """Options by lower-cased ssh_config name: Ansible's variables, then their ssh arguments, then OpenSSH's files."""
    options: dict[str, Any] = dict(connection.ssh_options)
    config_files = (options["configfile"],) if "configfile" in options else CONFIG_FILES
    settings: dict[str, Any] = {}
    for file in reversed(config_files):  # the first file that says something wins
        settings.update(_config(str(Path(file).expanduser())).lookup(connection.host))
    if "identityfile" in options:
        options["identityfile"] = [options["identityfile"]]
    settings.update(options)
    explicit = {"port": connection.port, "user": connection.user}
    settings.update({name: value for name, value in explicit.items() if value is not None})
    if connection.private_key_file:
        settings["identityfile"] = [connection.private_key_file]
    settings.setdefault("hostname", connection.host)
    return settings


def _key_files(settings: Mapping[str, Any]) -> Any:  # paramiko takes a list, its stubs know only one file
    return [str(Path(file).expanduser()) for file in settings.get("identityfile", [])] or None


@lru_cache
def _config(file: str) -> SSHConfig:
    """A parsed ssh_config file; an empty one where there is none."""
    try:
        return SSHConfig.from_path(file)
    except FileNotFoundError:
        return SSHConfig()
    except (OSError, paramiko.SSHException) as error:
        raise ConfigError(str(error), location=file) from None


@lru_cache
def _known_hosts(file: str) -> paramiko.HostKeys:
    """A parsed known_hosts file, read once for the whole fleet; an empty one where there is none."""
    try:
        return paramiko.HostKeys(file)
    except FileNotFoundError:
        return paramiko.HostKeys()
    except OSError as error:
        raise ConfigError(str(error.strerror), location=file) from None


def _add_known_keys(client: paramiko.SSHClient, settings: Mapping[str, Any], name: str, port: int) -> None:
    """Give the client the keys that are known for this one host."""
    label = settings.get("hostkeyalias") or (name if port == 22 else f"[{name}]:{port}")
    known_as = name if port == 22 else f"[{name}]:{port}"
    user_files = str(settings.get("userknownhostsfile", KNOWN_HOSTS_FILES[0])).split()
    for file in [*user_files, KNOWN_HOSTS_FILES[1]]:
        entry = _known_hosts(str(Path(file).expanduser())).lookup(label)
        for kind, key in entry.items() if entry else ():
            client.get_host_keys().add(known_as, kind, key)


def _raise_translated(error: Exception, address: str, seconds: float) -> NoReturn:
    """Raise ours for theirs, in one line for a person."""
    if isinstance(error, paramiko.BadHostKeyException):
        offered = f"{error.key.get_name()} {error.key.fingerprint}"
        known = f"{error.expected_key.get_name()} {error.expected_key.fingerprint}"
        raise HostKeyMismatch(f"the host key of {address} has changed: {offered}, known is {known}") from None
    if isinstance(error, paramiko.AuthenticationException):
        raise AuthenticationFailed(f"{address} accepted no key: {error}") from None
    if isinstance(error, TimeoutError):
        raise TimedOut(f"{address} did not answer within {seconds:g} s") from None
    if isinstance(error, socket.gaierror):
        raise Unreachable(f"{address}: the name does not resolve") from None
    if isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
        raise Unreachable(f"{address}: connection refused") from None
    if "banner" in str(error) or "No existing session" in str(error):  # paramiko's two words for the same silence
        raise TimedOut(f"{address} did not answer as an SSH server within {seconds:g} s") from None
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    raise Unreachable(f"{address}: {text or type(error).__name__}") from None
