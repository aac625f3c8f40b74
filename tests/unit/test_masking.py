"""Every shape of a secret goes, on the target by sed and here by Python alike, and nothing else does."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hardener.masking import MASK, masked, sed_program
from hardener.model import Question, Transcript
from hardener.transport.batch import Batch
from tests.unit.builders import answers_of
from tests.unit.secrets import HASHES, KEYS, LINES, PASSWORD, TOKENS, needles

RECORDED = sorted((Path(__file__).parent.parent / "transcripts").glob("*.json.gz"))
FRAME = "0123456789abcdef"


def by_sed(text: str) -> str:
    """What the target makes of it."""
    done = subprocess.run(
        ["sed", "-E", sed_program(FRAME)],
        input=text.encode(),
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def assert_gone(text: str) -> None:
    """No part of a secret is left, whoever masked it."""
    shown = masked(text)
    assert MASK in shown
    assert not {needle for needle in needles() if needle in shown}
    assert by_sed(text) == shown


@pytest.mark.parametrize("secret", [*HASHES.values(), *TOKENS.values()])
@pytest.mark.parametrize("around", ["{}", "name: {}, rest", "x='{}'", "joe:{}:19000:0", "{} {}"])
def test_hashes_and_tokens_go_wherever_they_are(secret: str, around: str) -> None:
    assert_gone(around.format(secret, secret))
    assert masked(around.format(secret, secret)).startswith(around.split("{", maxsplit=1)[0])


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_what_is_called_a_secret_goes(line: str) -> None:
    assert_gone(line)
    assert masked(f"before\n{line}\nafter") == f"before\n{masked(line)}\nafter"


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_keys_go_line_by_line(key: str) -> None:
    assert_gone(f"before\n{key}\nafter")
    assert masked(f"before\n{key}\nafter").splitlines() == ["before", *[MASK] * len(key.splitlines()), "after"]
    in_one_line = json.dumps({"key": key, "n": 1})
    assert_gone(in_one_line)
    assert json.loads(masked(in_one_line)) == {"key": MASK, "n": 1}


@pytest.mark.parametrize(
    "text",
    [
        "root:x:0:0:root:/root:/bin/bash",
        "secret:x:1000:1000::/home/secret:/bin/sh",
        "password:shadowed:1000:1000::/home/token:/bin/sh",
        "password\trequisite\tpam_pwquality.so retry=3",
        "common-password:password [success=1 default=ignore] pam_unix.so obscure use_authtok try_first_pass yescrypt",
        "passwordauthentication no",
        "PASS_MAX_DAYS 365",
        '{"passwd_tries": 3, "passprompt": "Password: ", "rootpw": true, "timestamp_timeout": 15}',
        "-a always,exit -F path=/usr/bin/passwd -F perm=x -F auid>=1000 -F key=passwd",
        "/etc/shadow (0640 0:42)",
        "ServerKeyFile=/etc/ssl/private/journal-upload.pem",
        "# /etc/sysctl.d/10-password.conf",
        "krb5_key_file = /etc/audit/audit.key",
        "https://mirror.example.org/debian bookworm/main",
        "//nas/share /mnt cifs credentials=/root/.smb 0 0",
        "git@example.org: x:y@z",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text
    assert by_sed(text) == text


def test_json_stays_json() -> None:
    assert json.loads(masked(LINES["json"])) == {"name": "x", "client_secret": MASK, "n": 1}
    assert json.loads(masked(LINES["json, escaped"])) == {"token": MASK, "n": 1}


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.name.removesuffix(".json.gz"))
def test_not_a_letter_of_what_real_nodes_answered_changes(file: Path) -> None:
    transcript = Transcript.model_validate(json.loads(gzip.decompress(file.read_bytes())))
    for command, answer in transcript.answers.items():
        for stream in (answer.stdout, answer.stderr):
            text = stream.decode("utf-8", "backslashreplace")
            assert masked(text) == text, command
    texts = [answer.stdout.decode("utf-8", "backslashreplace") for answer in transcript.answers.values()]
    assert by_sed("\n".join(texts)) == "\n".join(texts)


WORDS = ("password", "Token", "user=", "setenv A", "x", "aaaaaaaaaaaa", "$6$", "[masked]", "sk-", "é")
SIGNS = ("=", ": ", ":", '"', "'", " ", "\t", "#", "--", "://", "@", "%", "\\", ",", "\n")
ENDS_OF_KEYS = ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----")
FRAGMENTS = st.sampled_from((*WORDS, *SIGNS, *ENDS_OF_KEYS))


@given(st.lists(FRAGMENTS, max_size=14).map("".join))
@example("-----END RSA PRIVATE KEY----------BEGIN RSA PRIVATE KEY-----\npassword")
@settings(max_examples=60, deadline=None)
def test_sed_and_python_agree_on_everything(text: str) -> None:
    assert by_sed(f"{text}\n") == masked(f"{text}\n")


def answered(*commands: str) -> list[tuple[bytes, bytes, str | None]]:
    batch = Batch.of([Question(command=command) for command in commands])
    done = subprocess.run(
        ["/bin/sh", "-s"], input=batch.program().encode(), capture_output=True, check=True, timeout=60
    )
    assert PASSWORD.encode() not in done.stdout + done.stderr
    answers = answers_of(batch, done.stdout, done.stderr)
    return [(answers[item].stdout, answers[item].stderr, answers[item].problem) for item in commands]


def test_a_batch_sends_no_secret_on_either_stream() -> None:
    first, second = answered(f"echo password={PASSWORD}; echo 'token={PASSWORD}' >&2", "echo well; exit 3")
    assert first == (f"password={MASK}\n".encode(), f"token={MASK}\n".encode(), None)
    assert second == (b"well\n", b"", None)


def test_a_key_that_does_not_end_ends_with_its_answer() -> None:
    first, second = answered("echo before; echo -----BEGIN EC PRIVATE KEY-----; echo never", "echo another")
    assert first[0] == f"before\n{MASK}\n{MASK}\n".encode()
    assert second[0] == b"another\n"


def test_an_answer_that_was_cut_is_none_however_much_of_it_was_masked() -> None:
    batch = Batch(questions=[Question(command=f"yes 'password={'x' * 60}'")], nonce=FRAME, output_limit=10_000)
    done = subprocess.run(
        ["/bin/sh", "-s"], input=batch.program().encode(), capture_output=True, check=True, timeout=60
    )
    (answer,) = answers_of(batch, done.stdout, done.stderr).values()
    assert answer.exit_status is None or len(answer.stdout) < 10_000
