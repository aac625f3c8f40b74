"""Everything that can be wrong with a target: one line that names it and the cause, and the documented exit code."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

from hardener import lab
from hardener.errors import ExitCode
from tests.integration.conftest import Sshd, make_key

HARDENER = [sys.executable, "-m", "hardener"]


def inventory(folder: Path, name: str, **variables: Any) -> Path:
    file = folder / "hosts.yml"
    file.write_text(yaml.safe_dump({"all": {"hosts": {name: variables}}}))
    return file


def of_sshd(folder: Path, sshd: Sshd) -> Path:
    arguments = f"-o UserKnownHostsFile={sshd.known_hosts} -o IdentitiesOnly=yes"
    return inventory(
        folder,
        "loopback",
        ansible_host="127.0.0.1",
        ansible_port=sshd.port,
        ansible_ssh_private_key_file=str(sshd.folder / "user_key"),
        ansible_ssh_common_args=arguments,
    )


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    finished = subprocess.run(
        [*HARDENER, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )
    assert "Traceback" not in finished.stderr
    return finished


def looked(hosts: Path, *arguments: object, code: ExitCode) -> dict[str, Any]:
    """The result of the one target of an audit that ends with this code."""
    store = hosts.parent / "runs"
    finished = run("audit", "-i", hosts, "--store", store, "-f", "json", *arguments)
    assert finished.returncode == code, finished.stderr
    (result,) = json.loads(finished.stdout)["run"]["results"]
    return dict(result)


def test_an_unknown_host_key_is_an_error_throughout(tmp_path: Path, sshd: Sshd) -> None:
    sshd.known_hosts.write_text("")
    result = looked(of_sshd(tmp_path, sshd), code=ExitCode.INCOMPLETE)
    assert "unknown host key of [127.0.0.1]" in result["problem"]
    judged = [item for item in result["findings"] if item["outcome"] != "notselected"]
    unseen = {item["outcome"] for item in judged if "_choice." not in item["reason"]}
    assert unseen == {"error"}, "only that a site has chosen another way is known without looking"


def test_a_changed_host_key_is_an_error_throughout(tmp_path: Path, sshd: Sshd) -> None:
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {make_key(tmp_path / 'other')}")
    assert "has changed: ssh-ed25519 SHA256:" in looked(of_sshd(tmp_path, sshd), code=ExitCode.INCOMPLETE)["problem"]


def test_a_target_that_dies_in_mid_batch_keeps_what_it_answered(tmp_path: Path, sshd_with: Callable[..., Sshd]) -> None:
    script = tmp_path / "dies"
    # Passes the first few answers on and then ends the session.
    script.write_text('#!/bin/sh\neval "$SSH_ORIGINAL_COMMAND" | head -n 40\n')
    script.chmod(0o755)
    result = looked(of_sshd(tmp_path, sshd_with(options=f"ForceCommand {script}")), code=ExitCode.INCOMPLETE)
    answered = [item for item in result["transcript"]["answers"].values() if item["problem"] is None]
    lost = [item for item in result["transcript"]["answers"].values() if item["problem"] is not None]
    assert answered
    assert {item["problem"] for item in lost} == {"the connection was lost before the answer"}


def interrupt(process: int) -> None:
    os.kill(process, signal.SIGINT)


def interrupt_another_thread(process: int) -> None:
    """Give SIGINT to a thread that is not the main one: that wakes nobody, as little as one that comes too early."""
    others = [int(thread.name) for thread in Path(f"/proc/{process}/task").iterdir() if thread.name != str(process)]
    assert ctypes.CDLL(None).tgkill(process, others[0], signal.SIGINT) == 0


@pytest.mark.parametrize("interrupted", [interrupt, interrupt_another_thread])
def test_an_interruption_does_not_wait_for_a_silent_target(tmp_path: Path, interrupted: Callable[[int], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = inventory(tmp_path, "silent", ansible_host="127.0.0.1", ansible_port=silent.getsockname()[1])
        arguments = ["audit", "-i", str(hosts), "--store", str(tmp_path / "runs"), "--connect-timeout", "300"]
        child = subprocess.Popen([*HARDENER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            connection, _ = silent.accept()
            assert connection.recv(4) == b"SSH-"
            interrupted(child.pid)
            output, error = child.communicate(timeout=60)
            connection.close()
        finally:
            child.kill()
    assert (child.returncode, output) == (ExitCode.INTERRUPTED, "")
    assert re.fullmatch(r"run \S+ kept\nhardener: interrupted\n", error)


@pytest.fixture(scope="module")
def node() -> Iterator[lab.Node]:
    """A container node that the tests below leave as they found it."""
    lab.down("badinput12")
    yield lab.up("badinput12", kind="container", release="12", progress=print)
    lab.down("badinput12")


def of_node(folder: Path, node: lab.Node, user: str, **variables: Any) -> Path:
    ours = {
        "ansible_host": node.address,
        "ansible_port": node.port,
        "ansible_user": user,
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(node.key_file),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={node.known_hosts} -o IdentitiesOnly=yes",
    }
    return inventory(folder, "node", **ours, **variables)


@pytest.mark.lab
def test_an_account_without_sudo(tmp_path: Path, node: lab.Node) -> None:
    problem = looked(of_node(tmp_path, node, "plain"), code=ExitCode.INCOMPLETE)["problem"]
    assert "sudo" in problem
    assert "\n" not in problem


@pytest.mark.lab
def test_a_sudo_that_wants_a_password_nobody_gave(tmp_path: Path, node: lab.Node) -> None:
    assert "password is required" in looked(of_node(tmp_path, node, "operator"), code=ExitCode.INCOMPLETE)["problem"]


@pytest.mark.lab
@pytest.mark.parametrize(
    ("is_right", "code", "words"),
    [(True, ExitCode.FINDINGS, "FAILING"), (False, ExitCode.INCOMPLETE, "did not accept")],
)
def test_the_sudo_password_is_asked_for(
    tmp_path: Path, node: lab.Node, is_right: bool, code: ExitCode, words: str
) -> None:
    password = node.password_file.read_text().strip() if is_right else "not-the-password"
    hosts = of_node(tmp_path, node, "operator")
    child = pexpect.spawn(
        HARDENER[0],
        [*HARDENER[1:], "audit", "-i", str(hosts), "-K", "--store", str(tmp_path / "runs")],
        timeout=120,
        encoding="utf-8",
    )
    child.expect("BECOME password: ")
    child.sendline(password)
    child.expect(pexpect.EOF)
    child.close()
    told = str(child.before)
    assert child.exitstatus == code, told
    assert words in told
    assert password not in told
    assert password.encode() not in (tmp_path / "runs").read_bytes()


@pytest.mark.lab
def test_without_become_what_needs_root_says_so(tmp_path: Path, node: lab.Node) -> None:
    hosts = of_node(tmp_path, node, "plain")
    hosts.write_text(hosts.read_text().replace("ansible_become: true", "ansible_become: false"))
    as_user = {item["control"]: item for item in looked(hosts, code=ExitCode.INCOMPLETE)["findings"]}
    as_root = {
        item["control"]: item for item in looked(of_node(tmp_path, node, "admin"), code=ExitCode.FINDINGS)["findings"]
    }
    assert as_user["sshd-permitrootlogin"]["outcome"] == "error"
    assert as_user["sshd-permitrootlogin"]["reason"] == "needs root"
    differing = [
        name
        for name, item in as_user.items()
        if item["outcome"] not in {"error", "informational"} and item["outcome"] != as_root[name]["outcome"]
    ]
    assert differing == [], "an answer only root gets must never be guessed"


@pytest.fixture
def without_python(node: lab.Node) -> Iterator[None]:
    """The node's Python out of the way."""
    lab.run(node, "mkdir /usr/bin/aside && mv /usr/bin/python3* /usr/bin/aside/")
    yield
    lab.run(node, "mv /usr/bin/aside/* /usr/bin/ && rmdir /usr/bin/aside")


@pytest.mark.lab
@pytest.mark.usefixtures("without_python")
def test_a_target_without_python_is_audited_and_not_changed(tmp_path: Path, node: lab.Node) -> None:
    hosts = of_node(tmp_path, node, "admin")
    looked(hosts, code=ExitCode.FINDINGS)
    finished = run("apply", "--yes", "-i", hosts, "--store", tmp_path / "runs")
    assert finished.returncode == ExitCode.INCOMPLETE
    assert "refused, the target has no python3, which Ansible needs" in finished.stdout


@pytest.fixture
def full_disk(node: lab.Node) -> Iterator[None]:
    """A full file system where our files for the kernel would go."""
    lab.run(
        node,
        "mount -t tmpfs -o size=4k,mode=755 tmpfs /etc/sysctl.d && head -c 4096 /dev/zero > /etc/sysctl.d/full; true",
    )
    yield
    lab.run(node, "umount /etc/sysctl.d")


@pytest.mark.lab
@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_no_matter_for_an_audit_and_one_line_for_an_apply(tmp_path: Path, node: lab.Node) -> None:
    hosts = of_node(tmp_path, node, "admin")
    looked(hosts, code=ExitCode.FINDINGS)
    finished = run(
        "apply",
        "--yes",
        "-i",
        hosts,
        "-p",
        "beyond-cis",
        "--controls",
        "kernel-syn-cookies",
        "--store",
        tmp_path / "runs",
    )
    assert finished.returncode == ExitCode.INCOMPLETE
    assert "No space left on device" in finished.stdout
    listing = lab.run(node, "ls -A /etc/sysctl.d").stdout.split()
    assert listing == ["full"], "nothing half-written"
