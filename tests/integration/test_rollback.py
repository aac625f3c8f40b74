"""A full apply of everything can be taken back, and nothing of it stays; of some controls, only theirs."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hardener import lab
from hardener.conductor import ApplySettings, Rollback, RollbackRequest, Start, make_run, new_run_id
from hardener.model import CheckpointState, Outcome, Run, RunKind, TargetResult
from tests.integration.proving import Bench, failing
from tests.integration.snapshots import KIND, RELEASE, differences, snapshot

LOCKED = (
    "could not be brought back: audit rules: locked until the next boot, which loads those there were; "
    "could not be brought back: rulesets: audit is not as it was"
)


@pytest.fixture
def node(request: pytest.FixtureRequest) -> Iterator[lab.Node]:
    """A soft node of a name of its own: its host key is remembered for as long as we run."""
    name = f"back{zlib.crc32(request.function.__name__.encode()) % 1000}-{KIND}"
    lab.down(name)
    yield lab.up(name, kind=KIND, release=RELEASE, progress=print)
    lab.down(name)


def applied(bench: Bench) -> Run:
    """A whole apply as a run."""
    start = Start(RunKind.APPLY)
    result = bench.attempt(run=start.id)
    assert result.problem is None, result.problem
    assert result.checkpoint is CheckpointState.RELEASED
    return make_run(start, bench.conductor.selection, [result])


def rolled_back(bench: Bench, run: Run, **how: Any) -> TargetResult:
    """The result of taking a run back."""
    settings = ApplySettings(inventories=[str(bench.node.inventory)], operator="drill")
    request = RollbackRequest(undone=run, **how)
    rollback = Rollback(bench.conductor, settings, request, new_run_id(datetime.now(UTC)), [bench.target])
    rollback.go()
    _, (result,) = rollback.results()
    return result


def test_a_whole_apply_can_be_taken_back(node: lab.Node) -> None:
    bench = Bench.of(node)
    before, soft = snapshot(node), failing(bench.audit())
    run = applied(bench)
    assert differences(before, snapshot(node))
    result = rolled_back(bench, run)
    assert result.checkpoint is CheckpointState.RELEASED
    if KIND == "vm":  # audit rules are locked until the next boot, and a rollback says so
        assert result.problem == LOCKED
        lab.reboot(node)
    else:
        assert result.problem is None, result.problem
    assert not differences(before, snapshot(node))
    assert set(failing(bench.audit())) == set(soft)


def test_what_somebody_changed_since_is_a_conflict_and_goes_back_only_by_force(node: lab.Node) -> None:
    bench = Bench.of(node, pattern="banners-*")
    before = snapshot(node)
    run = applied(bench)
    lab.run(node, "echo 'Our own text' >/etc/issue")
    result = rolled_back(bench, run)
    assert result.problem == "changed since by somebody else, left alone: /etc/issue"
    assert lab.run(node, "cat /etc/issue").stdout == "Our own text\n"
    assert any("/etc/issue.net" in change.subject for change in result.changes)
    forced = rolled_back(bench, run, force=True)
    assert forced.problem is None
    assert not differences(before, snapshot(node))


def test_two_applies_at_once_are_one_and_a_refusal_that_names_the_first(node: lab.Node) -> None:
    bench = Bench.of(node, pattern="banners-*")
    refused: list[TargetResult] = []

    def meanwhile(run: Any) -> Any:
        refused.append(Bench.of(node, pattern="banners-*").attempt(operator="bob"))
        return bench.playbook(run)

    result = bench.attempt(playbook=meanwhile, operator="ann")
    assert result.problem is None
    assert refused[0].problem is not None
    assert refused[0].problem.startswith("another run is under way there: ")
    assert refused[0].problem.endswith(" of ann")
    assert not refused[0].count(Outcome.FIXED)


def test_of_some_controls_only_their_lines_go_back(node: lab.Node) -> None:
    bench = Bench.of(node, pattern="sshd-*")
    soft = failing(bench.audit())
    run = applied(bench)
    chosen = "sshd-maxauthtries"
    assert chosen in soft
    result = rolled_back(bench, run, controls=chosen)
    assert result.problem is None, result.problem
    assert [change.subject for change in result.changes] == ["/etc/ssh/sshd_config.d/00-hardener.conf"]
    assert set(failing(bench.audit())) - set(failing(run.results[0])) == {chosen}


def test_a_masked_unit_and_a_removed_package_go_back_by_themselves(node: lab.Node) -> None:
    lab.run(node, "apt-get --quiet=2 update && apt-get --quiet=2 --yes install rsync telnet >/dev/null")
    # Debian's unit waits for a configuration; a daemon that serves is what the control is about.
    lab.run(node, "printf '[pub]\\npath = /srv\\n' >/etc/rsyncd.conf; systemctl enable --now --quiet rsync.service")
    bench = Bench.of(node)
    before = snapshot(node)
    run = applied(bench)
    for chosen in ("services-rsync-server", "services-telnet-client"):
        assert chosen not in failing(run.results[0])
        result = rolled_back(bench, run, controls=chosen)
        assert result.problem is None, result.problem
        assert chosen in failing(bench.audit())
    assert lab.run(node, "systemctl is-active rsync.service; systemctl is-enabled rsync.service").stdout.split() == [
        "active",
        "enabled",
    ]
    rolled_back(bench, run)
    assert not differences(before, snapshot(node))
