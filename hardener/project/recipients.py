"""Whom a site tells of drift.

Their URLs hold secrets, so they come from the environment or from files with closed modes. Nothing here
ever puts a URL, or a part of one but its scheme, into a text.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hardener.errors import ConfigError

MOST_BYTES = 16384
_URL = re.compile(r"([a-z][a-z0-9]{0,29})://\S+", re.IGNORECASE)
_NAME = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True)
class Mention:
    """One item of ``notify`` in a project file: ``$NAME``, ``file:PATH``, or the URL itself."""

    position: int
    """Counted from 1."""
    text: str = field(repr=False)
    file: Path
    location: str
    """``file:line``."""

    @property
    def variable(self) -> str | None:
        """The variable of the environment that has the URL, where that is what the item names."""
        name = _NAME.fullmatch(self.text)
        return name[1] if name else None


@dataclass(frozen=True)
class Recipient:
    """Somebody who is told."""

    label: str
    """How it is called in everything people read: ``mailto (1)``."""
    url: str = field(repr=False)

    @cached_property
    def digest(self) -> bytes:
        """What it is known by where its URL must not be; slow, as a password in a URL might be guessed."""
        return hashlib.scrypt(self.url.encode(), salt=b"hardener recipient", n=2**14, r=8, p=1, dklen=32)


def resolved(mention: Mention) -> Recipient:
    """The recipient that is meant; ``ConfigError`` with file and line where others can read it, or there is none."""
    url = _text(mention).strip()
    scheme = _URL.fullmatch(url)
    if scheme is None:
        raise _refusal(mention, "that is no URL, and neither $NAME nor file:PATH")
    return Recipient(label=f"{scheme[1].lower()} ({mention.position})", url=url)


def _text(mention: Mention) -> str:
    if mention.variable is not None:
        value = os.environ.get(mention.variable)
        if value is None:
            raise _refusal(mention, f"the environment has no {mention.variable}")
        return value
    if mention.text.startswith("file:"):
        path = mention.file.parent / mention.text.removeprefix("file:")
        return _closed_text(mention, path)
    _closed_text(mention, mention.file)
    return mention.text


def _closed_text(mention: Mention, path: Path) -> str:
    """The text of a file that nobody else can read."""
    try:
        # Opened first and looked at then, so that nobody exchanges it in between; a pipe must not keep us waiting.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _refusal(mention, f"{path} is no file")
            if status.st_uid != os.geteuid():
                raise _refusal(mention, f"{path} belongs to somebody else")
            if status.st_mode & 0o077:
                raise _refusal(mention, f"others can read {path}: chmod 600, or name the URL as $NAME or file:PATH")
            return file.read(MOST_BYTES).decode()
    except UnicodeDecodeError:
        raise _refusal(mention, f"{path} is no text") from None
    except OSError as error:
        raise _refusal(mention, f"{path}: {error.strerror}") from None


def _refusal(mention: Mention, reason: str) -> ConfigError:
    return ConfigError(f"notify {mention.position}: {reason}", location=mention.location)
