"""A user does his worst beside all we do on a node: nothing changes that is not his, and nobody waits for him."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hardener import lab
from hardener.conductor import ApplySettings, Rollback, RollbackRequest, Start, make_run, new_run_id
from hardener.errors import LabError
from hardener.model import CheckpointState, RunKind
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun, run_playbook
from tests.attacks.arsenal.main import attacks
from tests.attacks.drill import Bound, Drill
from tests.integration.proving import Bench

CONTROLS = "[bfl]*"
"""Banners, the firewall, files, logs: what a role does where users and services own something, and little besides."""
GUARD_SECONDS = 20
BOUND_SECONDS = 240
"""Longest time a whole flow may take: three times what it takes without attacks."""
TMP = {"source": "tmpfs", "fstype": "tmpfs", "options": "nodev,nosuid,noexec,mode=1777,size=50%"}
FEWEST = 25


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> Iterator[Drill]:
    """A soft node of a name of its own, for its host key is remembered; with an attacker on it, who has not begun."""
    name = f"attack{zlib.crc32(request.function.__name__.encode()) % 1000}-container12"
    lab.down(name)
    drill = Drill(lab.up(name, kind="container", release="12", progress=print), list(attacks()))
    drill.begin()
    yield drill
    drill.free()
    lab.down(name)


def with_tmp_moved(run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
    """The real playbook, which mounts a /tmp as well: no control asks for that in a container."""
    more = {"mounts_options": {}, "mounts_file_systems": {"/tmp": TMP}}
    variables = {
        name: {**values, **more, "hardening_roles": [*values["hardening_roles"], "mounts"]}
        for name, values in run.variables.items()
    }
    return run_playbook(replace(run, variables=variables))


def test_there_are_many_attacks_and_each_says_at_what_it_aims_and_why_it_could_win() -> None:
    known = attacks()
    assert len(known) >= FEWEST
    assert [name for name, attack in known.items() if not attack.aims or not inspect.getdoc(type(attack))] == []


def test_attacks_beside_an_audit_a_plan_an_apply_and_the_restore_of_its_guard(drill: Drill) -> None:
    bench = Bench.of(drill.node, pattern=CONTROLS)

    def cut_off(run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        outcomes = with_tmp_moved(run)
        drill.look()
        with suppress(LabError):  # the answer does not come where the way is gone
            cut = "echo AllowGroups nobody >/etc/ssh/sshd_config.d/00-hardener.conf; systemctl reload ssh"
            lab.run(drill.node, cut, seconds=20)
        return outcomes

    drill.attack()
    with Bound(drill, BOUND_SECONDS) as bound:
        (looked,) = bench.conductor.audit([bench.target])
        assert looked.problem is None
        bench.plan()
        result = bench.attempt(playbook=cut_off, guard_seconds=GUARD_SECONDS)
    drill.look()
    print(f"took {bound.took:.0f} s, won: {drill.won}")
    assert not drill.won
    assert not bound.is_exceeded
    assert result.checkpoint is CheckpointState.RESTORED, result.problem
    assert "no fresh connection released it" in str(result.problem)
    drill.stop()
    assert drill.differences() == []


def test_attacks_beside_an_apply_its_release_and_its_rollback(drill: Drill) -> None:
    bench = Bench.of(drill.node, pattern=CONTROLS)
    start = Start(RunKind.APPLY)
    drill.attack()
    with Bound(drill, BOUND_SECONDS) as bound:
        result = bench.attempt(playbook=with_tmp_moved, run=start.id)
        drill.look()
        assert result.checkpoint is CheckpointState.RELEASED, result.problem
        run = make_run(start, bench.conductor.selection, [result])
        settings = ApplySettings(inventories=[str(drill.node.inventory)], operator="drill")
        request = RollbackRequest(undone=run)
        rollback = Rollback(bench.conductor, settings, request, new_run_id(datetime.now(UTC)), [bench.target])
        rollback.go()
        _, (undone,) = rollback.results()
    drill.look()
    print(f"took {bound.took:.0f} s, won: {drill.won}")
    assert not drill.won
    assert not bound.is_exceeded
    assert undone.checkpoint is CheckpointState.RELEASED, undone.problem
    drill.stop()
    assert drill.differences() == []
