"""What every page is made with: one style, one script, our words for values, and everything a host says escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hardener.model import counted
from hardener.reports import arranged

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_VALUE = 1000
"""Most letters of a value or a sentence; how long it is, is said."""


def environment(**filters: Callable[..., Any]) -> Environment:
    """Everything escaped, our words for values, and filters of one's own."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    shared: Mapping[str, Any] = {
        "words": lru_cache(4096)(lambda text: arranged.on_one_line(text, LONGEST_VALUE)),
        "value": lambda value: arranged.value_words(value, LONGEST_VALUE),
        "moment": arranged.moment,
        "disturbs": arranged.disruption_words,
        "waiver": arranged.waiver_words,
        "counted": counted,
        "by_reason": arranged.by_reason,
        "by_role": arranged.by_role,
        "by_severity": arranged.by_severity,
        "worst_first": lambda entries: sorted(entries, key=arranged.worst_first),
    }
    made.filters.update({**shared, **filters})
    return made


def style() -> str:
    """The style sheet of every page."""
    return (TEMPLATES / "report.css").read_text(encoding="utf-8")


def script() -> str:
    """The script of every page that has one."""
    return (TEMPLATES / "report.js").read_text(encoding="utf-8")


def digest(text: str) -> str:
    """What a Content-Security-Policy knows a style or a script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
