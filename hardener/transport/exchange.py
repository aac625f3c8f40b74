"""The conversation of one batch: password when asked for one, program, answers, and what went wrong instead."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from typing import Protocol

from hardener.errors import BecomeFailed, TransportError, Unreachable
from hardener.model import Answer, Become
from hardener.transport.batch import Batch

STREAM_LIMIT = 256 * 1024 * 1024
"""Most bytes of one stream that are ever held: a target must not be able to exhaust the controller."""


class Pipe(Protocol):
    """A started remote shell: two streams to read, one to write."""

    def send(self, data: bytes) -> None:
        """Write all of it to the standard input of the shell."""

    def close_input(self) -> None:
        """Nothing more will be sent."""

    def receive(self, seconds: float) -> tuple[bytes, bytes] | None:
        """New bytes of (stdout, stderr), waiting at most so long; ``None`` once both have ended."""


def shell_command(become: Become | None, batch: Batch, *, with_password: bool) -> str:
    """What the login shell is asked to run: a POSIX shell that reads its program from standard input.

    With a password, sudo's prompt and the shell's readiness are announced with the nonce, because a sudo that asks for
    no password would hand the password on to the shell as its first command.
    """
    if become is None:
        return "exec /bin/sh -s"
    sudo = f"exec sudo -H -u {shlex.quote(become.user)}"
    if not with_password:
        return f"{sudo} -n -- /bin/sh -s"
    ready = shlex.quote(f"echo {batch.nonce} ready >&2; exec /bin/sh -s")
    return f"{sudo} -S -p {shlex.quote(_prompt(batch))} -- /bin/sh -c {ready}"


def _prompt(batch: Batch) -> str:
    return f"{batch.nonce} password "


def converse(pipe: Pipe, batch: Batch, *, become: Become | None, password: str | None) -> Mapping[str, Answer]:
    """Send the batch's program and collect its answers.

    Raises ``BecomeFailed`` where sudo refused, ``Unreachable`` where the login shell ran nothing of ours.
    """
    conversation = Conversation(pipe, batch)
    if become is not None and password is not None:
        conversation.give_password(password)
    pipe.send(batch.program().encode())
    pipe.close_input()
    unfinished = conversation.read_until_complete()
    if not batch.has_started(conversation.stdout):
        raise conversation.refusal(become, unfinished)
    return batch.answers(bytes(conversation.stdout), bytes(conversation.stderr), unfinished=unfinished)


class Conversation:
    """What has been read of both streams, and the deadline."""

    def __init__(self, pipe: Pipe, batch: Batch) -> None:
        self.pipe, self.batch = pipe, batch
        self.stdout, self.stderr = bytearray(), bytearray()
        self.ends_at = time.monotonic() + batch.deadline

    def read(self) -> str | None:
        """Read what has come; why there will be nothing more, or ``None``."""
        remaining = self.ends_at - time.monotonic()
        if remaining <= 0:
            return f"no answer within {self.batch.deadline:.0f} s"
        received = self.pipe.receive(remaining)
        if received is None:
            return "the connection was lost before the answer"
        self.stdout += received[0]
        self.stderr += received[1]
        if max(len(self.stdout), len(self.stderr)) > STREAM_LIMIT:
            return f"the target sent more than {STREAM_LIMIT} bytes"
        return None

    def give_password(self, password: str) -> None:
        """Answer sudo's prompt once, if it comes; ``BecomeFailed`` if it comes again."""
        prompt, ready = _prompt(self.batch).encode(), f"{self.batch.nonce} ready".encode()
        is_given = False
        while ready not in self.stderr:
            if self.stderr.count(prompt) > 1:
                raise BecomeFailed("sudo did not accept the password")
            if prompt in self.stderr and not is_given:
                self.pipe.send(password.encode() + b"\n")
                is_given = True
            if problem := self.read():
                raise self.refusal(Become(), problem)

    def read_until_complete(self) -> str:
        """Read to the last frame; why a question may have no answer."""
        while not self.batch.is_complete(self.stdout):
            if problem := self.read():
                return problem
        # The closing frame of stderr may still be on its way.
        while self.pipe_is_open_for_errors():
            if problem := self.read():
                return problem
        return "the answer is incomplete"

    def pipe_is_open_for_errors(self) -> bool:
        """Whether the last question's frame on stderr has yet to be closed."""
        last = f"{self.batch.nonce} {len(self.batch.questions) - 1} end ".encode()
        return last not in self.stderr

    def refusal(self, become: Become | None, problem: str) -> TransportError:
        """The error that the target's own words suggest; its last line is the cause."""
        nonce = self.batch.nonce.encode()
        output = bytes(self.stdout) + b"\n" + bytes(self.stderr)
        lines = [line for line in output.splitlines() if line.strip() and nonce not in line]
        of_sudo = [line for line in lines if line.startswith(b"sudo:")]
        said = (of_sudo or lines[-1:] or [problem.encode()])[0].decode("utf-8", "backslashreplace").strip()
        if become is not None and (b"sudo" in self.stderr or b"assword" in self.stderr):
            return BecomeFailed(said)
        return Unreachable(f"the login shell did not run our questions: {said}")
