"""What the known_hosts files say of one host: its keys, the authorities that may sign them, and what was revoked.

A line that cannot be read never costs more than what it could have said of its own host.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

AUTHORITY, REVOKED = "@cert-authority", "@revoked"
DEFAULT_PORT = 22


@dataclass(frozen=True)
class Entry:
    """One line: for which hosts, and which key; ``blob`` is the key as SSH sends it, empty where the line is broken."""

    marker: str
    patterns: str
    kind: str
    blob: bytes
    location: str

    @property
    def text(self) -> str:
        """Kind and fingerprint."""
        return f"{self.kind} {fingerprint(self.blob)}"

    def matches(self, label: str) -> bool:
        """Whether it is about a host, ``name`` or ``[name]:port``."""
        if self.patterns.startswith("|1|"):
            return _is_hash_of(self.patterns, label)
        patterns = self.patterns.lower().split(",")
        if any(_expression(item[1:]).fullmatch(label) for item in patterns if item.startswith("!")):
            return False
        return any(_expression(item).fullmatch(label) for item in patterns)


@dataclass(frozen=True)
class Known:
    """What all files say of one host; ``problems`` names lines and files about it that could not be read."""

    keys: Sequence[Entry]
    authorities: Sequence[Entry]
    revoked: Sequence[Entry]
    problems: Sequence[str]


@dataclass
class _File:
    """A parsed file; names without wildcards are looked up, so that a fleet does not read each line for each host."""

    by_name: dict[str, list[Entry]] = field(default_factory=dict)
    others: list[Entry] = field(default_factory=list)
    problem: str | None = None

    def about(self, label: str) -> list[Entry]:
        return [*self.by_name.get(label, ()), *(item for item in self.others if item.matches(label))]


def known(files: Sequence[str], host: str, port: int, *, alias: str | None = None) -> Known:
    """What some files say of a host. Like OpenSSH: of the port it has, and else of the name alone."""
    labels = [alias or host] if alias or port == DEFAULT_PORT else [f"[{host}]:{port}", host]
    parsed = [_parsed(str(Path(file).expanduser())) for file in files]
    found = [[entry for file in parsed for entry in file.about(label.lower())] for label in labels]
    keys = ([item for item in entries if not item.marker and item.blob] for entries in found)
    everything = [entry for entries in found for entry in entries]
    return Known(
        keys=next(filter(None, keys), []),
        authorities=[item for item in everything if item.marker == AUTHORITY and item.blob],
        revoked=[item for item in everything if item.marker == REVOKED and item.blob],
        problems=[
            *(file.problem for file in parsed if file.problem),
            *(f"{item.location}: there is no key in this line" for item in everything if not item.blob),
        ],
    )


def key_at(location: str) -> str | None:
    """Kind and fingerprint of the key in ``file:line``."""
    file = _parsed(location.rpartition(":")[0])
    entries = [*file.others, *(entry for entries in file.by_name.values() for entry in entries)]
    return next((entry.text for entry in entries if entry.location == location and entry.blob), None)


def fingerprint(blob: bytes) -> str:
    """As OpenSSH writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


@lru_cache
def _parsed(file: str) -> _File:
    """A parsed file, read once for the whole fleet; an empty one where there is none."""
    try:
        text = Path(file).read_text("utf-8", "backslashreplace")
    except FileNotFoundError:
        return _File()
    except OSError as error:
        return _File(problem=f"{file}: {error.strerror}")
    parsed = _File()
    for number, line in enumerate(text.split("\n"), start=1):
        for entry in _entries(line.strip(), f"{file}:{number}"):
            if re.search(r"[*?!|]", entry.patterns):
                parsed.others.append(entry)
            else:
                for name in entry.patterns.lower().split(","):
                    parsed.by_name.setdefault(name, []).append(entry)
    return parsed


def _entries(line: str, location: str) -> Iterator[Entry]:
    """The entry in a line, if it is one about any host."""
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if words and not words[0].startswith("#") and marker in {"", AUTHORITY, REVOKED}:
        patterns, kind, key = [*words, "", ""][:3]
        yield Entry(marker, patterns, kind, _key(kind, key), location)


def _key(kind: str, text: str) -> bytes:
    """The key in base64, which begins with the length of its kind, and that; nothing where it is none."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return blob if kind and blob.startswith(len(kind.encode()).to_bytes(4, "big") + kind.encode()) else b""


def _is_hash_of(hashed: str, label: str) -> bool:
    _, _, salt, digest = [*hashed.split("|"), "", ""][:4]
    try:
        expected = base64.b64decode(digest)
        return hmac.digest(base64.b64decode(salt), label.encode(), "sha1") == expected
    except (binascii.Error, ValueError):
        return False


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    """A pattern of OpenSSH's: ``*`` and ``?``, and nothing else that is special."""
    wildcards: Mapping[str, str] = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(letter, re.escape(letter)) for letter in pattern))
