"""A directory of ours for what is secret or run: closed, gone at the end, and gone after a kill with the next one."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hardener import private
from hardener.errors import ConfigError
from hardener.private import state_directory, working_directory

SECRET = "a password of a site"
WAITING = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Begun
      ansible.builtin.debug: {msg: begun}
    - name: Wait for what never comes
      ansible.builtin.wait_for: {path: "{{ hardening_variables }}/never", timeout: 600}
"""
RUN = """\
import os, sys
from hardener.playbook import PlaybookRun, run_playbook
run_playbook(
    PlaybookRun(
        inventories=("localhost,",), extra_vars=("ansible_connection=local",),
        variables={"localhost": {"secret": sys.argv[2]}},
        progress=lambda _target, task: os.write(1, (task + "\\n").encode()),
    ),
    sys.argv[1],
)
"""
HOLD = """\
import sys
from hardener.private import working_directory
with working_directory() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where such directories lie; temporary files of others would lie elsewhere, and be seen."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return state_directory() / "running"


@contextmanager
def program(text: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program that is killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", text, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def holding(text: str, folder: Path) -> list[Path]:
    """The files in which a text is; what programs that are just ending remove meanwhile is none."""
    found = []
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if file.is_file() and text.encode() in file.read_bytes():
                found.append(file)
    return found


def test_it_is_closed_and_gone_at_the_end(running: Path) -> None:
    with working_directory() as folder:
        assert folder.parent == running
        assert {path.stat().st_mode & 0o077 for path in (folder, running)} == {0}
    assert not folder.exists()


def test_that_of_a_killed_one_goes_with_the_next_and_that_of_a_living_one_stays() -> None:
    with program(HOLD) as living, program(HOLD) as dead:
        left, stays = Path(said(dead)), Path(said(living))
        assert left != stays
        dead.kill()
        dead.wait()
        assert left.is_dir()
        with working_directory():
            assert not left.exists()
            assert stays.is_dir()
        living.communicate("")
        assert not stays.exists()


def test_one_that_was_made_and_never_locked_goes_too(running: Path) -> None:
    (running / "1-dead").mkdir(parents=True)
    with working_directory():
        assert not (running / "1-dead").exists()


def test_a_killed_playbook_leaves_no_role_variables_for_long(tmp_path: Path, running: Path) -> None:
    playbook = tmp_path / "waiting.yml"
    playbook.write_text(WAITING)
    with program(RUN, str(playbook), SECRET) as process:
        assert said(process) == "Begun"
        assert holding(SECRET, running)
        process.kill()
        process.wait()
    assert holding(SECRET, tmp_path) == holding(SECRET, running)
    with working_directory():
        assert holding(SECRET, tmp_path) == []


@pytest.mark.parametrize("problem", [OSError(errno.ENOTEMPTY, "Directory not empty"), FileNotFoundError()])
def test_orphans_of_a_killed_one_that_are_still_at_work_in_it_end_nobody(
    running: Path, monkeypatch: pytest.MonkeyPatch, problem: OSError
) -> None:
    (running / "1-dead").mkdir(parents=True)
    remove, problems = shutil.rmtree, [problem, problem]

    def removing(folder: Path) -> None:
        assert not (running / "1-dead").exists()
        if problems:
            raise problems.pop()
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", removing)
    with working_directory() as folder:
        assert {path.name for path in running.iterdir()} == {"lock", folder.name}
    problems.extend([problem] * 2 * private.MOST_TRIES)
    with working_directory():
        pass
    problems.clear()
    with working_directory() as folder:
        assert {path.name for path in running.iterdir()} == {"lock", folder.name}


def test_what_cannot_be_removed_otherwise_is_told(running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (running / "1-dead").mkdir(parents=True)

    def refusing(_folder: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(shutil, "rmtree", refusing)
    with pytest.raises(ConfigError, match=r"running: Operation not permitted"), working_directory():
        pass


def test_one_that_others_could_exchange_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    with pytest.raises(ConfigError, match=r"state: others can write it"), working_directory():
        pass


def test_where_none_can_be_made_it_says_so_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigError, match=r"running: Not a directory"), working_directory():
        pass
