"""The lock-out drill: whatever cuts us off, the node comes back by itself, as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from hardener import lab
from hardener.conductor.rebooting import BOOT, reboot
from hardener.errors import LabError
from hardener.model import CheckpointState
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun, run_playbook
from hardener.transport import connector
from tests.integration.proving import Bench
from tests.integration.snapshots import KIND, RELEASE, differences, snapshot

GUARD_SECONDS = 20 if KIND == "container" else 60
GRACE_SECONDS = 15
"""How much longer than the guard's time a restore may take."""

CLOSED_TABLE = (
    "table inet hardener { chain input { type filter hook input priority 0; policy drop; iif lo accept; "
    "ct state established accept; }; }"
)
CUTS: Mapping[str, str] = {
    "a firewall without the port": (
        f"echo '{CLOSED_TABLE}' >/run/cut.nft; nft delete table inet hardener; nft -f /run/cut.nft"
    ),
    "an sshd that does not start": "echo Nonsense yes >/etc/ssh/sshd_config.d/00-hardener.conf; systemctl restart ssh",
    "AllowGroups without the operator": (
        "echo AllowGroups nobody >/etc/ssh/sshd_config.d/00-hardener.conf; systemctl reload ssh"
    ),
    "no sudo rule": "grep -lr admin /etc/sudoers.d | xargs rm; sed -i '/^%sudo/d' /etc/sudoers",
    "a PAM stack that denies": (
        "echo 'account requisite pam_deny.so' | cat - /etc/pam.d/common-account >/run/cut.pam; "
        "cat /run/cut.pam >/etc/pam.d/common-account"
    ),
    "no route": "ip route flush table main",
}
"""What a remedy gone wrong could do, as root on the node, while the playbook runs."""


@dataclass
class Sabotage:
    """The real playbook, and then something that no role of ours would do."""

    node: lab.Node
    command: str

    def __call__(self, run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        outcomes = run_playbook(run)
        with suppress(LabError):  # the answer does not come where the way is gone
            lab.run(self.node, f"{self.command}; date +%s.%N >/run/cut", seconds=20)
        return outcomes


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A node where a few controls fail that are remedied in a second."""
    lab.down(f"guard-{KIND}{RELEASE}")
    bench = Bench.of(lab.up(f"guard-{KIND}{RELEASE}", kind=KIND, release=RELEASE, progress=print), pattern="banners-*")
    # As long as the command line waits for a connection: who waits longer knocks seldom, and comes in late.
    yield replace(bench, conductor=replace(bench.conductor, connect=connector()))
    lab.down(f"guard-{KIND}{RELEASE}")


def back_at(node: lab.Node, cut_at: float) -> float:
    """When somebody got in again after a moment, by a new login and then by sudo: the node's journal tells."""
    journal = f"journalctl --no-pager --output short-unix --since @{int(cut_at)} --identifier sshd --identifier sudo"
    lines = [
        (float(line.split()[0]), line) for line in lab.run(node, journal).stdout.splitlines() if line[:1].isdigit()
    ]
    login = next(moment for moment, line in lines if "Accepted publickey" in line and moment > cut_at)
    return next(moment for moment, line in lines if "session opened for user root" in line and moment > login)


@pytest.mark.parametrize("cut", CUTS)
def test_a_node_that_was_cut_off_comes_back_as_it_was(bench: Bench, cut: str) -> None:
    before = snapshot(bench.node)
    sabotage = Sabotage(bench.node, CUTS[cut])
    result = bench.attempt(playbook=sabotage, guard_seconds=GUARD_SECONDS)
    cut_at = float(lab.run(bench.node, "cat /run/cut").stdout)
    assert result.checkpoint is CheckpointState.RESTORED, result.problem
    assert result.problem is not None
    assert "no fresh connection released it" in result.problem
    assert result.changes == ()
    away = back_at(bench.node, cut_at) - cut_at
    print(f"{cut}: back after {away:.1f} s, guard {GUARD_SECONDS} s")
    assert away < GUARD_SECONDS + GRACE_SECONDS
    journal = lab.run(bench.node, "journalctl --no-pager --unit 'hardener-guard-*' | grep 'brings back'").stdout
    assert "brings back files: /etc/issue" in journal
    assert not differences(before, snapshot(bench.node))


def test_a_restart_before_the_release_restores_as_well(bench: Bench) -> None:
    before = snapshot(bench.node)

    def restarted(run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        outcomes = run_playbook(run)
        lab.reboot(bench.node)
        return outcomes

    result = bench.attempt(playbook=restarted, guard_seconds=GUARD_SECONDS)
    assert result.checkpoint is CheckpointState.RESTORED, result.problem
    assert "the target was restarted before the run was released" in str(result.problem)
    assert not differences(before, snapshot(bench.node))


def test_a_restart_is_waited_for(bench: Bench) -> None:
    before = lab.run(bench.node, BOOT.command).stdout
    reboot(bench.conductor.connect, bench.target.connection)
    assert lab.run(bench.node, BOOT.command).stdout != before
    assert lab.run(bench.node, "systemctl is-system-running").stdout.strip() != "starting"
