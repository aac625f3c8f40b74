"""A run ends its own processes: those of root's that have its secret, which nobody else can know."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardener.checkpoint import own_processes

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="looks at root's processes")
NOBODY = 65534
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory of a run's checkpoint."""
    own_processes.mark(tmp_path, "python3")
    return tmp_path


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes that wait for the end of their input; they end with the test."""
    started = []

    def started_with(*words: str, **how: object) -> subprocess.Popen[bytes]:
        program = "import sys; print('up', flush=True); sys.stdin.read()"
        process = subprocess.Popen(  # type: ignore[call-overload]
            [*words, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **how
        )
        process.stdout.readline()
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield started_with
    for process in started:
        process.kill()
        process.communicate()


def test_what_is_started_through_the_checkpoint_is_the_runs_own_with_its_children(folder: Path, start: Start) -> None:
    marked, other = start(str(folder / "python")), start("python3")
    assert list(own_processes.of_run(folder)) == [marked.pid]
    assert own_processes.end(folder, 10)
    assert marked.wait(10) != 0
    assert other.poll() is None
    assert not own_processes.end(folder, 10)


def test_the_secret_stands_on_no_command_line(folder: Path, start: Start) -> None:
    secret = (folder / "mark").read_bytes().strip()
    process = start(str(folder / "python"))
    assert secret not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert {path.stat().st_mode & 0o077 for path in (folder / "mark", folder / "python")} == {0}


def test_a_user_who_takes_the_name_or_even_the_secret_is_nobody_of_ours(folder: Path, start: Start) -> None:
    secret = (folder / "mark").read_text().strip()
    environment = {**os.environ, own_processes.MARK: secret, "HARDENER_RUN": "R1"}
    start("/usr/bin/env", "python3", env=environment, user=NOBODY, cwd="/")
    start("python3", env={**os.environ, own_processes.MARK: "R1"})
    assert list(own_processes.of_run(folder)) == []


def test_a_run_that_made_no_mark_has_no_processes(tmp_path: Path) -> None:
    assert list(own_processes.of_run(tmp_path)) == []


def test_what_a_process_has_started_ends_before_it(folder: Path, start: Start) -> None:
    parent = start("python3")
    assert own_processes.descendants(os.getpid())[-1] == os.getpid()
    assert own_processes.descendants(parent.pid) == [parent.pid]
    assert parent.pid in own_processes.descendants(os.getpid())
    assert folder.exists()
