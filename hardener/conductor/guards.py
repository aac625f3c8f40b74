"""The guards of one batch: armed before the playbook, put off while it runs, released by fresh connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock, Thread
from typing import TypeVar

from hardener.conductor import checkpoints
from hardener.conductor.checkpoint_answers import Status
from hardener.conductor.faults import Trouble, side_by_side, trouble
from hardener.conductor.insisting import RETRY_SECONDS
from hardener.conductor.progress import Progress
from hardener.errors import GuardTripped, HardenerError, TimedOut
from hardener.model import CheckpointState, Target
from hardener.transport import Connect, Session, Transport

Item = TypeVar("Item")
Result = TypeVar("Result")

GUARD_SECONDS = 120
"""How long a target waits for a word before it restores its checkpoint."""
BEATS = 6
"""How often the moment is put off in that time."""
MOST_LATE = 2
"""As many words in a row may be answered late before another way to the target is tried."""
SLOWNESS = 3
"""A guard waits at least so many times what its checkpoint took: that has shown how slow its target is."""
MOST_SECONDS = 1800
"""Longest time a guard waits, however slow its target: nobody may be locked out for longer."""
RESTORE_SECONDS = 900
"""How long we wait for a target that is restoring itself: a package manager is waited for, packages are installed."""
FEW = 3
"""As many paths that could not be kept are named."""


@dataclass
class Ended:
    """What became of one target's checkpoint, and what went wrong, in words."""

    state: CheckpointState | None = None
    problem: str | None = None
    is_our_fault: bool = False
    """Whether this program broke, and not the target."""


@dataclass
class _Armed:
    """A target under guard."""

    target: Target
    transport: Transport
    seconds: float
    """How long its guard waits for a word."""
    is_quiet: Event = field(default_factory=Event)
    """Set once nothing is put off any more."""


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
    _open: dict[str, _Armed] = field(default_factory=dict)
    _ways: ExitStack = field(default_factory=ExitStack)
    _lock: Lock = field(default_factory=Lock)

    def arm(self, going: Mapping[str, checkpoints.Going], targets: Sequence[Target]) -> Mapping[str, Trouble]:
        """Take a checkpoint on every target; returns, by target, why not. ``going``: see ``checkpoints.take``.

        Each guard is put off from the moment it is armed, however long other targets take.
        """
        problems = self._each(targets, lambda one: self._take(one, going[one.name]), lambda cause: cause)
        return {target.name: cause for target, cause in zip(targets, problems, strict=True) if cause is not None}

    def _take(self, target: Target, going: checkpoints.Going) -> Trouble | None:
        self.progress.step(target.name, "checkpoint")
        started = self.clock()
        try:
            transport = self.connect(target.connection)
            with self._lock:
                self._ways.enter_context(transport)
            unkept = checkpoints.take(
                transport,
                self.run,
                operator=self.operator,
                seconds=self.seconds,
                going=going,
                python=target.connection.python,
            )
        except HardenerError as error:
            return trouble(error)
        armed = _Armed(target, transport, self._patience(target, self.clock() - started))
        self._open[target.name] = armed
        # One for each: a target that does not answer must not keep the word from the others.
        Thread(target=self._beat, args=(armed,), name=f"guard {target.name}", daemon=True).start()
        if unkept:
            named = ", ".join(f"{path} ({why})" for path, why in list(unkept.items())[:FEW])
            self.progress.warn(target.name, f"not kept, and not to be changed: {named}{' …' * (len(unkept) > FEW)}")
        return None

    def _patience(self, target: Target, took: float) -> float:
        """How long a guard waits: as long as it was asked to, longer on a target that is slow by what it has shown."""
        seconds = min(max(self.seconds, SLOWNESS * took), MOST_SECONDS)
        if seconds > self.seconds:
            words = f"its guard waits {seconds:.0f} s instead of {self.seconds}: its checkpoint took {took:.0f} s"
            self.progress.warn(target.name, words)
        return seconds

    def _beat(self, armed: _Armed) -> None:
        """Put a guard's moment off until it is to be released; over a new connection where the old one has broken."""
        connect: Callable[[], AbstractContextManager[Transport]] = lambda: nullcontext(armed.transport)  # noqa: E731
        while not armed.is_quiet.is_set():
            try:
                with connect() as way, way.session(checkpoints.heartbeats(self.run)) as session:
                    self._beat_over(armed, session)
            except Exception as error:  # noqa: BLE001  (whatever it is: a target whose guard nobody puts off restores itself)
                self._say_lost(armed, trouble(error).words)
                armed.is_quiet.wait(RETRY_SECONDS)
            connect = partial(self.connect, armed.target.connection)

    def _beat_over(self, armed: _Armed, session: Session) -> None:
        """Say the word over one session; a transport error where that has broken, nothing once there is no more to say.

        A word that is answered late is said again over the same way first: a target that is merely busy is not helped
        by another login.
        """
        interval = armed.seconds / BEATS
        late = 0
        while True:
            try:
                state = session.exchange(f"{armed.seconds:.0f}", interval)
                late = 0
            except TimedOut as error:
                late += 1
                if late == MOST_LATE:
                    raise
                self._say_lost(armed, str(error))
                continue
            if state == checkpoints.LOST:
                self._say_lost(armed, "it could not write down that we are at work")
            elif state != checkpoints.ARMED:
                self.progress.warn(armed.target.name, f"its guard says: {state}")
                armed.is_quiet.set()
            if armed.is_quiet.wait(interval):
                return

    def _say_lost(self, armed: _Armed, cause: str) -> None:
        """The operator hears of the first word that is lost: there is time to do something about it."""
        words = f"its guard was not reached ({cause}), and restores it unless it is within {armed.seconds:.0f} s"
        self.progress.warn(armed.target.name, words)

    def quiet(self) -> None:
        """Put nothing off any more: whoever does not release a guard from now on has it trip."""
        for armed in self._open.values():
            armed.is_quiet.set()

    def release(self, names: Iterable[str]) -> Mapping[str, Ended]:
        """Prove, by a fresh login and ``become`` on each target, that its operator gets in, and release its guard.

        Where nobody gets in, wait until the target has restored its checkpoint.
        """
        chosen = [self._open[name] for name in names]
        ended = self._each(chosen, self._release, _broken)
        return dict(zip([armed.target.name for armed in chosen], ended, strict=True))

    def _release(self, armed: _Armed) -> Ended:
        # Only now, for its turn may come long after that of others; and from now on, for the old way proves nothing.
        armed.is_quiet.set()
        target = armed.target
        self.progress.step(target.name, "proof of access")
        cause = "it could not be reached"
        ends = self.clock() + armed.seconds / 2
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
        return self._tripped(armed, cause)

    def _tripped(self, armed: _Armed, cause: str) -> Ended:
        """What a target says once it lets us in again."""
        target, seconds = armed.target, armed.seconds + RESTORE_SECONDS
        self.progress.step(target.name, f"waiting for its guard: {cause}")
        ends = self.clock() + seconds
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
        return Ended(None, f"{cause}; its guard has not brought it back within {seconds:.0f} s")

    def restore(self, reasons: Mapping[str, str]) -> Mapping[str, Ended]:
        """Bring targets back to their checkpoints now, each for its reason."""
        chosen = [self._open[name] for name in reasons]
        ended = self._each(chosen, lambda armed: self._restore(armed, reasons[armed.target.name]), _broken)
        return dict(zip(reasons, ended, strict=True))

    def _restore(self, armed: _Armed, reason: str) -> Ended:
        self.progress.step(armed.target.name, "restoring")
        try:
            return _ended(checkpoints.restore(armed.transport, self.run, reason))
        except HardenerError as error:
            armed.is_quiet.set()  # it restores itself then
            return self._tripped(armed, str(error))

    def begin_again(self, reasons: Mapping[str, str]) -> Sequence[str]:
        """Bring targets back to their checkpoints, each for its reason, and leave them under guard for another try.

        Returns those that are ready for one. The others are still to be restored, or have been.
        """
        chosen = [self._open[name] for name in reasons]
        is_ready = self._each(
            chosen, lambda armed: self._begin_again(armed, reasons[armed.target.name]), lambda _: False
        )
        return [name for name, ready in zip(reasons, is_ready, strict=True) if ready]

    def _begin_again(self, armed: _Armed, reason: str) -> bool:
        self.progress.step(armed.target.name, "restoring, for another try")
        try:
            return checkpoints.begin_again(armed.transport, self.run, reason).state == checkpoints.ARMED
        except HardenerError as error:
            self.progress.warn(armed.target.name, f"there is no other try: {error}")
            return False

    def close(self) -> None:
        """Close the connections; guards that nobody released trip by themselves."""
        self.quiet()
        self._ways.close()

    @property
    def armed(self) -> Sequence[str]:
        """The targets that keep a checkpoint of this run."""
        return list(self._open)

    def _each(
        self, items: Sequence[Item], work: Callable[[Item], Result], broken: Callable[[Trouble], Result]
    ) -> list[Result]:
        """Do it for all side by side, in their order; what breaks with one is that one's result."""
        done = dict(
            side_by_side(
                range(len(items)),
                lambda number: work(items[number]),
                lambda _, error: broken(trouble(error)),
                workers=self.workers,
                name="guards",
            )
        )
        return [done[number] for number in range(len(items))]


def _broken(cause: Trouble) -> Ended:
    return Ended(None, cause.words, cause.is_our_fault)


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
