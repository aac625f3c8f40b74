"""Asks this machine, as whoever runs the tool."""

from __future__ import annotations

import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO, Self

from hardener.model import Answer, Connection, Question
from hardener.transport.batch import Batch
from hardener.transport.exchange import converse, shell_command
from hardener.transport.session import Session, hold_session

CHUNK = 65536
GATHER_SECONDS = 0.05
"""A batch sends answer by answer; what comes within this time of the first is read with it. A waking costs more than
the reading: at 0.01, wakings were half of what a target costs the controller."""


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
        with _ProcessPipe(command) as pipe:
            return converse(pipe, batch, become=self._become, password=self._password)

    @contextmanager
    def session(self, program: str) -> Iterator[Session]:
        """See ``Transport.session``."""
        batch = Batch.of(())
        command = shell_command(self._become, batch, with_password=self._password is not None)
        with (
            _ProcessPipe(command) as pipe,
            hold_session(pipe, batch, program, self._become, self._password) as session,
        ):
            yield session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between batches."""


class _ProcessPipe:
    """A local shell as a ``Pipe``; leaving it ends the process."""

    def __init__(self, command: str) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stream(self._process.stdout), selectors.EVENT_READ, 0)
        self._selector.register(self._stream(self._process.stderr), selectors.EVENT_READ, 1)

    @staticmethod
    def _stream(stream: IO[bytes] | None) -> IO[bytes]:
        if stream is None:
            raise ValueError("the process was started without pipes")
        return stream

    def send(self, data: bytes) -> None:
        with suppress(BrokenPipeError):  # its last words on stderr say why it ended
            remaining = memoryview(data)
            while remaining:
                remaining = remaining[self._stream(self._process.stdin).write(remaining) :]

    def close_input(self) -> None:
        with suppress(BrokenPipeError):
            self._stream(self._process.stdin).close()

    def receive(self, seconds: float) -> tuple[bytes, bytes] | None:
        chunks = [b"", b""]
        if not self._selector.get_map():
            return None
        if not self._selector.select(seconds):
            return b"", b""
        time.sleep(GATHER_SECONDS)
        for key, _ in self._selector.select(0):
            data = key.fileobj.read(CHUNK)  # type: ignore[union-attr]
            if data:
                chunks[key.data] = data
            else:
                self._selector.unregister(key.fileobj)
        return chunks[0], chunks[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._selector.close()
        if self._process.poll() is None and kind is not None:
            self._process.kill()
        self.close_input()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stream(self._process.stdout).close()
        self._stream(self._process.stderr).close()
