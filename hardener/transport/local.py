"""Asks this machine, as whoever runs the tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from hardener.model import Answer, Connection, Question
from hardener.transport.batch import Batch
from hardener.transport.exchange import converse, shell_command
from hardener.transport.process import ProcessPipe
from hardener.transport.session import Session, hold_session


class LocalTransport:
    """Runs each batch in a shell of its own; ``become`` works as over SSH."""

    def __init__(self, connection: Connection, *, become_password: str | None = None) -> None:
        self._become = connection.become
        self._password = become_password

    @property
    def host_key(self) -> None:
        """Nothing stands between this machine and itself."""

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """See ``Transport.ask``."""
        batch = Batch.of(questions)
        command = shell_command(self._become, batch, with_password=self._password is not None)
        with ProcessPipe(_shell(command)) as pipe:
            return converse(pipe, batch, become=self._become, password=self._password)

    @contextmanager
    def session(self, program: str) -> Iterator[Session]:
        """See ``Transport.session``."""
        batch = Batch.of(())
        command = shell_command(self._become, batch, with_password=self._password is not None)
        with (
            ProcessPipe(_shell(command)) as pipe,
            hold_session(pipe, batch, program, self._become, self._password) as session,
        ):
            yield session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between batches."""


def _shell(command: str) -> list[str]:
    return ["/bin/sh", "-c", command]
