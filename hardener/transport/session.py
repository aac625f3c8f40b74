"""A shell on the target that stays: one line to it, one line back, with nothing to be started in between.

What is asked often, or of a target so busy that starting a program takes longer than anybody waits, is asked here.
The program is sent on standard input, as a batch is. Shells read ahead from a pipe, so that a line sent too early would
be taken for a part of the program: no line is sent before the program has said that it runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from hardener.errors import TimedOut, Unreachable
from hardener.model import Become
from hardener.transport.batch import Batch
from hardener.transport.exchange import Conversation, Pipe

LINE_LIMIT = 4096
"""Most bytes of a line, in either direction."""
LATE_LIMIT = 8
"""Most lines a target may owe an answer to: no more are sent then, for a pipe that nobody reads blocks who writes."""

# The right side of the pipeline marks what the program prints: nothing else that writes to this stream knows the nonce.
# The last command is on the line of the first, because some shells read their input line by line.
_PROGRAM = """\
session() {{
PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL
cd /
echo ready
{program}
}}
session | while IFS= read -r line; do printf '{nonce} %s\\n' "$line"; done; exit
"""


class Session(Protocol):
    """A program on the target that answers each line with one line. The thread that opened it uses and leaves it."""

    def exchange(self, line: str, seconds: float) -> str:
        """Send a line and return the one that answers it, both without line break.

        Raises ``TimedOut`` when it does not come within ``seconds``, and ``Unreachable`` when the session is over. An
        answer that comes later is not mistaken for that of a later line.
        """


@contextmanager
def hold_session(
    pipe: Pipe, batch: Batch, program: str, become: Become | None, password: str | None
) -> Iterator[Session]:
    """Start a program in a shell that was asked for with this (empty) batch; leaving ends its input, and so itself.

    Raises ``BecomeFailed`` where sudo refused, ``Unreachable`` where the program does not run.
    """
    conversation = Conversation(pipe, batch)
    if become is not None and password is not None:
        conversation.give_password(password)
    pipe.send(_PROGRAM.format(nonce=batch.nonce, program=program).encode())
    while f"{batch.nonce} ready\n".encode() not in conversation.stdout:
        if problem := conversation.read():
            raise conversation.refusal(become, problem)
    session = _LineSession(pipe, batch.nonce)
    try:
        yield session
    finally:
        session.close()


class _LineSession:
    """See ``Session``."""

    def __init__(self, pipe: Pipe, nonce: str) -> None:
        self._pipe = pipe
        self._mark = f"{nonce} ".encode()
        self._unread, self._said = bytearray(), b""
        self._unanswered = 0
        self._over = ""

    def exchange(self, line: str, seconds: float) -> str:
        """See ``Session.exchange``."""
        data = line.encode() + b"\n"
        if data.count(b"\n") > 1 or len(data) > LINE_LIMIT:
            raise ValueError(f"not one line of at most {LINE_LIMIT} bytes: {line!r:.80}")
        if self._over:
            raise self._ended()
        ends_at = time.monotonic() + seconds
        self._settle(LATE_LIMIT - 1, ends_at, seconds)
        self._pipe.send(data)
        self._unanswered += 1
        return self._settle(0, ends_at, seconds)

    def close(self) -> None:
        """End the program's input."""
        self._over = self._over or "it was closed"
        with suppress(Unreachable):  # a connection that was lost has ended it already
            self._pipe.close_input()

    def _settle(self, owed: int, ends_at: float, seconds: float) -> str:
        """Read until only so many lines are unanswered; the newest answer."""
        answer = b""
        while self._unanswered > owed:
            answer = self._next(ends_at, seconds)
            self._unanswered -= 1
        return answer.decode("utf-8", "backslashreplace")

    def _next(self, ends_at: float, seconds: float) -> bytes:
        """The next line of the program's; whatever else comes is ignored."""
        while True:
            length = self._unread.find(b"\n")
            if max(length, len(self._unread) if length < 0 else 0) > LINE_LIMIT + len(self._mark):
                self._over = f"it sent a line of more than {LINE_LIMIT} bytes"
            if length < 0 or self._over:
                self._read(ends_at, seconds)
                continue
            _, mark, answer = self._unread[:length].partition(self._mark)
            del self._unread[: length + 1]
            if mark:
                return bytes(answer)

    def _read(self, ends_at: float, seconds: float) -> None:
        """Take what comes next; ``TimedOut`` where nothing may come any more, ``Unreachable`` where nothing will."""
        remaining = ends_at - time.monotonic()
        received = None if self._over else self._pipe.receive(max(0.0, remaining))
        if received is None:
            raise self._ended()
        self._unread += received[0]
        self._said = (self._said + received[1])[-LINE_LIMIT:]
        if remaining <= 0:
            raise TimedOut(f"no answer within {seconds:g} s")

    def _ended(self) -> Unreachable:
        """The error of a session that is over; the program's last words are the cause, where we do not know another."""
        said = self._said.decode("utf-8", "backslashreplace").strip().rpartition("\n")[2]
        self._over = self._over or said or "the connection was lost"
        return Unreachable(f"the session is over: {self._over}")
