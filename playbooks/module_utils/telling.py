"""How modules tell what they change, what they leave alone and why they fail, whatever bytes that is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from .lossless import escaped, escaped_line
from .secure_copies import UNREACHABLE
from .secure_files import Unsafe

Item = Mapping[str, Any]
"""One change: ``kind``, ``subject``, ``before``, ``after`` and what else belongs to it."""
MOST_TOLD = 32 * 1024
"""Characters of a text that are told; nobody keeps more of them."""
LAST_LINES = 5
"""Lines of a failed command that are told."""


def finish(module: Any, items: Sequence[Item], **more: Any) -> NoReturn:
    """End a module that makes, or in check mode would make, these changes."""
    module.exit_json(**{"changed": bool(items), "diff": [_told(item) for item in items], **more})
    raise SystemExit(0)  # Ansible's own has ended it already


def _told(item: Item) -> dict[str, Any]:
    names = {name: escaped_line(item[name]) for name in ("subject", "key") if name in item}
    texts = {name: escaped(item[name][:MOST_TOLD]) for name in ("before", "after")}
    return {**item, **names, **texts}


def fail(module: Any, sentence: str) -> NoReturn:
    """End a module that could not do what it should."""
    module.fail_json(msg=escaped_line(sentence))
    raise SystemExit(1)


def output_of(module: Any, *words: str, environment: Mapping[str, str] | None = None, stdin: str | None = None) -> str:
    """Output of a command that must succeed; the task fails with the last that it said where it does not."""
    status, output, error = module.run_command(list(words), environ_update=environment, data=stdin)
    if status != 0:
        said = (error or output).strip().splitlines()[-LAST_LINES:]
        fail(module, f"{words[0]} ended with {status}: {'; '.join(said) or 'it said nothing'}")
    return str(output)


def tell_left_alone(module: Any, path: str, error: OSError) -> None:
    """Warn of something that is left as it is: others could mislead us there, or it cannot be reached.

    Any other error fails the task.
    """
    if not isinstance(error, Unsafe) and error.errno not in UNREACHABLE:
        fail(module, f"{path}: {error.strerror}")
    module.warn(escaped_line(f"{path}: left alone: {error.strerror}"))


@contextmanager
def leaving_alone(module: Any, path: str) -> Iterator[None]:
    """While what a module rests on is looked at: where that cannot be done it leaves all alone, and ends."""
    try:
        yield
    except OSError as error:
        tell_left_alone(module, path, error)
        finish(module, [])
