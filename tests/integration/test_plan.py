"""A plan changes nothing, and an apply then does exactly what it said, item by item."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hardener import lab
from hardener.changes import differences
from tests.integration.proving import Bench
from tests.integration.snapshots import KIND

STATE = r"""
find /etc /usr /boot /root /home /srv /opt /var/lib /var/cache /var/log -xdev \( -type f -o -type l \) \
  -not -path '/var/log/journal/*' -not -name '[bw]tmp' -not -name lastlog -not -name sudo.log \
  -not -path /var/lib/systemd/timesync/clock \
  -printf '%p %m %u %g %s %l %T@\n' | sort
find /etc /var/lib /usr/share/pam-configs -xdev -type f -exec sha256sum {} + | sort
systemctl list-unit-files --no-legend --no-pager | grep -v session-
systemctl list-units --all --plain --no-legend --no-pager --type=service,socket,timer,mount \
  | awk '$1 !~ /^user/ {print $1, $2, $3}'
sysctl net
nft list ruleset
findmnt --raw --noheadings --output TARGET,OPTIONS | grep -v /run/user
"""
"""Whatever an apply could change, and nothing that a login or the passing of time leaves behind."""


@pytest.fixture(params=["12", "13"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A fresh soft node, gone with the test."""
    name = f"plan-{KIND}{request.param}"
    lab.down(name)
    try:
        yield Bench.of(lab.up(name, kind=KIND, release=request.param, progress=print), pattern="*")
    finally:
        lab.down(name)


@pytest.mark.lab
def test_an_apply_does_what_the_plan_says_and_a_plan_does_nothing(bench: Bench) -> None:
    before = lab.run(bench.node, STATE).stdout.splitlines()
    plan = bench.plan()
    assert sorted(set(before) ^ set(lab.run(bench.node, STATE).stdout.splitlines())) == []
    assert len(plan.items) > 100

    done = bench.apply()
    assert list(differences(plan.items, done.changes)) == []
    assert sum(item.conditional for item in plan.items) < len(plan.items) / 10
    assert {name for item in plan.items for name in item.controls} <= {item.control for item in plan.changes}
    print(f"{len(plan.items)} planned, {len(done.changes)} done by {done.tasks} tasks")
    if KIND == "vm":  # some of it waits for that
        lab.reboot(bench.node)
    assert bench.plan().items == ()
