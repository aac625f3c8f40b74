"""Builds the wheel, installs it where no checkout is in sight, and uses what it installed."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.wheels import HASHED, ROOT, built_wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = built_wheel(folder)
    venv.create(folder / "environment", with_pip=True)
    programs = folder / "environment" / "bin"
    install: list[str | Path] = [programs / "pip", "install", "--quiet"]
    subprocess.run([*install, *HASHED], check=True, capture_output=True)
    subprocess.run([*install, "--no-deps", wheel], check=True, capture_output=True)
    return programs


def run(program: Path, *arguments: str, folder: Path) -> str:
    """What a program prints, run far from the checkout and without its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ANSIBLE"))}
    environment |= {"XDG_STATE_HOME": str(folder), "COLUMNS": "100"}
    done = subprocess.run(
        [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_command_explains_itself(installed: Path, tmp_path: Path) -> None:
    assert "audit" in run(installed / "hardener", "--help", folder=tmp_path)


def test_the_catalogue_is_complete(installed: Path, tmp_path: Path) -> None:
    here = run(Path(sys.executable).with_name("hardener"), "controls", "list", folder=tmp_path)
    assert run(installed / "hardener", "controls", "list", folder=tmp_path) == here


def test_roles_and_playbooks_are_inside(installed: Path, tmp_path: Path) -> None:
    script = "from hardener import content; print(content.roles_directory(), content.playbooks_directory())"
    roles, playbooks = map(Path, run(installed / "python", "-c", script, folder=tmp_path).split())
    assert roles.is_relative_to(installed.parent)
    for kind, there in (("roles", roles), ("playbooks", playbooks)):
        # What lies below a role or a playbook and is not made by running it.
        wanted = {
            path.relative_to(ROOT / kind) for path in (ROOT / kind).rglob("*.*") if "__pycache__" not in path.parts
        }
        assert wanted <= {path.relative_to(there) for path in there.rglob("*")}


def copy(folder: Path, files: Sequence[str], *, mode: int, moment: float) -> Path:
    """A checkout of these files, made in their order, with other modes and times."""
    for name in files:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, file)
        file.chmod(mode | (0o111 & (ROOT / name).stat().st_mode & mode >> 2))
        os.utime(file, (moment, moment))
    return folder


def test_the_same_sources_give_the_same_bytes_wherever_and_whenever_they_are_built(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [name for name in tracked.split("\0") if name and (ROOT / name).is_file()]
    here = copy(tmp_path / "a", files, mode=0o644, moment=1_000_000_000)
    there = copy(tmp_path / "somewhere" / "else", files[::-1], mode=0o600, moment=1_700_000_000.5)
    # What running the roles' modules and the tool leaves behind.
    for left in ("playbooks/library", "hardener", "roles/sshd"):
        (there / left / "__pycache__").mkdir()
        (there / left / "__pycache__" / "left.cpython-311.pyc").write_bytes(b"left")
    first = built_wheel(tmp_path / "first", here, umask=0o022)
    second = built_wheel(tmp_path / "second", there, umask=0o077)
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
