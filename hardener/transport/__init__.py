"""Asks a target all its questions in one remote execution, over SSH or on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from hardener.errors import Unreachable
from hardener.model import Answer, Connection, Question
from hardener.transport.session import Session

__all__ = ["Connect", "Session", "Transport", "connector"]


class Transport(Protocol):
    """An open way to one target. Closing it is the caller's business: use it in a ``with`` statement."""

    @property
    def host_key(self) -> str | None:
        """Kind and fingerprint of the host key that was verified; ``None`` where none was needed."""

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """All answers, by command, from one remote execution; ``TransportError`` where nothing could be asked.

        A connection lost on the way is no error of the call: what was not answered has a ``problem``.
        """

    def session(self, program: str) -> AbstractContextManager[Session]:
        """A shell program that stays, as the become user, and prints one line for each that it reads; see ``Session``.

        It costs the target one sudo and one shell, and ends with the context: its input ends. It works beside ``ask``.
        ``program`` is POSIX shell with a loop, ``while read -r line; do echo "$line"; done``. Raises ``BecomeFailed``
        and ``Unreachable``.
        """

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Connect(Protocol):
    """Opens a transport: what the conductor is given, so that its tests need no host."""

    def __call__(self, connection: Connection) -> Transport:
        """An open transport; ``TransportError`` where there is none."""


def connector(*, become_password: str | None = None, connect_seconds: float = 10.0) -> Connect:
    """The real thing: SSH or local, as the connection says."""
    # Imported here: paramiko costs a tenth of a second, which `hardener controls list` need not pay.
    from hardener.transport.local import LocalTransport  # noqa: PLC0415
    from hardener.transport.ssh import SshTransport  # noqa: PLC0415

    def connect(connection: Connection) -> Transport:
        if connection.kind == "local":
            if os.environ.get("HARDENER_SANDBOX"):
                raise Unreachable("a sandbox hides much of this machine: run 'hardener schedule install' again")
            return LocalTransport(connection, become_password=become_password)
        return SshTransport(connection, become_password=become_password, connect_seconds=connect_seconds)

    return connect
