"""Builds the wheel, installs it where no checkout is in sight, and uses what it installed."""

import os
import subprocess
import sys
import venv
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
