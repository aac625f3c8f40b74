"""What we make is closed whatever the umask is; what others shall read, and what belongs to a target, is not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hardener import private
from hardener.errors import ExitCode
from hardener.model import Connection, Question
from hardener.transport.local import LocalTransport
from tests.unit.builders import HERE
from tests.unit.test_cli_trust import LOOK

PUBLIC = {"metrics.prom": 0o644, "evidence.key.pub": 0o644}
"""What others read: a collector, and whoever verifies."""


def run(home: Path, umask: int, *words: str) -> str:
    """The real program with a home that has nothing in it yet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ANSIBLE_"))}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "hardener", *words],
        cwd=home,
        env={**kept, "HOME": str(home)},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.COMPLIANT, done.stderr
    return done.stdout


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
def test_all_that_commands_make_has_the_same_modes_under_every_umask(tmp_path: Path, umask: int) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    run(home, umask, "init", "site")
    (home / "site" / "hosts.yml").write_text(HERE)
    look = [*LOOK[:-2], "-i", "site/hosts.yml"]
    run(home, umask, *look, "-o", "table.txt", "--metrics", "metrics.prom")
    run(home, umask, *look, "--store", "elsewhere/deep/runs.sqlite")
    run(home, umask, "report", "latest", "-f", "html", "-o", "report.html")
    run(home, umask, "evidence", "keygen", "-o", "evidence.key")
    run(home, umask, "evidence", "export", "latest", "--key", "evidence.key", "-o", "run.evidence")
    run(home, umask, "plan", *look[1:], "-f", "json", "-o", "plan.json")
    made = {str(path.relative_to(home)): stat.S_IMODE(path.lstat().st_mode) for path in home.rglob("*")}
    assert {".ansible", ".local/state/hardener/runs.sqlite", "site/hosts.yml", "elsewhere/deep"} <= set(made)
    assert {name: mode for name, mode in made.items() if name in PUBLIC} == PUBLIC
    assert {name: oct(mode) for name, mode in made.items() if mode & 0o077 and name not in PUBLIC} == {}


@pytest.mark.parametrize(("given", "there"), [(0o000, "0022"), (0o027, "0027"), (0o077, "0077")])
def test_a_target_that_is_this_machine_keeps_the_umask_of_whoever_called_us(
    monkeypatch: pytest.MonkeyPatch, given: int, there: str
) -> None:
    monkeypatch.setattr(private, "_given", [given])
    (answer,) = LocalTransport(Connection(kind="local", host="localhost")).ask([Question(command="umask")]).values()
    assert answer.stdout.decode().strip() == there


def test_ansible_keeps_it_too(tmp_path: Path) -> None:
    """A package installed with ours would be closed to everybody but root."""
    script = (
        "import os, pathlib, subprocess, sys; from hardener import playbook, private; os.umask(0o002);"
        "private.close_to_others(); folder = pathlib.Path(sys.argv[1]);"
        "program = folder / 'ansible-playbook'; program.write_text('#!/bin/sh\\numask\\n'); program.chmod(0o700);"
        "launcher = playbook._launcher(folder, str(folder));"
        "print(subprocess.check_output([launcher / 'ansible-playbook'], text=True).strip())"
    )
    told = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert told.stdout == "0022\n"
