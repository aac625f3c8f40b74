"""A host on which much cannot be done is hardened all the same: one apply, and a line for each thing held back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hardener import lab
from hardener.model import CheckpointState, Outcome, TargetResult
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun, run_playbook
from hardener.reports.arranged import by_hold
from tests.integration.proving import Bench

pytestmark = pytest.mark.lab

NAME = "held-container13"
SPOILED = r"""
set -e
# Edited by hand, in the middle of what pam-auth-update manages.
sed --in-place '/^# here.s the fallback/i auth optional pam_echo.so' /etc/pam.d/common-auth
# Bytes that are no UTF-8, in what is replaced and in comments of what is edited.
printf 'Gr\374sse aus Debian 13\n' > /etc/motd
printf '# Schl\374ssel\n' >> /etc/ssh/sshd_config
printf '# Laufwerk f\374r Sp\344ter\n' >> /etc/fstab
# The operator is in no group that sshd will let in; he has sudo by a file of his own.
printf 'admin ALL=(ALL) NOPASSWD: ALL\n' > /etc/sudoers.d/cloud
chmod 0440 /etc/sudoers.d/cloud
gpasswd --delete admin sudo
# A package that cannot be had.
printf 'Package: unattended-upgrades\nPin: release *\nPin-Priority: -1\n' > /etc/apt/preferences.d/lab
# ssh comes by a socket of systemd's.
systemctl disable --quiet ssh.service
systemctl enable --quiet ssh.socket
systemd-run --quiet sh -c 'systemctl stop ssh.service; systemctl start ssh.socket'
"""
"""What makes parts of an apply impossible or dangerous, all at once."""
HALF_DONE = "/etc/cron.d/half-done"
FAILING = f"""\
- name: Do half of it
  ansible.builtin.copy: {{content: "# half\\n", dest: {HALF_DONE}, mode: "0644"}}
- name: Meet with what nobody foresaw
  ansible.builtin.command: {{cmd: "false"}}
  changed_when: false
"""


@pytest.fixture(scope="module")
def spoiled() -> Iterator[Bench]:
    lab.down(NAME)
    node = lab.up(NAME, kind="container", release="13", progress=print)
    lab.run(node, SPOILED, seconds=60)
    yield Bench.of(node)
    lab.down(NAME)


@pytest.fixture(scope="module")
def applied(spoiled: Bench) -> TargetResult:
    """The result of one apply of everything."""
    return spoiled.apply()


def test_each_thing_that_cannot_be_done_is_held_back_in_one_line(applied: TargetResult) -> None:
    held = by_hold(applied.findings)
    assert {name for names in held.values() for name in names} >= {
        "packages-unattended-upgrades",
        "pam-faillock",
        "sshd-access",
    }
    lines = sorted(held)
    assert [line.split(";")[0] for line in lines] == [
        "/etc/pam.d/common-auth was changed by hand, and pam-auth-update leaves such files alone",
        "apt has no unattended-upgrades to install",
        "it would lock you out: admin is in none of the groups that may log in over ssh: sudo",
    ]
    assert all("to go on: " in line for line in lines)


def test_everything_else_is_fixed(spoiled: Bench, applied: TargetResult) -> None:
    assert applied.checkpoint is CheckpointState.RELEASED
    catalogue = spoiled.conductor.selection.catalogue
    held = {finding.control for finding in applied.findings if finding.held_back}
    left = {
        finding.control
        for finding in applied.findings
        if finding.outcome is Outcome.FAIL and catalogue[finding.control].is_remediable
    }
    needing = {name for name in left if any(catalogue[one].is_needed_by(name) for one in held)}
    assert left - held - needing == set()
    fixed = {finding.control for finding in applied.findings if finding.outcome is Outcome.FIXED}
    assert {"banners-motd", "sshd-maxauthtries", "firewall-input-policy"} <= fixed


def test_ssh_still_comes_by_its_socket_and_obeys(spoiled: Bench, applied: TargetResult) -> None:
    assert applied.problem is None
    state = lab.run(spoiled.node, "systemctl is-active ssh.socket; sshd -T | grep -i maxauthtries").stdout
    assert state.split() == ["active", "maxauthtries", "4"]


def test_bytes_that_are_no_utf_8_stay_where_they_are(spoiled: Bench, applied: TargetResult) -> None:
    assert applied.problem is None
    found = "LC_ALL=C grep -c 'Schl\\xfcssel' /etc/ssh/sshd_config; LC_ALL=C grep -cP 'f\\xfcr Sp\\xe4ter' /etc/fstab"
    script = found.replace("grep -c 'Schl", "grep -cP 'Schl")
    assert lab.run(spoiled.node, script).stdout.split() == ["1", "1"]


def test_another_apply_changes_nothing(spoiled: Bench, applied: TargetResult) -> None:
    runs = spoiled.playbook.runs
    again = spoiled.apply()
    assert spoiled.playbook.runs == runs
    assert (again.changes, again.checkpoint) == ((), None)
    assert by_hold(again.findings) == by_hold(applied.findings)


def test_a_role_that_fails_leaves_nothing_and_everything_else_is_done(
    spoiled: Bench, applied: TargetResult, tmp_path: Path
) -> None:
    """The whole target comes back before the second try, so that no half of the role stays."""
    assert applied.problem is None
    tasks = tmp_path / "roles" / "cron" / "tasks" / "main.yml"
    tasks.parent.mkdir(parents=True)
    tasks.write_text(FAILING)

    def failing(run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        return run_playbook(replace(run, roles=[tmp_path / "roles", *run.roles]))

    spoiled.violate(["cron-users", "banners-issue"])
    result = spoiled.attempt(playbook=failing)
    assert result.problem is not None
    assert result.problem.startswith("role cron failed, and 1 control was left out: Meet with what nobody foresaw: ")
    outcomes = {finding.control: finding.outcome for finding in result.findings}
    assert (outcomes["banners-issue"], outcomes["cron-users"]) == (Outcome.FIXED, Outcome.FAIL)
    assert result.checkpoint is CheckpointState.RELEASED
    assert {change.role for change in result.changes} == {"banners"}
    assert lab.run(spoiled.node, f"ls {HALF_DONE} 2>&1 || true").stdout.endswith("No such file or directory\n")
    assert spoiled.apply().problem is None  # nothing is left to whoever comes next
