"""Where the parts of a report are found: all in one page, or each in a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Links:
    """The links of one page. Parts are named by their anchors: ``t3`` a target, ``c12`` a control, ``c12v2`` a case."""

    folder: str | None = None
    """From here to the folder of pages; empty inside of it, ``None`` where everything is in one page."""
    index: str = ""
    """From here to the first page."""

    @property
    def is_whole(self) -> bool:
        """Whether everything is in one page."""
        return self.folder is None

    def to(self, part: str) -> str:
        """Where a part is."""
        if self.folder is None:
            return f"#{part}"
        page = part.partition("v")[0]
        return f"{quote(self.folder)}{page}.html" + (f"#{part}" if part != page else "")

    def home(self, part: str) -> str:
        """Where a part of the first page is."""
        return f"{quote(self.index)}#{part}"


def folder_of(name: str) -> str:
    """The folder in which the pages of a report lie whose first page has this name."""
    return f"{name}.d"


def blocks(count: int, size: int) -> Sequence[range]:
    """So many places, cut into blocks."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)] or [range(0)]
