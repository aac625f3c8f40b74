"""What the controller, the timer and a boot can ask for: one word and its arguments; an answer in JSON."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hardener.checkpoint import guard, keeping, state, undoing, units
from hardener.checkpoint.keeping import ARMED, RELEASED, RESTORED, Checkpoint
from hardener.checkpoint.system import Failed

Answer = dict[str, Any]


def take(run: str, operator: str, seconds: str, going: str) -> Answer:
    """Take the lock, arm the guard, and keep all state. ``going``: JSON of the packages ``removed`` and ``replaced``.

    Answers ``{"locked_by": …}`` where another run is under way.
    """
    checkpoint = Checkpoint(run)
    with keeping.alone():
        held = keeping.holder()
    if held is not None and not guard.is_armed(held):
        # It was killed between taking the lock and arming the guard, or the guard itself was killed.
        guard.restore(held, "the run ended without a word")
    with keeping.alone():
        if held is not None and held.status().get("state") in {RELEASED, RESTORED}:
            keeping.unlock(held)
        if not keeping.lock(checkpoint):
            holder = keeping.holder()
            shutil.rmtree(str(checkpoint.folder))  # our program; it would count as a checkpoint
            return {"locked_by": holder.status() if holder is not None else {}}
        checkpoint.set_status(run=run, operator=operator, since=time.time(), state=ARMED, reason="")
    try:
        guard.arm(checkpoint, int(seconds))
        checkpoint.take(json.loads(going))
    except BaseException:
        guard.disarm(checkpoint)
        checkpoint.set_status(state=RESTORED, reason="nothing was changed: the checkpoint could not be taken")
        keeping.unlock(checkpoint)
        raise
    keeping.prune()
    return {"state": ARMED}


def extend(run: str, seconds: str) -> Answer:
    """The controller is still at work: the guard waits again; answers the status, for it may be too late."""
    checkpoint = Checkpoint(run)
    if checkpoint.status().get("state") == ARMED:
        guard.extend(checkpoint, int(seconds))
    return checkpoint.status()


def status(run: str) -> Answer:
    """What has become of a run."""
    return Checkpoint(run).status()


def release(run: str) -> Answer:
    """A fresh connection has got this far: note what the run has left, and give the lock back."""
    checkpoint = Checkpoint(run)
    with keeping.alone():
        if checkpoint.status().get("state") == ARMED:
            checkpoint.seal()
            checkpoint.set_status(state=RELEASED, until=time.time())
            guard.disarm(checkpoint)
            keeping.unlock(checkpoint)
    return checkpoint.status()


def restore(run: str, reason: str) -> Answer:
    """Bring everything back now."""
    checkpoint = Checkpoint(run)
    guard.restore(checkpoint, reason)
    keeping.unlock(checkpoint)
    return checkpoint.status()


def wait(run: str, seconds: str) -> Answer:
    """What the timer starts: wait while the controller is at work, and bring everything back when it no longer is."""
    checkpoint = Checkpoint(run)
    guard.wait(checkpoint)
    guard.restore(checkpoint, f"no fresh connection released it within {seconds} s")
    if checkpoint.status().get("state") == RESTORED:
        guard.watch(checkpoint)
    return checkpoint.status()


def early(run: str) -> Answer:
    """What a boot starts before everything else."""
    guard.restore_early(Checkpoint(run))
    return {}


def late(run: str) -> Answer:
    """What a boot starts after everything else."""
    checkpoint = Checkpoint(run)
    guard.restore_late(checkpoint)
    keeping.unlock(checkpoint)
    return checkpoint.status()


def rollback(run: str, changes: str, force: str) -> Answer:
    """Take back what a released run changed. ``changes``: JSON list of some of its changes, or ``null`` for all.

    Answers ``undone``, ``conflicts`` (changed by somebody since, left alone unless forced) and ``left`` (could not be
    brought back). The state before it is kept by a checkpoint of its own, taken earlier.
    """
    checkpoint = Checkpoint(run)
    before, after = checkpoint.before(), checkpoint.after()
    if before is None or after is None:
        raise Failed(f"{run}: this target keeps no released checkpoint of that run")
    now = state.capture(known=after)
    is_forced, chosen = force == "force", json.loads(changes)
    if chosen is None:
        undone = undoing.whole(before, after, now, force=is_forced)
    else:
        undone = undoing.some(chosen, (before, after, now), lambda path: Path(path).read_bytes(), force=is_forced)
    names = undone.names(now)
    again = [name for name in units.touched(before["units"], after["units"]) if name in now["units"]]
    left = state.restore(
        undone.wanted, checkpoint.contents(undone.texts), checkpoint.packages, again if names else [], before
    )
    return {"undone": names, "conflicts": undone.conflicts, "left": [*undone.left, *left]}


COMMANDS: Mapping[str, Callable[..., Answer]] = {
    "take": take,
    "extend": extend,
    "status": status,
    "release": release,
    "restore": restore,
    "wait": wait,
    "early": early,
    "late": late,
    "rollback": rollback,
}


def main(words: list[str]) -> int:
    """Do what the words say and print the answer; one line on stderr and 1 where it cannot be done."""
    try:
        answer = COMMANDS[words[0]](*words[1:])
    except (Failed, OSError) as error:
        print(f"hardener: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0
