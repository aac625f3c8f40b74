r"""Names of files on their way from a target: whatever bytes users chose, a name is one line and nothing else.

Written, a name has ``\xHH`` for each control byte, backslash and byte that is no UTF-8; the rest stands for itself. So
a backslash always begins an escape, and no two names are written alike. Nor does one begin what looks like a private
key, for which the masking of secrets would take every line that follows (``hardener.masking``).
"""

from __future__ import annotations

import re

_CONTROLS = [*range(1, 32), 127]
_KEY, _HARMLESS_KEY = "-----BEGIN", r"\x2d----BEGIN"
WRITTEN = (
    r"sed -z '/[[:cntrl:]\\]\|-----BEGIN/!b;s/\\/\\x5c/g;"
    + ";".join(rf"s/\x{number:02x}/\\x{number:02x}/g" for number in _CONTROLS if number != ord("\n"))
    + rf";s/\n/\\x0a/g;s/{_KEY}/\{_HARMLESS_KEY}/g' | tr '\0' '\n'"
)
"""Shell: names or records that end with a NUL, on standard input → the same, written, a line each."""
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


def read(name: str) -> bytes:
    """The bytes of a name that a target has written."""
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), name.encode("utf-8", "surrogatepass"))


def written(name: bytes) -> str:
    """A name as evidence holds it, the same for the same bytes whichever program on the target wrote it."""
    text = re.sub(rb"[\x00-\x1f\x7f\\]", lambda match: rb"\x%02x" % match[0][0], name)
    return text.decode("utf-8", "backslashreplace").replace(_KEY, _HARMLESS_KEY)


def as_evidence(name: str) -> str:
    """A name that a target has written, without escapes for what is readable."""
    return written(read(name)) if "\\" in name else name


def as_said(name: str) -> str:
    """A written name as it reads in the answer of a program that writes no escapes, to compare it with such a one."""
    return read(name).decode("utf-8", "backslashreplace") if "\\" in name else name
