"""Puts a report of one or several files in its place: a page, and a folder of further pages beside it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from hardener.errors import ConfigError
from hardener.reports.links import folder_of

_PAGE = re.compile(r"[a-z]\d+\.html")


def deliver_parts(parts: Iterable[tuple[str, bytes]], output: Path) -> None:
    """Write the files of a report, all or none, and take away the pages of the one that was there before.

    Everything is written beside the place where it goes, so that what is left to do are renames. A folder of that name
    that holds anything but pages is somebody else's: it stays, and is an error where the report needs its place.
    """
    folder = output.with_name(folder_of(output.name))
    try:
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as made:
            stage = Path(made)
            for name, data in parts:
                _write(stage / name, data)
            is_split = (stage / folder.name).exists()
            if is_split and not _is_replaceable(folder):
                raise ConfigError("holds something else than pages of a report", location=str(folder))
            _swap(stage, output, folder, is_split=is_split)
    except OSError as error:
        raise ConfigError(error.strerror or str(error), location=str(output)) from None


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_bytes(data)
    file.chmod(0o600)


def _is_replaceable(folder: Path) -> bool:
    """Whether there is nothing, or a folder of pages and nothing else."""
    if folder.is_symlink() or not folder.exists():
        return not folder.is_symlink()
    return folder.is_dir() and all(_PAGE.fullmatch(file.name) for file in folder.iterdir())


def _swap(stage: Path, output: Path, folder: Path, *, is_split: bool) -> None:
    """Put a staged report into its place; where that cannot be finished, the earlier one is put back."""
    earlier = stage / "earlier"
    is_replaced = folder.exists() and _is_replaceable(folder)
    if is_replaced:
        folder.rename(earlier)
    try:
        if is_split:
            (stage / folder.name).rename(folder)
        (stage / output.name).replace(output)
    except BaseException:
        if is_split and folder.exists():
            folder.rename(stage / "unfinished")
        if is_replaced:
            earlier.rename(folder)
        raise
