r"""Bytes as text that loses nothing: names and contents of files, wherever they pass as text.

Within a program a byte that is no UTF-8 is a lone surrogate, as in Python's own names of files. No JSON, record or
terminal takes those. So what is told is *escaped*: such a byte is ``\xHH``, as is each byte of a character that cannot
be seen, and the backslash of what would otherwise read like such an escape. Everything else stands for itself: a text
reads as people know it, no two read alike, and each can be read back.

The same file, by links, is the controller's own, part of the checkpoint program, and a module_utils of Ansible's.
"""

from __future__ import annotations

import re

BLANKS = " \t\n\v\f\r"
"""What separates words for the programs that read configuration files; Python knows many more blanks and line ends."""

_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")
_LIKE_AN_ESCAPE = re.compile(r"\\(?=x[0-9a-f]{2})")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_WORD = re.compile(rf"[^{BLANKS}]+")


def text_of(data: bytes) -> str:
    """Bytes as text; see ``bytes_of``."""
    return data.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes that a text stands for."""
    return text.encode("utf-8", "surrogateescape")


def escaped(text: str) -> str:
    """A text as it is told: it can be encoded, and keeps its lines and tabs."""
    return "\n".join("\t".join(map(escaped_line, line.split("\t"))) for line in text.split("\n"))


def escaped_line(text: str) -> str:
    """The same on one line, for names and for sentences."""
    told = _LIKE_AN_ESCAPE.sub(r"\\x5c", text)
    return told if told.isprintable() else "".join(sign if sign.isprintable() else _bytes(sign) for sign in told)


def _bytes(sign: str) -> str:
    return "".join(rf"\x{byte:02x}" for byte in bytes_of(sign))


def unescaped(text: str) -> str:
    """The text that was told so, whether on one line or not."""
    return text_of(_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), bytes_of(text)))


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, of which the last may have none; nothing but a newline ends a line."""
    return _LINE.findall(text)


def words_of(line: str) -> list[str]:
    """What stands between blanks."""
    return _WORD.findall(line)
