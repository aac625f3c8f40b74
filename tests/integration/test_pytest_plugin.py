"""Our controls as tests of stock pytest-testinfra on a real node: the verdicts of an audit, one test each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from hardener import lab
from hardener.model import Outcome
from tests.integration.proving import Bench

pytestmark = pytest.mark.lab

NAME = "plugin-container12"
OWN = f"test_host[ansible://{NAME}]"
TOLD = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failure",
    Outcome.ERROR: "failure",
    Outcome.INFORMATIONAL: "skipped",
    Outcome.NOTAPPLICABLE: "skipped",
}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A soft node with one value of the site's own."""
    lab.down(NAME)
    node = lab.up(NAME, kind="container", release="12", progress=print)
    inventory = yaml.safe_load(node.inventory.read_text())
    inventory["lab"]["hosts"][NAME] |= {"sshd_options": {"maxauthtries": 3}}
    node.inventory.write_text(yaml.safe_dump(inventory))
    yield Bench.of(node, profile="cis-level1")
    lab.down(NAME)


def verdicts(folder: Path, *words: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """What pytest said, and by test what became of it; a control's test is called by its id."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", f"--junitxml={report}", *words]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # testinfra looks there for Ansible
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    cases = ET.parse(report).iter("testcase") if report.exists() else ()
    found = {}
    for case in cases:
        name = case.attrib["name"].removeprefix("test_control[").removesuffix(f"-ansible://{NAME}]")
        found[name] = next((child.tag for child in case if child.tag in TOLD.values()), "passed")
    return done, found


def test_one_test_a_control_comes_to_the_verdict_of_an_audit(bench: Bench, tmp_path: Path) -> None:
    over = [f"--hosts=ansible://{NAME}", f"--ansible-inventory={bench.node.inventory}", "--sudo"]
    done, found = verdicts(tmp_path, *over, "--hardener-profile=cis-level1")
    audit = bench.audit()
    expected = {item.control: TOLD[item.outcome] for item in audit.findings if item.outcome in TOLD}
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stderr
    assert {name: found.get(name) for name in expected} == expected
    attempts = next(item for item in audit.findings if item.control == "sshd-maxauthtries")
    assert f"fail: {attempts.reason}; expected: {attempts.expected}" in done.stdout
    assert "3" in attempts.expected


def test_a_project_s_own_tests_run_beside_them_where_they_are_named(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_host(host):\n    assert host.file('/etc').is_directory\n")
    over = [f"--hosts=ansible://{NAME}", f"--ansible-inventory={bench.node.inventory}", "--sudo"]
    narrowed = ["--hardener-profile=cis-level1", "--hardener-controls=banners-*"]
    _, found = verdicts(tmp_path, *over, *narrowed, "test_own.py")
    assert {"banners-motd", OWN} <= found.keys()
    _, found = verdicts(tmp_path, *over, *narrowed)
    assert OWN not in found
    _, found = verdicts(tmp_path, *over)
    assert found.keys() == {OWN}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hardener-profile=nonsense"], "no profile 'nonsense'"),
        (["--hardener-profile=cis-level1", "--hardener-controls=nonsense"], "no control is called 'nonsense'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(words: list[str], said: str, tmp_path: Path) -> None:
    done, _ = verdicts(tmp_path, "--hosts=local://", *words)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
