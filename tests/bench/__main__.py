"""``python -m tests.bench [node] [fleet] [store] [reports]``.

One container node; fifty targets played by sshds on loopback; many nights of a thousand targets in a store;
a report of a night in every format.
"""

from __future__ import annotations

import resource
import socket
import statistics
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from hardener import lab
from hardener.catalogue.discovery import discover
from hardener.catalogue.profiles import load_profile
from hardener.catalogue.recent import QUESTIONS
from hardener.conductor import Conductor, Seed, checkpoints, new_run_id
from hardener.content import roles_directory
from hardener.inventory import role_defaults
from hardener.model import Connection, Question, Target, TargetResult
from hardener.plan import packages_going, remediable, role_variables
from hardener.reports.progress import NoProgress
from hardener.selection import Selection
from hardener.transport import connector
from tests.bench.figures import ROUNDS, median, say, seconds
from tests.bench.reports import tell
from tests.bench.store import year
from tests.integration.conftest import Sshd, free_port, start_sshd
from tests.integration.proving import Bench
from tests.integration.stock import stock_host, stock_outcomes

FLEET = 50
LOCAL_FLEET = 200
FILES = 100_000


def one_node() -> None:
    """An audit of one container node beside the same probes over stock testinfra, and an apply."""
    lab.down("bench12")
    bench = Bench.of(lab.up("bench12", kind="container", release="12", progress=print))
    try:
        _audits(bench)
        _safety(bench)
        _cache_packages(bench)
        results: list[TargetResult] = []
        first = seconds(lambda: results.append(bench.apply()))
        say("first apply of everything, packages cached: executed tasks", str(results[0].tasks))
        say("first apply of everything, packages cached: seconds", f"{first:.1f}")
        second = seconds(bench.apply)
        say("second apply: playbook runs, seconds", f"{bench.playbook.runs - 1}, {second:.2f}")
    finally:
        lab.down("bench12")


def _audits(bench: Bench) -> None:
    cold_result = Bench.of(bench.node).audit()
    cold = median(lambda: Bench.of(bench.node).audit())
    result = bench.audit()
    seeded = median(bench.audit)
    say(f"audit of {len(result.findings)} controls, cold: round trips", str(cold_result.transcript.round_trips))
    say("audit, seeded: round trips", str(bench.audit().transcript.round_trips))
    say("audit, cold: seconds (median)", f"{cold:.2f}")
    say("audit, seeded: seconds (median)", f"{seeded:.2f}")
    selection = replace(bench.conductor.selection, walk=False)
    without_walk = replace(bench, conductor=replace(bench.conductor, selection=selection, seed=Seed()))
    without_walk.audit()
    say("audit without the file walk, seeded: seconds (median)", f"{median(without_walk.audit):.2f}")
    _recent(bench)
    _walk(bench)
    for name, without_delay in (("stock testinfra", False), ("stock testinfra with TCP_NODELAY", True)):
        elapsed = seconds(partial(_stock, bench, result, without_delay=without_delay))
        say(f"{name}: seconds", f"{elapsed:.2f}")
        say(f"{name}: times slower than seeded, than cold", f"{elapsed / seeded:.0f}, {elapsed / cold:.0f}")


def _safety(bench: Bench) -> None:
    """What an apply pays for checkpoint, guard and proof of access, with the packages kept that would go."""
    result, selection = bench.audit(), bench.conductor.selection
    controls = remediable(selection, bench.target, result)
    going = packages_going(controls)

    def once() -> None:
        run = new_run_id(datetime.now(UTC))
        with bench.conductor.connect(bench.target.connection) as transport:
            checkpoints.take(transport, run, operator="bench", seconds=120, going=going)
        with bench.conductor.connect(bench.target.connection) as fresh:
            assert checkpoints.release(fresh, run).state == "released"

    say("checkpoint, guard, proof and release: seconds (median)", f"{median(once):.2f}")


def _cache_packages(bench: Bench) -> None:
    """Have the packages on the node already, so that an apply is measured and not a mirror."""
    result, selection = bench.audit(), bench.conductor.selection
    controls = remediable(selection, bench.target, result)
    missing = role_variables(controls, selection.catalogue, bench.target.values)["packages_present"]
    install = "apt-get --quiet=2 --yes --no-install-recommends --download-only install"
    done = lab.run(bench.node, f"apt-get --quiet=2 update && {install} {' '.join(missing)}")
    assert done.returncode == 0, done.stderr


def _recent(bench: Bench) -> None:
    """What is asked about recent changes, beside as many questions that ask nothing."""
    nothing = [Question(command=f": {number}") for number, _ in enumerate(QUESTIONS)]
    with bench.conductor.connect(bench.target.connection) as transport:
        asked, empty = (1000 * median(partial(transport.ask, questions)) for questions in (QUESTIONS, nothing))
    say("questions about recent changes: ms, as many that ask nothing", f"{asked:.0f}, {empty:.0f}")


def _walk(bench: Bench) -> None:
    """The walk's own time, for the files the node has and for so many more that there are 100,000."""
    count = int(lab.run(bench.node, "find / -xdev | wc -l").stdout)
    missing = max(0, FILES - count)
    lab.run(bench.node, f"mkdir /srv/bench && cd /srv/bench && seq {missing} | split --lines=1 --suffix-length=5 -")
    walks = [bench.audit().walk for _ in range(ROUNDS)]
    lab.run(bench.node, "rm --recursive /srv/bench")
    taken = statistics.median(walk.seconds for walk in walks if walk and walk.seconds)
    say(f"file walk of {count + missing} files: seconds (median)", f"{taken:.2f}")


def _stock(bench: Bench, result: TargetResult, *, without_delay: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        host = stock_host(bench.node, without_delay=without_delay)
        theirs = stock_outcomes(host, bench, result)
        host.backend.client.close()
    ours = {item.control: item.outcome for item in result.findings}
    same = sum(ours[name] is outcome for name, outcome in theirs.items())
    say("  same verdicts", f"{same} of {len(theirs)}")


def local() -> None:
    """Two hundred targets that are this machine, which takes minutes: it answers everything two hundred times."""
    connection, values = Connection(kind="local", host="localhost"), role_defaults(roles_directory())
    targets = [Target(name=f"t{index}", connection=connection, values=values) for index in range(LOCAL_FLEET)]
    _measure_fleet(f"{LOCAL_FLEET} local targets", targets)


def fleet() -> None:
    """Fifty targets on loopback, with and without a dead and a silent one among them."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as silent:
        sshds = []
        for number in range(5):
            (Path(folder) / str(number)).mkdir()
            sshds.append(start_sshd(Path(folder) / str(number)))
        try:
            targets = [_target(f"t{index}", sshds[index % len(sshds)]) for index in range(FLEET)]
            _measure_fleet("50 targets", targets)
            dead = _target("dead", sshds[0], port=free_port())
            mute = _target("silent", sshds[0], port=silent.getsockname()[1])
            _measure_fleet("50 targets, one dead, one silent (deadline 3 s)", [dead, mute, *targets])
            _measure_fleet("100 targets", targets + [_target(f"u{index}", sshds[index % 5]) for index in range(FLEET)])
        finally:
            for sshd in sshds:
                for process in sshd.processes:
                    process.terminate()
                    process.wait()


def _target(name: str, sshd: Sshd, **changes: object) -> Target:
    return Target(name=name, connection=sshd.connection(**changes), values=role_defaults(roles_directory()))


def _measure_fleet(title: str, targets: Sequence[Target]) -> None:
    catalogue = discover()
    # All these targets are this one machine: a hundred walks of its disk would measure nothing.
    selection = Selection(catalogue=catalogue, profile=load_profile("beyond-cis", catalogue), walk=False)
    conductor = Conductor(selection=selection, connect=connector(connect_seconds=3), progress=NoProgress(), workers=16)
    before = resource.getrusage(resource.RUSAGE_SELF)
    results: list[TargetResult] = []
    elapsed = seconds(lambda: results.extend(conductor.audit(targets)))
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    say(f"{title}: seconds", f"{elapsed:.2f}")
    say(f"{title}: controller's CPU, ms a target", f"{1000 * cpu / len(targets):.0f}")
    say(f"{title}: peak memory of the process, MiB", f"{after.ru_maxrss / 1024:.0f}")
    say(f"{title}: targets with a problem", str(sum(result.problem is not None for result in results)))


if __name__ == "__main__":
    parts = {"node": one_node, "fleet": fleet, "local": local, "store": year, "reports": tell}
    for part in sys.argv[1:] or parts:
        parts[part]()
