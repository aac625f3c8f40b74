"""The proof on a real node, step by step: what every release and every kind of node goes through.

soft → audit → apply → all pass → reboot → all pass → a day → apply changes nothing
→ violated → all fail → apply → all pass.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hardener import lab
from hardener.catalogue.control import Violation
from hardener.catalogue.discovery import discover
from hardener.catalogue.expectations import AFTER_REBOOT
from hardener.catalogue.profiles import load_profile
from hardener.conductor import ApplySettings, Conductor, Rollout, Stages, make_plans, new_run_id
from hardener.content import roles_directory
from hardener.inventory import Sources, read_targets
from hardener.model import Disruption, Outcome, Target, TargetPlan, TargetResult
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun, run_playbook
from hardener.reports.progress import NoProgress
from hardener.selection import Selection
from hardener.transport import connector
from tests.integration.alive import live_a_day, prove_alive

CONTROLS = os.environ.get("HARDENER_PROOF_CONTROLS", "*")
"""Shell-style pattern: which controls to prove."""
NAME = os.environ.get("HARDENER_PROOF_NAME", "proof")
"""What the nodes are called, so that two proofs can run side by side."""
VIOLATION_SECONDS = 3600
"""All violations at once, on an emulated machine that shares its processor."""
TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"


class CountingPlaybook:
    """The real playbook, and how often it ran."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        self.runs += 1
        return run_playbook(run)


@dataclass(frozen=True)
class Bench:
    """One node of the lab under the whole catalogue."""

    node: lab.Node
    target: Target
    conductor: Conductor
    playbook: CountingPlaybook

    @classmethod
    def of(cls, node: lab.Node, profile: str = "beyond-cis", pattern: str = CONTROLS) -> Bench:
        """The node as the command line would see it."""
        catalogue = discover()
        selection = Selection(catalogue=catalogue, profile=load_profile(profile, catalogue), pattern=pattern)
        (read,) = read_targets(Sources(roles=[roles_directory()], inventories=[str(node.inventory)]))
        target = catalogue.agreed(read, {})
        conductor = Conductor(selection=selection, connect=connector(connect_seconds=60), progress=NoProgress())
        return cls(node=node, target=target, conductor=conductor, playbook=CountingPlaybook())

    def audit(self) -> TargetResult:
        """Look, and insist on having seen."""
        (result,) = self.conductor.audit([self.target])
        assert result.problem is None, result.problem
        errors = {item.control: item.reason for item in result.findings if item.outcome is Outcome.ERROR}
        assert not errors, errors
        return result

    def plan(self) -> TargetPlan:
        """What an apply would do."""
        settings = ApplySettings(inventories=[str(self.node.inventory)])
        (plan,) = make_plans(self.conductor, [self.target], settings).targets
        assert plan.problem is None, plan.problem
        return plan

    def apply(self) -> TargetResult:
        """Remedy what fails; the result is the audit after it."""
        result = self.attempt()
        assert result.problem is None, result.problem
        return result

    def attempt(self, **settings: Any) -> TargetResult:
        """An apply that may come to nothing; ``settings``: how it differs from the usual one."""
        chosen = {"inventories": [str(self.node.inventory)], "playbook": self.playbook, **settings}
        run = chosen.pop("run", new_run_id(datetime.now(UTC)))
        rollout = Rollout(self.conductor, ApplySettings(**chosen), Stages(), run, [self.target])
        rollout.go()
        _, (result,) = rollout.results()
        return result

    def violate(self, controls: Sequence[str]) -> None:
        """Break controls on purpose; only ever on a node of the lab."""
        self._run(command for name in controls for command in self._violation(name).commands)

    def undo(self, controls: Sequence[str]) -> None:
        """Bring back what the violations of controls without a remedy took."""
        self._run(command for name in controls for command in self._violation(name).undo)

    def _violation(self, name: str) -> Violation:
        violation = self.conductor.selection.catalogue[name].violation
        assert violation is not None, f"{name} cannot be violated"
        return violation

    def _run(self, commands: Iterable[str]) -> None:
        # One failing command must not hide the others: the audit says which control did not break.
        script = "\n".join(f"{{ {command}; }} </dev/null" for command in commands)
        # A hardened node's umask would keep dpkg from what a package is made of.
        lab.run(self.node, f"set +e\numask 022\n{script}\ntrue\n", seconds=VIOLATION_SECONDS)

    def record(self, name: str, result: TargetResult) -> None:
        """Keep the transcript for the unit tests, when asked to."""
        if os.environ.get("HARDENER_RECORD"):
            body = json.dumps(result.transcript.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
            # Where the recording machine keeps its nodes, and where it takes its packages from.
            body = body.replace(f"{Path.home()}/", "/home/lab/")
            body = re.sub(r"(https?://)[^/\s\"\\\\]+", r"\1mirror.invalid", body)
            TRANSCRIPTS.mkdir(exist_ok=True)
            (TRANSCRIPTS / f"{self.node.kind}{self.node.release}-{name}.json.gz").write_bytes(
                gzip.compress(body.encode(), mtime=0)
            )


def applicable(bench: Bench, result: TargetResult) -> tuple[list[str], list[str]]:
    """The automated controls this node can be judged by: those a role remedies, and those only a person can."""
    catalogue = bench.conductor.selection.catalogue
    judged = [item.control for item in result.findings if item.outcome in {Outcome.PASS, Outcome.FIXED, Outcome.FAIL}]
    remediable = [name for name in judged if catalogue[name].is_remediable]
    return remediable, [name for name in judged if not catalogue[name].is_remediable]


def failing(result: TargetResult) -> dict[str, str]:
    """What fails, and why."""
    return {item.control: item.reason for item in result.findings if item.outcome is Outcome.FAIL}


def not_failing(result: TargetResult, controls: Sequence[str]) -> list[str]:
    """Controls that should fail and do not, each with what was seen."""
    found = [item for item in result.findings if item.control in controls and item.outcome is not Outcome.FAIL]
    return [f"{item.control}: {item.outcome.value}, {item.observed}" for item in found]


def waiting_for_reboot(bench: Bench, result: TargetResult) -> set[str]:
    """Controls that a remedy can only make true for the next start, and that are true for it."""
    catalogue = bench.conductor.selection.catalogue
    needing = {name for name, control in catalogue.items() if control.disruption is Disruption.REBOOT}
    return {name for name, reason in failing(result).items() if name in needing and AFTER_REBOOT not in reason}


@contextmanager
def soft_node(kind_and_release: str) -> Iterator[Bench]:
    """A fresh node, ``vm12``; gone with the context."""
    kind, release = kind_and_release[:-2], kind_and_release[-2:]
    name = f"{NAME}-{kind_and_release}"
    lab.down(name)
    try:
        yield Bench.of(lab.up(name, kind=kind, release=release, progress=print))
    finally:
        lab.down(name)


def prove(bench: Bench) -> None:
    """Every control is seen failing and passing, and still passes after a reboot and a day."""
    soft = bench.audit()
    bench.record("soft", soft)
    assert len(failing(soft)) > 20 or CONTROLS != "*", "the node is not soft enough to prove anything"

    hardened = bench.apply()
    remediable, for_a_person = applicable(bench, hardened)
    assert not failing(hardened).keys() - waiting_for_reboot(bench, hardened)
    print(f"first apply: {hardened.tasks} tasks, {len(hardened.changes)} changes")

    lab.reboot(bench.node)
    rebooted = bench.audit()
    bench.record("hardened", rebooted)
    assert not failing(rebooted)
    live_a_day(bench.node)
    prove_alive(bench.node)

    runs = bench.playbook.runs
    assert not bench.apply().changes
    assert bench.playbook.runs == runs, "a compliant node must run no Ansible"

    bench.violate(remediable)
    assert not not_failing(bench.audit(), remediable)
    assert not failing(bench.apply())

    bench.violate(for_a_person)
    assert not not_failing(bench.audit(), for_a_person)
    bench.undo(for_a_person)
    assert not failing(bench.audit())
    print(f"proven {len(remediable) + len(for_a_person)} automated controls on {bench.node.name}")
