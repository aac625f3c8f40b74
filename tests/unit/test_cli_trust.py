"""Every file that chooses what runs as root is held to one rule, before any target is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hardener.cli import main
from hardener.errors import ExitCode
from hardener.project import lay_down
from tests.unit.builders import HERE
from tests.unit.test_cli import refused
from tests.unit.test_site import EXAMPLE, PAGE, put

LOOK = ["audit", "--controls", "kernel-ipv6-use", "--store", "runs.sqlite"]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with a file of each kind, in which commands run."""
    site = tmp_path / "site"
    lay_down(site)
    put(site, "hosts.yml", HERE)
    for name, text in EXAMPLE.findall(PAGE.read_text("utf-8")):
        put(site, name, text)
    put(site, "controls/helpers/__init__.py", "")
    put(site, "group_vars/all.yml", "{}\n")
    put(site, "host_vars/this-machine/more.yml", "{}\n")
    put(site, "extra.yml", "{}\n")
    put(site, "own.yml", "title: own\nextends: profiles/site.yml\n")
    monkeypatch.chdir(site)
    return site


KINDS = [
    "hardener.yml",
    "controls",
    "controls/packaging.py",
    "controls/helpers/__init__.py",
    "roles/packaging",
    "roles/packaging/tasks/main.yml",
    "profiles/site.yml",
    "benchmarks/packaging.yml",
    "own.yml",
    "waivers.yml",
    "hosts.yml",
    "group_vars",
    "group_vars/all.yml",
    "host_vars/this-machine/more.yml",
    "extra.yml",
    ".",
]


@pytest.mark.parametrize("path", KINDS)
def test_a_file_that_others_can_write_stops_an_audit(site: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    words = [*LOOK, "-i", "hosts.yml", "-p", "own.yml", "-e", "@extra.yml"]
    place = (site / path).resolve()
    place.chmod(place.stat().st_mode | 0o002)
    told = refused(capsys, *words, code=ExitCode.BAD_CONFIG)
    assert told.startswith(f"hardener: {place}: others can write it (owner ")
    assert f"mode {place.stat().st_mode & 0o7777:04o})" in told
    assert told.endswith(f": chmod o-w {place}\n")


@pytest.mark.usefixtures("site")
def test_the_same_files_pass_otherwise() -> None:
    words = [*LOOK, "-i", "hosts.yml", "-p", "own.yml", "-e", "@extra.yml"]
    assert main(words) == ExitCode.COMPLIANT


def test_a_project_file_that_is_named_is_held_to_it_as_well(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "hardener.yml").chmod(0o666)
    told = refused(capsys, "--project", "hardener.yml", *LOOK, code=ExitCode.BAD_CONFIG)
    assert told.startswith(f"hardener: {site}/hardener.yml: others can write it")


def test_an_inventory_where_others_could_add_variables_is_refused(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = site.parent / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "hosts.yml").write_text("all: {hosts: {a: {}}}\n")
    told = refused(capsys, *LOOK, "-i", str(shared / "hosts.yml"), code=ExitCode.BAD_CONFIG)
    assert told.startswith(f"hardener: {shared}: others can write it")
    assert f"on the way to {shared}/group_vars: use a directory that only you can write" in told


def test_a_plan_that_others_can_write_is_no_approval(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(site, "plan.json", "{}").chmod(0o666)
    assert f"{site}/plan.json: others can write it" in refused(
        capsys,
        "apply",
        "-i",
        "hosts.yml",
        "--plan",
        str(site / "plan.json"),
        "--store",
        "runs.sqlite",
        code=ExitCode.BAD_CONFIG,
    )


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real program: Ansible reads its configuration once in the life of a process."""
    program = [sys.executable, "-P", "-m", "hardener", *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return subprocess.run(
        program,
        cwd=folder,
        env={**kept, "HOME": str(folder / "home"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("forks=5", "ansible.cfg"),
        ("library=./modules", "modules/shell.py"),
        ("filter_plugins=./filters", "filters"),
        ("vars_plugins=./vars", "vars/own.py"),
        ("collections_path=./collections", "collections/ansible_collections/own"),
        ("vault_password_file=./secret", "secret"),
        ("vault_identity_list=dev@secret", "secret"),
    ],
)
def test_what_ansibles_configuration_has_it_load_is_held_to_the_same_rule(site: Path, setting: str, path: str) -> None:
    put(site, "home/.keep", "")
    put(site, "ansible.cfg", f"[defaults]\n{setting}\n")
    place = site / path
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("") if place.suffix or path == "secret" else place.mkdir()
    done = run(site, *LOOK)
    assert (done.returncode, done.stdout) == (ExitCode.COMPLIANT, done.stdout), done.stderr
    place.chmod(place.stat().st_mode | 0o002)
    done = run(site, *LOOK)
    assert done.returncode == ExitCode.BAD_CONFIG
    assert done.stderr.startswith(f"hardener: {place}: others can write it (owner ")


def test_the_configuration_that_the_environment_names_is_held_to_it_too(site: Path) -> None:
    put(site, "home/.keep", "")
    file = put(site, "elsewhere/own.cfg", "[defaults]\nforks=5\n")
    assert run(site, *LOOK, ANSIBLE_CONFIG=str(file)).returncode == ExitCode.COMPLIANT
    file.chmod(0o666)
    done = run(site, *LOOK, ANSIBLE_CONFIG=str(file))
    assert done.stderr.startswith(f"hardener: {file}: others can write it (owner ")


def test_variables_that_lie_in_the_working_directory_are_nobodys(site: Path) -> None:
    """Whoever can put them there, as in /tmp, would have Jinja run as us."""
    put(site, "home/.keep", "")
    shared = site.parent / "shared"
    put(shared, "group_vars/all.yml", "kernel_sysctl: \"{{ lookup('pipe', 'touch seen') }}\"\n")
    shared.chmod(0o1777)
    done = run(shared, "audit", "-i", str(site / "hosts.yml"), *LOOK[1:-1], str(site / "runs.sqlite"), HOME=str(site))
    assert done.returncode == ExitCode.COMPLIANT, done.stderr
    assert not (shared / "seen").exists()
