"""What OpenSSH's client says, in our errors."""

from __future__ import annotations

import pytest

from hardener.errors import (
    AuthenticationFailed,
    ConfigError,
    HostKeyMismatch,
    TimedOut,
    TransportError,
    Unreachable,
)
from hardener.model import Connection
from hardener.transport.openssh_words import refusal, verified_key

WEB = Connection(host="web", port=2200)
CERTIFICATE = (
    "debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com SHA256:key, serial 0"
    ' ID "x CA y SHA256:z valid " CA ssh-rsa SHA256:authority valid from 2026-01-01T00:00:00 to 2027-01-01T00:00:00\r\n'
)
PLAIN = "debug1: Server host key: ssh-ed25519 SHA256:key\r\n"


@pytest.mark.parametrize(
    ("log", "kind", "words"),
    [
        (f"{PLAIN}No ED25519 host key is known for [web]:2200 and you have requested strict checking.", HostKeyMismatch,
         "unknown host key of [web]:2200: ssh-ed25519 SHA256:key; add it to known_hosts"),
        (f"{PLAIN}ED25519 host key for web was revoked and you have requested strict checking.", HostKeyMismatch,
         "the host key of web is revoked: ssh-ed25519 SHA256:key"),
        (f"{PLAIN}Host key for web has changed and you have requested strict checking.", HostKeyMismatch,
         "the host key of web has changed: ssh-ed25519 SHA256:key, known is another"),
        ("Host key verification failed.", HostKeyMismatch, "its host key could not be verified"),
        ("me@web: Permission denied (publickey,password).", AuthenticationFailed,
         "web:2200 accepted no key: Permission denied (publickey,password)."),
        ("Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures", AuthenticationFailed,
         "web:2200 accepted no key: Too many authentication failures"),
        ("Connection timed out during banner exchange", TimedOut,
         "web:2200 did not answer as an SSH server within 3 s"),
        ("ssh: connect to host web port 2200: Connection timed out", TimedOut, "web:2200 did not answer within 3 s"),
        ("ssh: connect to host web port 2200: No route to host", Unreachable, "web:2200: No route to host"),
        ("ssh: Could not resolve hostname web: Name or service not known", Unreachable,
         "web: the name does not resolve"),
        ("kex_exchange_identification: Connection closed by remote host", Unreachable, "Connection closed by remote"),
        ("debug1: nothing else\r\n", Unreachable, "web:2200: ssh ended without a word"),
        ("/home/me/.ssh/config: line 3: Bad configuration option: x\r\n/home/me/.ssh/config: terminating, 1 bad",
         ConfigError, "/home/me/.ssh/config:3: Bad configuration option: x"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_of_our_errors(log: str, kind: type[TransportError], words: str) -> None:
    error = refusal(WEB, log, "", 3)
    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in str(error)


def test_what_a_jump_hosts_client_says_is_the_cause() -> None:
    said = "No ED25519 host key is known for bastion and you have requested strict checking.\r\n"
    error = refusal(WEB, "Connection closed by UNKNOWN port 65535\r\n", said, 3)
    assert str(error) == "unknown host key of bastion: of a jump host; add it to known_hosts"


def test_a_key_is_told_with_the_authority_only_if_that_verified_it() -> None:
    by_authority = "debug1: Host 'web' is known and matches the ED25519-CERT host certificate.\r\n"
    by_key = "debug1: Host 'web' is known and matches the ED25519 host key.\r\n"
    whole = "ssh-ed25519-cert-v01@openssh.com SHA256:key signed by ssh-rsa SHA256:authority"
    assert verified_key(CERTIFICATE + by_authority) == whole
    assert verified_key(CERTIFICATE + by_key) == "ssh-ed25519 SHA256:key"
    assert verified_key(PLAIN + by_key) == "ssh-ed25519 SHA256:key"
    assert verified_key("") is None
