"""Which names of hosts and groups a run can be about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from hardener.errors import InventoryError
from hardener.model import Name

_PATTERN = re.compile(r"[!&~@].*|.*[,;*?\[\]].*", re.DOTALL)
"""What Ansible reads as a pattern or a file where a host is named on its command line."""
_NAMES: TypeAdapter[str] = TypeAdapter(Name)


def refuse_name(kind: str, name: str, location: str | None, sources: Iterable[str]) -> None:
    """Raise ``InventoryError`` for the name of a host or a group that nothing could be done with.

    ``location``: where it was written; where nobody knows, the sources are searched for it.
    """
    try:
        _NAMES.validate_python(name)
    except ValidationError:
        reason = "a name has no slash or control character, begins with no dot or dash, and has at most 255 characters"
    else:
        if kind != "host" or not _PATTERN.fullmatch(name):
            return
        reason = "Ansible takes it for a pattern"
    shown = name if name.isprintable() else ascii(name)[1:-1]
    raise InventoryError(f"{shown[:80]!r} cannot be a {kind}: {reason}", location=location or _found(name, sources))


def _found(name: str, sources: Iterable[str]) -> str:
    """The first line of an inventory that begins with a name, or the inventories."""
    sources = list(sources)
    for file in map(Path, sources):
        lines = file.read_text("utf-8", errors="replace").splitlines() if file.is_file() else []
        for number, line in enumerate(lines, start=1):
            if line.strip().strip("[]").split(" ")[0] == name:
                return f"{file}:{number}"
    return ", ".join(sources) or "localhost"
