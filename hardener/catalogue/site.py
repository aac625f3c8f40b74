"""What a site adds to our content: the controls, roles, profiles and benchmarks in its project's directory."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hardener.catalogue.control import Control
from hardener.content import roles_directory
from hardener.errors import ConfigError


def site_controls(site: Path, ours: Mapping[str, str]) -> Iterator[tuple[str, Sequence[Control]]]:
    """Role and controls of each file in ``controls/``; ``ours`` is where our own are, by role.

    Raises ``ConfigError`` where a role is one of ours too, is missing, or where a file cannot be loaded.
    """
    for role in sorted((site / "roles").glob("*/")):
        if (own := roles_directory() / role.name).is_dir():
            raise ConfigError(f"this role has the name of one of ours, {own}: give it another", location=str(role))
    for file in sorted((site / "controls").glob("[!_]*.py")):
        role_name = file.stem
        if role_name in ours:
            message = f"these controls have the role of ours, {ours[role_name]}: give them another"
            raise ConfigError(message, location=f"{file}:1")
        controls = _loaded(file)
        if any(control.is_remediable for control in controls) and not (site / "roles" / role_name).is_dir():
            raise ConfigError(f"their role is missing: {site / 'roles' / role_name}", location=f"{file}:1")
        yield role_name, controls


def _loaded(file: Path) -> Sequence[Control]:
    """The ``CONTROLS`` of a file; whatever it raises is one line."""
    name = f"hardener_site.{file.stem}"
    specification = importlib.util.spec_from_file_location(name, file)
    if specification is None or specification.loader is None:
        raise ConfigError("this is no Python file", location=str(file))
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # where dataclasses look for what their annotations mean
    try:
        specification.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001  (somebody else's code may raise anything)
        raise ConfigError(f"{type(error).__name__}: {error}", location=f"{file}:{_line(error, file)}") from None
    controls = getattr(module, "CONTROLS", None)
    if not isinstance(controls, list) or not all(isinstance(item, Control) for item in controls):
        raise ConfigError("it has no list CONTROLS of controls", location=f"{file}:1")
    return controls


def _line(error: Exception, file: Path) -> int:
    """The line of a file where an error came from."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 1 for frame in reversed(frames) if frame.filename == str(file)), 1)


def named_files(kind: str, ours: Path, site: Path | None, *, error: type[ConfigError]) -> Mapping[str, Path]:
    """Every file of a kind that has a name, such as ``profiles``: those of ours, and those in the site's folder of it.

    Raises ``error`` where one of a site has the name of one of ours.
    """
    files = {file.stem: file for file in sorted(ours.glob("*.yml"))}
    for file in sorted((site / kind).glob("*.yml")) if site else ():
        if file.stem in files:
            message = f"this {kind.removesuffix('s')} has the name of one of ours, {files[file.stem]}: give it another"
            raise error(message, location=f"{file}:1")
        files[file.stem] = file
    return files
