"""The guards of one batch: armed before the playbook, put off while it runs, released by fresh connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TypeVar

from hardener.conductor import checkpoints
from hardener.conductor.checkpoint_answers import Status
from hardener.conductor.progress import Progress
from hardener.errors import ApplyError, GuardTripped, HardenerError, TransportError
from hardener.model import CheckpointState, Target
from hardener.transport import Connect, Transport

Item = TypeVar("Item")
Result = TypeVar("Result")

GUARD_SECONDS = 120
"""How long a target waits for a word before it restores its checkpoint."""
BEATS = 4
"""How often the moment is put off in that time."""
RESTORE_SECONDS = 600
"""How long we wait for a target that is restoring itself: packages may have to be installed again."""
RETRY_SECONDS = 2.0


@dataclass
class Ended:
    """What became of one target's checkpoint, and what went wrong, in words."""

    state: CheckpointState | None = None
    problem: str | None = None


@dataclass
class Guards:
    """The guards of some targets under one run.

    ``clock`` and ``pause`` are time's; tests bring their own.
    """

    connect: Connect
    progress: Progress
    run: str
    operator: str
    seconds: int = GUARD_SECONDS
    workers: int = 32
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _open: dict[str, tuple[Target, Transport]] = field(default_factory=dict)
    _ways: ExitStack = field(default_factory=ExitStack)
    _lock: Lock = field(default_factory=Lock)
    _stopped: Event = field(default_factory=Event)

    def arm(self, going: Mapping[str, checkpoints.Going], targets: Sequence[Target]) -> Mapping[str, str]:
        """Take a checkpoint on every target; returns, by target, why not. ``going``: see ``checkpoints.take``."""
        problems = {}
        for target, problem in zip(
            targets, self._each(targets, lambda one: self._take(one, going[one.name])), strict=True
        ):
            if problem is not None:
                problems[target.name] = problem
        # One for each: a target that does not answer must not keep the word from the others.
        for target, transport in self._open.values():
            Thread(target=self._beat, args=(target, transport), name=f"guard {target.name}", daemon=True).start()
        return problems

    def _take(self, target: Target, going: checkpoints.Going) -> str | None:
        self.progress.step(target.name, "checkpoint")
        try:
            transport = self.connect(target.connection)
            with self._lock:
                self._ways.enter_context(transport)
            checkpoints.take(transport, self.run, operator=self.operator, seconds=self.seconds, going=going)
        except HardenerError as error:
            return str(error)
        self._open[target.name] = (target, transport)
        return None

    def _beat(self, target: Target, transport: Transport) -> None:
        while not self._stopped.wait(self.seconds / BEATS):
            self._extend(target, transport)

    def _extend(self, target: Target, transport: Transport) -> None:
        """Put the moment off; over a new connection where the old one has broken.

        A target that cannot be reached, or has restored itself meanwhile, shows when its run is to be released.
        """
        try:
            checkpoints.extend(transport, self.run, seconds=self.seconds)
        except (TransportError, ApplyError):
            try:
                with self.connect(target.connection) as fresh:
                    checkpoints.extend(fresh, self.run, seconds=self.seconds)
            except (TransportError, ApplyError) as error:
                self.progress.step(target.name, f"guard not reached: {error}")

    def quiet(self) -> None:
        """Put nothing off any more: whoever does not release a guard from now on has it trip."""
        self._stopped.set()

    def release(self, names: Iterable[str]) -> Mapping[str, Ended]:
        """Prove, by a fresh login and ``become`` on each target, that its operator gets in, and release its guard.

        Where nobody gets in, wait until the target has restored its checkpoint.
        """
        chosen = [self._open[name][0] for name in names]
        return dict(zip([target.name for target in chosen], self._each(chosen, self._release), strict=True))

    def _release(self, target: Target) -> Ended:
        self.progress.step(target.name, "proof of access")
        cause = "it could not be reached"
        ends = self.clock() + self.seconds / 2
        while self.clock() < ends:
            try:
                with self.connect(target.connection) as fresh:
                    ended = _ended(checkpoints.release(fresh, self.run))
                if ended.state is not None:
                    return ended
                cause = "it is restoring its checkpoint already"
            except HardenerError as error:
                cause = str(error)
            self.pause(RETRY_SECONDS)
        return self._tripped(target, cause)

    def _tripped(self, target: Target, cause: str) -> Ended:
        """What a target says once it lets us in again."""
        self.progress.step(target.name, f"waiting for its guard: {cause}")
        ends = self.clock() + self.seconds + RESTORE_SECONDS
        while self.clock() < ends:
            self.pause(RETRY_SECONDS)
            try:
                with self.connect(target.connection) as fresh:
                    ended = _ended(checkpoints.status(fresh, self.run))
            except HardenerError:
                continue
            if ended.state is not None:
                words = f"no way in after the changes ({cause}): {ended.problem}"
                return Ended(ended.state, words if ended.state is CheckpointState.RESTORED else None)
        return Ended(None, f"{cause}; its guard has not brought it back within {self.seconds + RESTORE_SECONDS} s")

    def restore(self, reasons: Mapping[str, str]) -> Mapping[str, Ended]:
        """Bring targets back to their checkpoints now, each for its reason."""
        chosen = [self._open[name] for name in reasons]
        ended = self._each(chosen, lambda item: self._restore(*item, reasons[item[0].name]))
        return dict(zip(reasons, ended, strict=True))

    def _restore(self, target: Target, transport: Transport, reason: str) -> Ended:
        self.progress.step(target.name, "restoring")
        try:
            return _ended(checkpoints.restore(transport, self.run, reason))
        except HardenerError as error:
            return self._tripped(target, str(error))

    def close(self) -> None:
        """Close the connections; guards that nobody released trip by themselves."""
        self.quiet()
        self._ways.close()

    @property
    def armed(self) -> Sequence[str]:
        """The targets that keep a checkpoint of this run."""
        return list(self._open)

    def _each(self, items: Sequence[Item], work: Callable[[Item], Result]) -> list[Result]:
        if not items:
            return []
        pool = ThreadPoolExecutor(max_workers=min(self.workers, len(items)), thread_name_prefix="guards")
        try:
            return list(pool.map(work, items))
        finally:
            # An interruption does not wait for targets that may not come back for minutes: their guards do the rest.
            pool.shutdown(wait=False, cancel_futures=True)


def _ended(status: Status) -> Ended:
    """A target's own word on a run: what became of it."""
    if status.state == "released":
        return Ended(CheckpointState.RELEASED)
    if status.state == "restored":
        words = f"; could not be brought back: {'; '.join(status.left)}" if status.left else ""
        return Ended(
            CheckpointState.RESTORED, str(GuardTripped(f"restored its checkpoint: {status.reason or 'unknown'}{words}"))
        )
    return Ended()
