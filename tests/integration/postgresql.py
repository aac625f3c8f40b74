"""A PostgreSQL server of its own: made in a folder, on a socket only, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNPRIVILEGED = "nobody"
"""The server refuses to run as root."""


def _programs() -> Path:
    """Where Debian keeps the programs of the newest server."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    assert folders, "the Debian package postgresql is missing"
    return folders[-1].parent


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="hardener-"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
        who = {"user": UNPRIVILEGED, "group": "nogroup", "extra_groups": []}

    def run(program: str, *arguments: str | Path) -> None:
        command = [_programs() / program, "--pgdata", folder / "data", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **who)
        assert done.returncode == 0, done.stderr + (folder / "log").read_text() if (folder / "log").exists() else ""

    try:
        run("initdb", "--auth=trust", "--username=hardener", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        run("pg_ctl", "start", "--wait", "--log", folder / "log", "--options", f"-c listen_addresses='' -k {folder}")
        try:
            yield f"postgresql://hardener@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=fast")
    finally:
        shutil.rmtree(folder)
