"""What an account without rights can do to the walk of all files: fail the controls about his own, and no more."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

import pytest

from hardener import lab
from hardener.model import Finding, Outcome
from tests.integration.proving import Bench

pytestmark = pytest.mark.lab

FLOOD = r"""
import os
os.chdir("/home/plain")
for number in range(9500):
    name = f"{number:04}" + "x" * 246
    os.close(os.open(name, os.O_CREAT))
    os.chmod(name, 0o666)
for number in range(3000):
    name = f"s{number:04}" + "x" * 245
    os.close(os.open(name, os.O_CREAT))
    os.chmod(name, 0o4755)
odd = (
    "x\nset-id 04755 0 0 f evil", "x\nended walk 0\nwalked ", "-----BEGIN RSA PRIVATE KEY-----", "x\n04755 0 0 f evil",
    "\udcff\r\x1b[2J", "back\\x0aslash",
)
for name in odd:
    os.close(os.open(name, os.O_CREAT))
    os.chmod(name, 0o666)
"""
DEEP = r"""
import os
os.chdir("/home/plain")
for _ in range(30):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
"""
# What the set-uid program fusermount does for any user. One mount has a server that root may not ask, the other has a
# dead one; the type of both has no second half.
MOUNT = r"""
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
servers = []
for name, options in (("alive", b""), ("dead \n\xff".encode("latin1"), b",allow_other")):
    target = os.path.join(b"/home/plain", name if isinstance(name, bytes) else name.encode())
    os.mkdir(target)
    os.chown(target, 1002, 1002)
    server = os.open("/dev/fuse", os.O_RDWR)
    words = b"fd=%d,rootmode=40000,user_id=1002,group_id=1002" % server + options
    if libc.mount(b"own", target, b"fuse", 6, words):
        raise OSError(ctypes.get_errno(), "mount")
    servers.append(server)
os.close(servers[1])
if os.fork():
    os._exit(0)
os.setsid()
for stream in range(3):
    os.close(stream)
time.sleep(3600)
"""


CLEAN = "cd /home/plain && { umount --lazy ./alive ./dead*; find . -mindepth 1 ! -name '.*' -delete; } 2>/dev/null"


@pytest.fixture(scope="module")
def node() -> Iterator[Bench]:
    """One soft container node."""
    lab.down("walk-hostile12")
    yield Bench.of(lab.up("walk-hostile12", kind="container", release="12", progress=print))
    lab.down("walk-hostile12")


@pytest.fixture
def bench(node: Bench) -> Iterator[Bench]:
    """The node, with an account that means ill and whose files go with the test."""
    yield node
    lab.run(node.node, CLEAN)


def python(bench: Bench, program: str, user: str) -> None:
    coded = base64.b64encode(program.encode()).decode()
    done = lab.run(bench.node, f"echo {coded} | base64 -d | runuser -u {user} -- python3 -")
    assert done.returncode == 0, done.stderr


def findings(bench: Bench) -> Mapping[str, Finding]:
    (result,) = bench.conductor.audit([bench.target])
    assert result.problem is None
    return {item.control: item for item in result.findings}


def listed(finding: Finding) -> list[str]:
    assert isinstance(finding.observed, list)
    return [str(item) for item in finding.observed]


def test_a_user_changes_no_verdict_but_those_about_his_own_files(bench: Bench) -> None:
    before = findings(bench)
    python(bench, FLOOD, "plain")
    assert lab.run(bench.node, "[ -e /dev/fuse ] || mknod /dev/fuse c 10 229").returncode == 0
    python(bench, MOUNT, "root")
    refused = lab.run(bench.node, "stat /home/plain/alive /home/plain/dead*").stderr
    assert "Permission denied" in refused
    assert "not connected" in refused

    after = findings(bench)
    changed = {name: item.outcome for name, item in after.items() if item.outcome is not before[name].outcome}
    assert changed == {"filesystem-world-writable": Outcome.FAIL}
    for name in ("filesystem-unowned", "accounts-dot-files", "accounts-home-directories", "logging-files"):
        assert after[name].observed == before[name].observed

    known, shown = (listed(item["filesystem-set-id-programs"]) for item in (before, after))
    assert shown[: len(known)] == known, "root's programs come first, and all of them"
    assert all(path.startswith("/home/plain/") for path in shown[len(known) : -1])
    count = int(shown[-1].removeprefix("and ").partition(" more")[0])
    assert len(shown) - 1 - len(known) + count == 3000
    assert _count(listed(after["filesystem-world-writable"])) == 9500 + 6


def _count(shown: list[str]) -> int:
    rest = [int(item.split()[1]) for item in shown if item.startswith("and ")]
    return len(shown) - len(rest) + sum(rest)


def test_a_path_without_an_end_is_named_and_everything_else_is_seen(bench: Bench) -> None:
    before = findings(bench)
    python(bench, DEEP, "plain")
    after = findings(bench)
    changed = {name: item for name, item in after.items() if item.outcome is not before[name].outcome}
    assert {*changed} == {"filesystem-unowned", "filesystem-world-writable"}, (
        "they found nothing, and may have missed it"
    )
    for item in changed.values():
        assert item.outcome is Outcome.ERROR
        assert "/home/plain/ddd" in item.reason
    known, shown = (listed(item["filesystem-set-id-programs"]) for item in (before, after))
    assert shown[: len(known)] == known
