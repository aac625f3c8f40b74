r"""Names of files on their way from a target: whatever bytes users chose, a name is one line and nothing else.

Written, a name is escaped as everywhere (``hardener.lossless``), so that no two are written alike; a target escapes
each backslash as well, which takes no more than sed. Nor does one begin what looks like a private key, for which the
masking of secrets would take every line that follows (``hardener.masking``).
"""

from __future__ import annotations

from hardener import lossless
from hardener.untrusted import well_formed

_CONTROLS = [*range(1, 32), 127]
_KEY, _HARMLESS_KEY = "-----BEGIN", r"\x2d----BEGIN"
WRITTEN = (
    r"sed -z '/[[:cntrl:]\\]\|-----BEGIN/!b;s/\\/\\x5c/g;"
    + ";".join(rf"s/\x{number:02x}/\\x{number:02x}/g" for number in _CONTROLS if number != ord("\n"))
    + rf";s/\n/\\x0a/g;s/{_KEY}/\{_HARMLESS_KEY}/g' | tr '\0' '\n'"
)
"""Shell: names or records that end with a NUL, on standard input → the same, written, a line each."""


def read(name: str) -> bytes:
    """The bytes of a name that a target has written."""
    return lossless.bytes_of(lossless.unescaped(well_formed(name)))


def written(name: bytes) -> str:
    """A name as evidence holds it, the same for the same bytes whichever program on the target wrote it."""
    return lossless.escaped_line(lossless.text_of(name)).replace(_KEY, _HARMLESS_KEY)


def as_evidence(name: str) -> str:
    """A name that a target has written, with escapes for what cannot be read alone."""
    return name if "\\" not in name and name.isprintable() else written(read(name))


def as_said(name: str) -> str:
    """A written name as it reads in the answer of a program that writes no escapes, to compare it with such a one."""
    return read(name).decode("utf-8", "backslashreplace") if "\\" in name else name
