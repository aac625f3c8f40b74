"""Runs an Ansible module of ours as Ansible would, in this process, on files that stand for a system's own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

STRANGER = 54321
"""The number of an account and a group that nobody has."""
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others, which only root can")


def run(main: Callable[[], None], *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    """What a module answers; ``warnings`` holds what it warns of, as text."""
    told, warnings = io.StringIO(), []
    with (
        patch_module_args({**arguments, "_ansible_check_mode": check}),
        mock.patch.object(AnsibleModule, "warn", lambda _, text: warnings.append(text)),
        redirect_stdout(told),
        pytest.raises(SystemExit),
    ):
        main()
    answer: dict[str, Any] = json.loads(told.getvalue().strip().splitlines()[-1])
    json.dumps(answer, ensure_ascii=False).encode("utf-8")  # what cannot be written is lost on the way
    return {**answer, "warnings": warnings}


def theirs(path: Path) -> Path:
    """Make a directory that somebody else owns, as a home is."""
    path.mkdir(parents=True, mode=0o755)
    os.chown(path, STRANGER, STRANGER)
    return path


def state(path: Path) -> tuple[bytes, int, int, int]:
    """Content, owner, group and mode of a file."""
    status = path.stat()
    return path.read_bytes(), status.st_uid, status.st_gid, status.st_mode & 0o7777


def victim(folder: Path) -> Path:
    """A file of root's that nobody may reach."""
    path = folder / "shadow"
    path.write_bytes(b"secret\n")
    path.chmod(0o600)
    return path


_HOLDING = """
import os, sys
path, way, uid, gid = sys.argv[1], *map(int, sys.argv[2:])
held = os.open(path, way)
os.setgroups([gid])
os.setgid(gid)
os.setuid(uid)
print("holding", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_open(path: Path, way: int, uid: int, gid: int) -> Iterator[int]:
    """Another process has a file open, with these open flags and as this user, while the block lasts; its number."""
    command = [sys.executable, "-c", _HOLDING, str(path), str(way), str(uid), str(gid)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        yield process.pid
        process.stdin.close()
