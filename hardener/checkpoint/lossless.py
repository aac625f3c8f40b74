r"""Bytes as text that loses nothing: names and contents of files, wherever they pass as text.

Within a program a byte that is no UTF-8 is a lone surrogate, as in Python's own names of files. No JSON, record or
terminal takes those. So what is told is *escaped*: such a byte is ``\xHH``, and so are a control character and the
backslash of what would otherwise read like such an escape. Everything else stands for itself: a text reads as people
know it, no two read alike, and each can be read back.

The same file, by links, is the controller's own, part of the checkpoint program, and a module_utils of Ansible's.
"""

from __future__ import annotations

import re

BLANKS = " \t\n\v\f\r"
"""What separates words for the programs that read configuration files; Python knows many more blanks and line ends."""

_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\udc80-\udcff]|\\(?=x[0-9a-f]{2})")
_ON_A_LINE = re.compile(rf"[\t\n]|{_IN_TEXT.pattern}")
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")
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
    return _IN_TEXT.sub(_escape, text)


def escaped_line(text: str) -> str:
    """The same on one line, for names and for sentences."""
    return _ON_A_LINE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return rf"\x{ord(match[0]) & 0xFF:02x}"  # a surrogate's last two digits are those of its byte


def unescaped(text: str) -> str:
    """The text that was told so, whether on one line or not."""
    return text_of(_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), bytes_of(text)))


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, of which the last may have none; nothing but a newline ends a line."""
    return _LINE.findall(text)


def words_of(line: str) -> list[str]:
    """What stands between blanks."""
    return _WORD.findall(line)
