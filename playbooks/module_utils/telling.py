"""How modules tell what they change, whatever bytes the names and texts are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .secure_copies import UNREACHABLE
from .secure_files import Unsafe

Item = Mapping[str, Any]
"""One change: ``kind``, ``subject``, ``before``, ``after`` and what else belongs to it."""


def finish(module: Any, items: Sequence[Item], **more: Any) -> None:
    """End a module that makes, or in check mode would make, these changes."""
    told = [
        {name: escaped(value) if isinstance(value, str) else value for name, value in item.items()} for item in items
    ]
    module.exit_json(**{"changed": bool(items), "diff": told, **more})


def escaped(text: str) -> str:
    """A text without the bytes that are no UTF-8, which no answer can carry: they become what Python shows of them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def on_a_line(path: str) -> str:
    """A path in a message, on one line whatever it is made of."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in escaped(path))


def tell_left_alone(module: Any, path: str, error: OSError) -> None:
    """Warn of something that is left as it is: others could mislead us there, or it cannot be reached.

    Any other error fails the task.
    """
    if isinstance(error, Unsafe) or error.errno in UNREACHABLE:
        module.warn(f"{on_a_line(path)}: left alone: {error.strerror}")
    else:
        module.fail_json(msg=f"{on_a_line(path)}: {error.strerror}")
