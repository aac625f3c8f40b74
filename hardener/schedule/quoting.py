"""Words as unit files spell them: every kind of setting has a grammar of its own."""

from __future__ import annotations

import re

from hardener.errors import ConfigError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN = re.compile(r"[\w@+=:,./-]+", re.ASCII)


def word(text: str) -> str:
    """A word of a command (with the prefix ``:``, so that ``$`` means itself) or of an environment."""
    if _PLAIN.fullmatch(text):
        return text
    mark = "'" if '"' in text and "'" not in text else '"'
    escaped = _CONTROL.sub(
        lambda found: f"\\x{ord(found[0]):02x}", text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    )
    return f"{mark}{escaped}{mark}".replace("%", "%%")


def listed_path(path: str) -> str:
    """A word of a list of paths, where a backslash protects the next letter and means nothing more."""
    return word(plain(path))


def whole_path(path: str) -> str:
    """A setting that is one path to the end of its line, in which nothing is quoted.

    Raises ``ConfigError`` for a path that cannot be said so.
    """
    if path != path.strip() or path.endswith("\\"):
        raise ConfigError("systemd works in no directory with such an end", location=repr(path))
    return plain(path).replace("%", "%%")


def plain(text: str) -> str:
    """The text itself; ``ConfigError`` where it would be more than one line, or none at all."""
    if _CONTROL.search(text):
        raise ConfigError("systemd knows no path with control characters", location=repr(text))
    return text
