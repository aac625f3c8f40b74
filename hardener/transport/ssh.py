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
from types import TracebackType
from typing import Any, NoReturn, Self

import paramiko

from hardener.errors import AuthenticationFailed, HostKeyMismatch, TimedOut, Unreachable
from hardener.model import Answer, Connection, Question
from hardener.transport.batch import Batch
from hardener.transport.exchange import converse, shell_command
from hardener.transport.known_hosts import DEFAULT_PORT, Known, fingerprint
from hardener.transport.session import Session, hold_session
from hardener.transport.settings import key_files, known_for, last_jump, resolve

KEEPALIVE_SECONDS = 15
CHUNK = 65536

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
        settings, _ = resolve(connection)
        name, port = settings["hostname"], int(settings.get("port", DEFAULT_PORT))
        known = known_for(settings)
        client = self._clients.enter_context(paramiko.SSHClient())
        client.set_missing_host_key_policy(_Strict(known))
        try:
            client.connect(
                name,
                port=port,
                username=settings.get("user") or getpass.getuser(),
                key_filename=key_files(settings),  # type: ignore[arg-type]  # a list, its stubs know only one file
                allow_agent=settings.get("identitiesonly", "no") != "yes",
                look_for_keys=settings.get("identitiesonly", "no") != "yes" and not settings.get("identityfile"),
                sock=self._socket(connection, settings, name, port),
                timeout=self._seconds,
                banner_timeout=self._seconds,
                auth_timeout=self._seconds,
                transport_factory=lambda *words, **named: _preferring(known, paramiko.Transport(*words, **named)),
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

    def _socket(self, connection: Connection, settings: Mapping[str, Any], name: str, port: int) -> Any:
        """A TCP connection without Nagle's delay of 40 ms an exchange, or what the configuration puts in its place."""
        if jump := last_jump(settings, connection.ssh_options):
            transport = self._connect(jump).get_transport()
            if transport is None:
                raise Unreachable(f"the jump host {jump.host} closed the connection")
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
        with _losses_translated(), self._until_it_ends():
            self._channel.sendall(data)

    def close_input(self) -> None:
        with _losses_translated(), self._until_it_ends():
            self._channel.shutdown_write()

    @contextmanager
    def _until_it_ends(self) -> Iterator[None]:
        """A program that has ended reads no more, and its last words say why; only a connection can be lost."""
        try:
            yield
        except OSError:
            transport = self._channel.get_transport()
            if not (self._channel.closed and transport.is_active()):
                raise

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


class _Strict(paramiko.MissingHostKeyPolicy):
    """Trusts the keys that are known, and never on first use: the operator compares the fingerprint once.

    The client is told of no key, so that it asks here about each: it knows neither revoked keys, nor two of a kind.
    """

    def __init__(self, known: Known) -> None:
        self._known = known

    def missing_host_key(self, _client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Raises ``HostKeyMismatch`` for a key that is revoked, or not known."""
        blob = key.asbytes()
        offered = f"{key.get_name()} {fingerprint(blob)}"
        for entry in self._known.revoked:
            if entry.blob == blob:
                raise HostKeyMismatch(f"the host key of {hostname} is revoked by {entry.location}: {offered}")
        if any(entry.blob == blob for entry in self._known.keys):
            return
        for entry in self._known.keys:
            if entry.kind == key.get_name():
                raise HostKeyMismatch(f"the host key of {hostname} has changed: {offered}, known is {entry.text}")
        authorities = [f"{item.location} names an authority, which OpenSSH can ask" for item in self._known.authorities]
        notes = "".join(f" ({note})" for note in (*self._known.problems, *authorities))
        raise HostKeyMismatch(f"unknown host key of {hostname}: {offered}; add it to known_hosts{notes}")


def _preferring(known: Known, transport: paramiko.Transport) -> paramiko.Transport:
    """Have a server show the key that is known of it, where it has several."""
    kinds = {"rsa-sha2-512" if entry.kind == "ssh-rsa" else entry.kind for entry in known.keys}
    options = transport.get_security_options()
    options.key_types = sorted(options.key_types, key=lambda kind: kind not in kinds)
    return transport


def _raise_translated(error: Exception, address: str, seconds: float) -> NoReturn:
    """Raise ours for theirs, in one line for a person."""
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
