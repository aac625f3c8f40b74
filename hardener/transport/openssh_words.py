"""What OpenSSH's client says, as our errors and as the host key that it verified.

Its log is written to a file of its own, so that nothing a server says can stand in it as the client's word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hardener.errors import AuthenticationFailed, HardenerError, HostKeyMismatch, TimedOut, TransportError, Unreachable
from hardener.model import Connection
from hardener.transport.known_hosts import key_at
from hardener.transport.settings import configuration_error, known_for, resolve

_PLAIN = re.compile(r"^debug1: Server host key: (\S+) (SHA256:\S+)\s*$", re.MULTILINE)
_CERTIFICATE = re.compile(
    r"^debug1: Server host certificate: (\S+) (SHA256:\S+), serial .* CA (\S+) (SHA256:\S+) valid [^\"]*$", re.MULTILINE
)
_BY_AUTHORITY = re.compile(r"^debug1: Host '.*' is known and matches the \S+ host certificate\.\s*$", re.MULTILINE)
_FAILED = re.compile(
    r"^(?:Certificate invalid: .*|debug1: No matching CA found\. Retry with plain key)\s*$", re.MULTILINE
)

_REFUSALS: Sequence[tuple[str, type[TransportError], str]] = (
    (
        r"(Permission denied \(.*|Too many authentication failures)",
        AuthenticationFailed,
        "{where} accepted no key: {0}",
    ),
    (
        r"timed out during banner|exchange_identification: .*timed out",
        TimedOut,
        "{where} did not answer as an SSH server within {seconds:g} s",
    ),
    (r"timed out", TimedOut, "{where} did not answer within {seconds:g} s"),
    (r"Could not resolve hostname ([^:]*):", Unreachable, "{0}: the name does not resolve"),
    (r"connect to host (\S+) port (\d+): (.*)", Unreachable, "{0}:{1}: {2}"),
)
"""What the client says, and what that is for us."""


def address(connection: Connection) -> str:
    """A target in words."""
    return f"{connection.host}:{connection.port}" if connection.port else connection.host


def verified_key(log: str) -> str | None:
    """Kind and fingerprint of the host key, and of the authority by whose certificate it was verified."""
    plain, certificate = _PLAIN.search(log), _CERTIFICATE.search(log)
    if certificate and _BY_AUTHORITY.search(log):
        return f"{certificate[1]} {certificate[2]} signed by {certificate[3]} {certificate[4]}"
    if certificate:  # its authority is not ours, but its key is known
        return f"{certificate[1].removesuffix('-cert-v01@openssh.com')} {certificate[2]}"
    return f"{plain[1]} {plain[2]}" if plain else None


def refusal(connection: Connection, log: str, said: str, seconds: float) -> HardenerError:
    """Our error for the words of a client that ended.

    ``log``: its own words. ``said``: those of jump hosts' clients and proxies, which come first as they are the cause.
    """
    lines = [line.strip() for text in (said, log) for line in text.splitlines() if _tells(line)]
    text, where = "\n".join(lines), address(connection)
    if wrong := configuration_error(text):
        return wrong
    if problem := _of_host_key(connection, text, log):
        return HostKeyMismatch(problem)
    for pattern, kind, words in _REFUSALS:
        if match := re.search(pattern, text):
            return kind(words.format(*match.groups(), where=where, seconds=seconds))
    return Unreachable(f"{where}: {lines[-1] if lines else 'ssh ended without a word'}")


def _tells(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("debug1:", "@@", "Authenticated to"))


def _of_host_key(connection: Connection, text: str, log: str) -> str | None:
    """Which host key was refused, and why, if that was it."""
    offered = verified_key(log) or "of a jump host"
    if match := re.search(r"host key for (\S+) was revoked and you have requested", text):
        return f"the host key of {match[1]} is revoked: {offered}"
    if match := re.search(r"Host key for (\S+) has changed and you have requested", text):
        location = re.search(r"Offending \S+ key in (\S+:\d+)", text)
        known = key_at(location[1]) if location else None
        return f"the host key of {match[1]} has changed: {offered}, known is {known or 'another'}"
    if match := re.search(r"No \S+ host key is known for (\S+) and you have requested", text):
        reasons = sorted({item.removeprefix("debug1: ").strip() for item in _FAILED.findall(log)})
        notes = "".join(f" ({note})" for note in (*known_for(resolve(connection)[0]).problems, *reasons))
        return f"unknown host key of {match[1]}: {offered}; add it to known_hosts{notes}"
    return "its host key could not be verified" if "Host key verification failed" in text else None
