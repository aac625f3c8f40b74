"""Mounts a file system over a directory in use, whose files come along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import secure_paths
from .lossless import escaped_line
from .secure_copies import attributes_of, copy_tree
from .secure_files import Attributes, Unsafe
from .telling import fail


def move_into(module: Any, path: str, entry: Mapping[str, str]) -> None:
    """Mount the file system of an entry (``source``, ``fstype``, ``options``) over a directory, with what is in there.

    It is filled below a directory that root alone can enter, where nobody can plant anything or hold it busy. Whatever
    fails before it is in its place leaves the directory as it was, and fails the task in a line.
    """
    left_out: list[str] = []
    try:
        with secure_paths.located(path, follow=True) as (parent, name):
            place = f"{parent.path}/{name}"
            if not parent.is_private:
                raise Unsafe(place, "nothing is mounted in a directory of somebody else")
        with secure_paths.private_directory() as folder:
            staging = f"{folder}/mounted"
            secure_paths.make_directory(staging)
            kind = ["--types", entry["fstype"], "--options", entry["options"]]
            _run(module, "mount", *kind, entry["source"], staging)
            try:
                _fill(place, staging, left_out)
                _run(module, "mount", "--bind", staging, place)
            finally:
                # Lazily, for whoever looks at mounts just now. Its place is free at once, and gone with the folder.
                _run(module, "umount", "--lazy", staging)
    except OSError as error:
        fail(module, f"{path}: what is in it cannot be moved into a {entry['fstype']}: {error}")
    for name in left_out:
        module.warn(escaped_line(f"{name}: stays below {path}, for it cannot be read"))


def _run(module: Any, *words: str) -> None:
    status, output, error = module.run_command(list(words))
    if status != 0:
        raise OSError(f"{words[0]}: {(error or output).strip()}")


def _fill(path: str, staging: str, left_out: list[str]) -> None:
    """Copy what is in a directory into a file system, that gets its own mode, mostly 1777, once it is filled."""
    with secure_paths.directory_at(path) as source, secure_paths.item_at(staging) as top:
        own = attributes_of(top)
        top.dress(Attributes(0, 0, 0o700))
        try:
            with secure_paths.directory_at(staging) as target:
                copy_tree(source, target, left_out=left_out)
        finally:
            top.dress(own)
