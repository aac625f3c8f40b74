"""Nothing is restored beneath a package manager: its lock is waited for, or whoever holds it is ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardener.checkpoint import package_manager
from hardener.checkpoint.system import Failed

HOLDS = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
print("holds", flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the lock is root's")


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock like dpkg's."""
    file = tmp_path / "lock-frontend"
    file.touch(mode=0o640)
    monkeypatch.setattr(package_manager, "LOCK", str(file))
    return file


@pytest.fixture
def holder(lock: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody who installs something."""
    words = [sys.executable, "-c", HOLDS, str(lock)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_where_nobody_installs_anything_the_lock_is_held_meanwhile(lock: Path) -> None:
    with package_manager.quiet() as was_ended:
        assert not was_ended
        words = [sys.executable, "-c", HOLDS.replace("LOCK_EX", "LOCK_EX | fcntl.LOCK_NB"), str(lock)]
        assert subprocess.run(words, capture_output=True, check=False).returncode != 0


def test_a_host_without_dpkg_has_nobody_to_wait_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_manager, "LOCK", str(tmp_path / "none"))
    with package_manager.quiet() as was_ended:
        assert not was_ended


def test_who_is_done_in_time_is_left_alone(holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def is_done(_seconds: float) -> None:
        assert holder.stdin is not None
        if not holder.stdin.closed:
            holder.stdin.close()
        holder.wait()

    monkeypatch.setattr("time.sleep", is_done)
    with package_manager.quiet() as was_ended:
        assert not was_ended
    assert holder.returncode == 0


def test_who_is_not_done_in_time_is_ended_with_all_it_has_started(holder: subprocess.Popen[bytes]) -> None:
    with package_manager.quiet(0) as was_ended:
        assert was_ended
    assert holder.wait(10) < 0


def test_who_must_not_be_ended_is_named(holder: subprocess.Popen[bytes]) -> None:
    with (
        pytest.raises(Failed, match=f"at work there: python.* .process {holder.pid}."),
        package_manager.quiet(0, ends_it=False),
    ):
        pass
