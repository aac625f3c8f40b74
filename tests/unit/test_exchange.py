"""The conversation with a remote shell: passwords, refusals, and connections that end too soon."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hardener.errors import BecomeFailed, Unreachable
from hardener.model import Become, Question
from hardener.transport.batch import Batch
from hardener.transport.exchange import converse, shell_command

BATCH = Batch(questions=[Question(command="id")], nonce="0123abcd")
BEGIN, END = b"0123abcd 0 begin\n", b"\n0123abcd 0 end 0\n"
ANSWERED = (BEGIN + b"uid=0" + END + b"\n0123abcd done\n", BEGIN + END)


class ScriptedPipe:
    """A remote shell that says the next thing once what was sent so far satisfies a condition."""

    def __init__(self, *script: tuple[Callable[[bytes], bool], tuple[bytes, bytes]]) -> None:
        self.sent = b""
        self.script = list(script)

    def send(self, data: bytes) -> None:
        self.sent += data

    def close_input(self) -> None:
        pass

    def receive(self, seconds: float) -> tuple[bytes, bytes] | None:
        assert seconds > 0
        if not self.script:
            return None
        condition, chunks = self.script[0]
        assert condition(self.sent), self.sent
        self.script.pop(0)
        return chunks


def anything(_: bytes) -> bool:
    return True


def test_without_become_the_program_is_sent_at_once() -> None:
    pipe = ScriptedPipe((lambda sent: b"q 0 30 id" in sent, ANSWERED))
    assert converse(pipe, BATCH, become=None, password=None)["id"].stdout == b"uid=0"


def test_the_password_is_sent_to_the_prompt_and_the_program_only_to_the_shell() -> None:
    pipe = ScriptedPipe(
        (lambda sent: sent == b"", (b"", b"lecture\n0123abcd password ")),
        (lambda sent: sent == b"hunter2\n", (b"", b"0123abcd ready\n")),
        (lambda sent: sent.startswith(b"hunter2\n") and b"q 0 30 id" in sent, ANSWERED),
    )
    assert converse(pipe, BATCH, become=Become(), password="hunter2")["id"].exit_status == 0


def test_a_sudo_that_asks_for_no_password_never_sees_it() -> None:
    pipe = ScriptedPipe((anything, (b"", b"0123abcd ready\n")), (anything, ANSWERED))
    converse(pipe, BATCH, become=Become(), password="hunter2")
    assert b"hunter2" not in pipe.sent


def test_a_wrong_password_is_sent_once_and_named() -> None:
    prompt = b"0123abcd password "
    pipe = ScriptedPipe((anything, (b"", prompt)), (anything, (b"", b"Sorry, try again.\n" + prompt)))
    with pytest.raises(BecomeFailed, match="did not accept the password"):
        converse(pipe, BATCH, become=Become(), password="hunter2")
    assert pipe.sent.count(b"hunter2") == 1


@pytest.mark.parametrize(
    "words", ["sudo: a password is required", "plain is not in the sudoers file.", "sh: 1: exec: sudo: not found"]
)
def test_a_refusal_of_sudo_is_told_in_its_own_words(words: str) -> None:
    said = words.encode() if "sudo" in words else b"sudo says: " + words.encode()
    with pytest.raises(BecomeFailed, match=words.rsplit(maxsplit=1)[-1]):
        converse(ScriptedPipe((anything, (b"", said + b"\n"))), BATCH, become=Become(), password=None)


def test_a_login_shell_that_runs_nothing_is_told_in_its_own_words() -> None:
    pipe = ScriptedPipe((anything, (b"This account is currently not available.\n", b"")))
    with pytest.raises(Unreachable, match="This account is currently not available"):
        converse(pipe, BATCH, become=None, password=None)


def test_a_connection_that_ends_in_mid_batch_leaves_its_question_unanswered() -> None:
    pipe = ScriptedPipe((anything, (BEGIN + b"uid", BEGIN)))
    answer = converse(pipe, BATCH, become=None, password=None)["id"]
    assert answer.exit_status is None
    assert answer.problem == "the connection was lost before the answer"


def test_no_password_ever_stands_in_the_command_line() -> None:
    command = shell_command(Become(user="root user"), BATCH, with_password=True)
    assert "sudo -H -u 'root user' -S" in command
    assert shell_command(Become(), BATCH, with_password=False) == "exec sudo -H -u root -n -- /bin/sh -s"
