"""A process of this machine as the shell that a batch or a session speaks with."""

from __future__ import annotations

import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from hardener.private import umask_outside

CHUNK = 65536
GATHER_SECONDS = 0.05
"""A batch sends answer by answer; what comes within this time of the first is read with it. A waking costs more than
the reading: at 0.01, wakings were half of what a target costs the controller."""


class ProcessPipe:
    """A process as a ``Pipe``; leaving it ends the process.

    ``has_terminal``: whether it may ask on the terminal of whoever runs the tool, and ends with its Ctrl-C.
    """

    def __init__(
        self, words: Sequence[str], *, environment: Mapping[str, str] | None = None, has_terminal: bool = True
    ) -> None:
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            start_new_session=not has_terminal,
            umask=umask_outside(),
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
        """See ``Pipe.send``."""
        with suppress(BrokenPipeError):  # its last words on stderr say why it ended
            remaining = memoryview(data)
            while remaining:
                remaining = remaining[self._stream(self._process.stdin).write(remaining) :]

    def close_input(self) -> None:
        """See ``Pipe.close_input``."""
        with suppress(BrokenPipeError):
            self._stream(self._process.stdin).close()

    def receive(self, seconds: float) -> tuple[bytes, bytes] | None:
        """See ``Pipe.receive``."""
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
