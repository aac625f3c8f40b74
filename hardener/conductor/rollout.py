"""A rollout: an apply in batches that stops when too much goes wrong, with restarts where they are needed."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hardener.conductor.applying import Applying
from hardener.conductor.faults import Trouble, side_by_side, trouble
from hardener.conductor.flows import Conductor
from hardener.conductor.rebooting import needs_reboot, reboot
from hardener.conductor.settings import ApplySettings
from hardener.errors import ConfigError, TransportError
from hardener.model import Connection, Question, Target, TargetResult, counted

COMMAND_SECONDS = 3600
"""Longest time a command of the operator's may take; draining a node takes minutes."""
NOT_STARTED = "not started: {reason}"


class RebootPolicy(StrEnum):
    """Whether targets are restarted where a change takes effect only then."""

    NEVER = "never"
    WHEN_NEEDED = "when-needed"
    ASK = "ask"


@dataclass(frozen=True, kw_only=True)
class Stages:
    """How an apply goes over many targets."""

    batches: Sequence[str] = ("100%",)
    """Sizes, one after the other: ``10`` targets, or ``25%`` of all; the last one repeats."""
    max_fail: str = "0"
    """How many targets (``3``), or which share of all (``10%``), may fail before no further batch starts."""
    group_order: Sequence[str] = ()
    """Groups of the inventory: their targets come first, in this order."""
    pause_seconds: float = 0.0
    health: str | None = None
    """A command of the operator's that has to succeed on this machine before the next batch starts."""
    reboot: RebootPolicy = RebootPolicy.NEVER
    reboot_batch: str = "1"
    """How many targets, or which share of all, are restarted at once."""
    drain: str | None = None
    """A command of the operator's that runs on this machine before a target is restarted; ``{target}`` is its name."""
    undrain: str | None = None
    confirm: Callable[[str], bool] = lambda _question: False
    pause: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Raise ``ConfigError`` for a size or share that is none, before anything is contacted."""
        for text in (*self.batches, self.max_fail, self.reboot_batch):
            share(text, 1)


@dataclass
class Rollout:
    """One rollout under way; what is known so far stays known whatever interrupts it."""

    conductor: Conductor
    settings: ApplySettings
    stages: Stages
    run: str
    targets: Sequence[Target]
    _applying: Applying = field(init=False)
    _stopped: str = "the rollout was cut short"

    def __post_init__(self) -> None:
        self.targets = ordered(self.targets, self.stages.group_order)
        self._applying = Applying(self.conductor, self.settings, self.run)

    def go(self) -> None:
        """Batch after batch, until all is done or too much has failed."""
        batches = batches_of(self.targets, self.stages.batches)
        for number, batch in enumerate(batches):
            if number > 0 and (reason := self._between()):
                self._stopped = reason
                return
            self._applying.batch(batch, rehearse=len(batches) > 1 or not self.settings.is_compared)
            self._restart([target for target in batch if self._waits_for_reboot(target)])
            if (reason := self._too_many_failed()) and number + 1 < len(batches):
                self._stopped = reason
                return

    def results(self) -> tuple[Sequence[TargetResult], Sequence[TargetResult]]:
        """Before and after, for every target; what was never looked at says why."""
        before, after = self._applying.before, self._applying.after
        reason = NOT_STARTED.format(reason=self._stopped)
        return [before[target.name] for target in self.targets if target.name in before], [
            after.get(target.name) or TargetResult(target=target.name, groups=target.groups, problem=reason)
            for target in self.targets
        ]

    def _between(self) -> str | None:
        """Wait, and ask whether all is well; why there shall be no further batch, or ``None``."""
        self.stages.pause(self.stages.pause_seconds)
        if self.stages.health is None:
            return None
        problem = self._run_here(self.stages.health)
        return f"the health command failed: {problem}" if problem else None

    def _run_here(self, command: str) -> str | None:
        """Run a command of the operator's on this machine; its last words where it fails."""
        with self.conductor.connect(Connection(kind="local", host="localhost")) as here:
            answer = here.ask([Question(command=command, seconds=COMMAND_SECONDS)])[command]
        if answer.exit_status == 0:
            return None
        said = (answer.stderr or answer.stdout).decode("utf-8", "backslashreplace").strip().splitlines()
        return answer.problem or (said[-1] if said else f"exit status {answer.exit_status}")

    def _waits_for_reboot(self, target: Target) -> bool:
        result = self._applying.after[target.name]
        return result.problem is None and needs_reboot(self.conductor.selection.catalogue, result)

    def _too_many_failed(self) -> str | None:
        after = self._applying.after
        failed = [result.target for result in after.values() if result.problem]
        if len(failed) <= share(self.stages.max_fail, len(self.targets)):
            return None
        return f"{len(failed)} of {counted(len(after), 'target')} failed ({', '.join(failed[:5])})"

    def _restart(self, targets: Sequence[Target]) -> None:
        """Few at once, whatever the batches, and no more once too many have failed."""
        if self.stages.reboot is RebootPolicy.NEVER:
            return
        at_once = max(1, share(self.stages.reboot_batch, len(self.targets)))
        for start in range(0, len(targets), at_once):
            if reason := self._too_many_failed():
                for target in targets[start:]:
                    self._note(target, Trouble(f"not restarted: {reason}"))
                return
            self._restart_batch([target for target in targets[start : start + at_once] if self._may_restart(target)])

    def _may_restart(self, target: Target) -> bool:
        return self.stages.reboot is not RebootPolicy.ASK or self.stages.confirm(f"Restart {target.name} now?")

    def _restart_batch(self, targets: Sequence[Target]) -> None:
        """Drain and restart side by side, look again, and undrain what came back."""
        problems: dict[str, Trouble | None] = {}
        for target, cause in side_by_side(
            targets,
            self._restarted,
            lambda _target, error: trouble(error),
            workers=len(targets),
            name="restart",
        ):
            problems[target.name] = cause
            if cause:
                self._note(target, cause)
        back = [target for target in targets if problems[target.name] is None]
        for target, seen in zip(back, self.conductor.audit(back), strict=True):
            changed = self._applying.after[target.name]
            kept = {name: getattr(changed, name) for name in ("changes", "tasks", "checkpoint")}
            self._applying.after[target.name] = seen.model_copy(update=kept)
            if cause := self._undrained(target):
                self._note(target, cause)

    def _restarted(self, target: Target) -> Trouble | None:
        """Drain and restart; what went wrong, or ``None``."""
        if problem := self._for_target(self.stages.drain, target):
            return Trouble(f"not restarted: the drain command failed: {problem}")
        self.conductor.progress.step(target.name, "restarting")
        try:
            reboot(self.conductor.connect, target.connection)
        except TransportError as error:
            return Trouble(f"restarted, and not back: {error}")
        return None

    def _undrained(self, target: Target) -> Trouble | None:
        try:
            problem = self._for_target(self.stages.undrain, target)
        except Exception as error:  # noqa: BLE001  (whatever it is: the others have to be undrained as well)
            return trouble(error)
        return Trouble(f"restarted, but the undrain command failed: {problem}") if problem else None

    def _for_target(self, command: str | None, target: Target) -> str | None:
        return None if command is None else self._run_here(command.replace("{target}", shlex.quote(target.name)))

    def _note(self, target: Target, cause: Trouble) -> None:
        result = self._applying.after[target.name]
        self._applying.after[target.name] = result.model_copy(update=cause.fields)


def ordered(targets: Sequence[Target], groups: Sequence[str]) -> Sequence[Target]:
    """Targets by the first of the groups they are in; those in none last; else in the inventory's order."""

    def place(target: Target) -> int:
        return next((index for index, group in enumerate(groups) if group in target.groups), len(groups))

    return sorted(targets, key=place)


def share(text: str, total: int) -> int:
    """``3`` is three, ``25%`` a quarter of the total, rounded down; raises ``ConfigError`` for anything else."""
    match = re.fullmatch(r"(\d+)(%?)", text)
    if match is None or (match[2] and int(match[1]) > 100):
        raise ConfigError(
            f"{text!r} is neither a number nor a percentage", location="--batches, --max-fail or --reboot-batch"
        )
    return int(match[1]) * total // 100 if match[2] else int(match[1])


def batches_of(targets: Sequence[Target], sizes: Sequence[str]) -> Sequence[Sequence[Target]]:
    """The targets cut into batches of these sizes, each at least one; the last size repeats until all are in one."""
    counts = [max(1, share(size, len(targets))) for size in sizes]
    batches: list[Sequence[Target]] = []
    start = 0
    while start < len(targets):
        size = counts[min(len(batches), len(counts) - 1)]
        batches.append(targets[start : start + size])
        start += size
    return batches


def resumed(targets: Sequence[Target], results: Sequence[TargetResult]) -> Sequence[Target]:
    """The targets an earlier run did not finish: those with a problem, never started ones among them."""
    unfinished = {result.target for result in results if result.problem is not None}
    return [target for target in targets if target.name in unfinished]
