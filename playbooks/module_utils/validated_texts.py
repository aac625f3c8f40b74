"""Texts of configuration files: read, and put into place whole, once the program that reads them accepts them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from . import secure_paths
from .lossless import bytes_of, text_of
from .secure_copies import attributes_of
from .secure_files import LARGEST, Attributes, Item, Unsafe
from .telling import fail, leaving_alone, tell_left_alone


def text_at(path: str) -> str | None:
    """The text of a file, every byte of it; ``None`` where there is none. Links of root's are followed."""
    data = secure_paths.read(path)
    return None if data is None else text_of(data)


def text_to_edit(module: Any, path: str) -> str | None:
    """The same; a file that cannot be read, or not be brought back, is left alone, and the module ends."""
    with leaving_alone(module, path), suppress(FileNotFoundError), secure_paths.item_at(path, follow=True) as item:
        return restorable_text(item)
    return None


def texts_to_edit(module: Any, paths: Iterable[str]) -> dict[str, str | None]:
    """Path → text, for the paths that mean regular files; ``None`` for what is left alone."""
    texts: dict[str, str | None] = {}
    for path in paths:
        try:
            with suppress(FileNotFoundError), secure_paths.item_at(path, follow=True) as item:
                if item.kind == "file":
                    texts[path] = restorable_text(item)
        except OSError as error:
            tell_left_alone(module, path, error)
            texts[path] = None
    return texts


def restorable_text(item: Item) -> str:
    """The text of a file, as long as a checkpoint keeps it: what could not be brought back is not ours to change."""
    if item.status.st_size > LARGEST:
        raise Unsafe(item.path, f"more than {LARGEST >> 20} MiB, of which no checkpoint keeps the content")
    return text_of(item.read())


def put(
    module: Any,
    path: str,
    text: str,
    *,
    made: Attributes | None = None,
    validate: str | None = None,
    anew: bool = False,
) -> None:
    """Give a file its text, once the command ``validate`` accepts it; the task fails, in a line, where that cannot be.

    A file that is there keeps its owner, mode and extended attributes, or those of the file a link led to: the link is
    replaced. One that is made, or with ``anew`` whatever was there, gets those of ``made``, or is for all to read.
    Directories that are missing are made.
    """
    data = bytes_of(text)
    try:
        if validate:
            _have_validated(module, path, data, validate)
        with secure_paths.located(path, make=True) as (directory, name):
            if not directory.is_private:
                raise Unsafe(path, "not written to a directory of somebody else")
            kept = None if anew else _attributes_now(path)
            directory.replace(name, data, kept or made or owned("0644"))
    except OSError as error:
        fail(module, f"{path}: {error.strerror}")


def owned(mode: str, gid: int | None = None) -> Attributes:
    """What a file of root's own has; ``mode`` is octal."""
    return Attributes(os.geteuid(), os.getegid() if gid is None else gid, int(mode, 8))


def _attributes_now(path: str) -> Attributes | None:
    with suppress(FileNotFoundError), secure_paths.item_at(path, follow=True) as item:
        return attributes_of(item) if item.kind == "file" else None
    return None


def _have_validated(module: Any, path: str, data: bytes, command: str) -> None:
    """Fail the task unless the command accepts the text; ``%s`` in it is where the text lies, for root alone."""
    with secure_paths.private_directory() as folder:
        draft = f"{folder}/text"
        secure_paths.write(draft, data)
        status, output, error = module.run_command([word.replace("%s", draft) for word in command.split()])
    if status != 0:
        said = "; ".join((error or output).strip().replace(draft, path).splitlines())
        fail(module, f"{path}: the new text was refused: {said}")
