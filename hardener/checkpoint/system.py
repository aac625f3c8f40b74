"""The target's own programs, and where this program keeps its things."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from hardener.checkpoint.lossless import bytes_of, escaped_line, text_of
from hardener.checkpoint.secure_paths import read, write

HOME = PurePath("/var/lib/hardener")
SECONDS = 120
"""Longest time one program of the target may take."""
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
}


class Failed(Exception):
    """Something could not be done; the text is one line for a person."""


def output(
    words: Sequence[str], *, stdin: str = "", seconds: float = SECONDS, environment: Mapping[str, str] | None = None
) -> str:
    """What a program prints; raises ``Failed`` with its last words where it fails, is missing, or takes too long."""
    try:
        done = subprocess.run(
            list(words),
            input=bytes_of(stdin),
            capture_output=True,
            timeout=seconds,
            env={**ENVIRONMENT, **(environment or {})},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{words[0]}: {error}") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise Failed(f"{' '.join(words)[:200]}: {said[-1] if said else f'exit status {done.returncode}'}")
    return text_of(done.stdout)


def has(program: str) -> bool:
    """Whether the target has a program."""
    return shutil.which(program, path=ENVIRONMENT["PATH"]) is not None


def write_json(path: PurePath, value: Any) -> None:
    """Keep a value."""
    write(str(path), json.dumps(value, sort_keys=True).encode())


def read_json(path: PurePath) -> Any | None:
    """A kept value; ``None`` where there is none."""
    text = read(str(path))
    return None if text is None else json.loads(text)


State = dict[str, dict[str, Any]]
"""All state of a target: kind → name → value. ``None`` as a value, or no name, is absence."""


def told(words: Sequence[str], most: int = 200) -> list[str]:
    """As many sentences as somebody reads, each on a line, and how many more there are."""
    lines = [escaped_line(line) for line in words[:most]]
    return [*lines, f"and {len(words) - most} more"] if len(words) > most else lines
