"""What the controller, the timer and a boot can ask for: one word and its arguments; an answer in JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hardener.checkpoint import files, guard, keeping, package_manager, state, undoing, units
from hardener.checkpoint.files import Contents
from hardener.checkpoint.keeping import ARMED, RELEASED, RESTORED, RESTORING, SETTLED, TAKING, Checkpoint
from hardener.checkpoint.lossless import escaped_line, text_of, unescaped
from hardener.checkpoint.secure_paths import read, remove_tree
from hardener.checkpoint.state import Difference
from hardener.checkpoint.system import Failed, State, told

MOST_TOLD = 1000
"""Of each list as much is told: whoever fills his directory must not make an answer that nobody reads."""
BUSY_SECONDS = 60
"""How long a checkpoint waits for a package manager that is at work; half of an installation is no state to keep."""

Answer = dict[str, Any]


def take(run: str, operator: str, seconds: str, going: str, python: str) -> Answer:
    """Take the lock, keep all state, and arm the guard.

    ``going``: JSON of the packages ``removed`` and ``replaced``. ``python``: what Ansible's modules are run with.
    Answers ``unkept`` (path → why it could not be kept), or ``{"locked_by": …}`` where another run is under way.
    """
    checkpoint = Checkpoint(run)
    held = keeping.holder()
    if held is not None and held.status().get("state") in {ARMED, RESTORING} and not guard.is_armed(held):
        # Its guard was killed, or never came: nobody else would ever bring that back.
        guard.restore(held, "the run ended without a word")
        guard.settle(held)
    with keeping.taking(checkpoint):
        with keeping.alone():
            if held is not None and not _is_under_way(held):
                keeping.unlock(held)
            if not keeping.lock(checkpoint):
                holder = keeping.holder()
                remove_tree(str(checkpoint.folder))  # our program; it would count as a checkpoint
                return {"locked_by": holder.status() if holder is not None else {}}
            checkpoint.set_status(run=run, operator=operator, since=time.time(), state=TAKING, reason="")
        try:
            with package_manager.quiet(BUSY_SECONDS, ends_it=False):
                unkept = checkpoint.take(json.loads(going), python)
            checkpoint.set_status(state=ARMED)
            guard.arm(checkpoint, int(seconds))
        except BaseException:
            checkpoint.set_status(state=RESTORED, reason="nothing was changed: the checkpoint could not be taken")
            guard.settle(checkpoint)
            raise
    keeping.prune()
    return {"state": ARMED, "unkept": {escaped_line(path): why for path, why in list(unkept.items())[:MOST_TOLD]}}


def _is_under_way(held: Checkpoint) -> bool:
    """Whether the run that holds the lock still needs it."""
    state = held.status().get("state")
    return keeping.is_taken_now(held) if state == TAKING else state not in SETTLED


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
    guard.settle(checkpoint)
    return checkpoint.status()


def restore(run: str, reason: str) -> Answer:
    """Bring everything back now."""
    checkpoint = Checkpoint(run)
    guard.restore(checkpoint, reason)
    guard.settle(checkpoint)
    return checkpoint.status()


def begin_again(run: str, reason: str) -> Answer:
    """Bring everything back now, and stay under guard: the run makes another try."""
    checkpoint = Checkpoint(run)
    guard.begin_again(checkpoint, reason)
    guard.settle(checkpoint)
    return checkpoint.status()


def wait(run: str, seconds: str) -> Answer:
    """What the timer starts: wait while the controller is at work, and bring everything back when it no longer is."""
    checkpoint = Checkpoint(run)
    waited = guard.wait(checkpoint, int(seconds))
    guard.restore(checkpoint, f"no fresh connection released it within {waited:.0f} s")
    if checkpoint.status().get("state") == RESTORED:
        guard.watch(checkpoint)
    guard.settle(checkpoint)
    return checkpoint.status()


def early(run: str) -> Answer:
    """What a boot starts before everything else."""
    guard.restore_early(Checkpoint(run))
    return {}


def late(run: str) -> Answer:
    """What a boot starts after everything else."""
    checkpoint = Checkpoint(run)
    guard.restore_late(checkpoint)
    guard.settle(checkpoint)
    return checkpoint.status()


def rollback(run: str, changes: str, force: str) -> Answer:
    """Take back what a released run changed. ``changes``: JSON list of some of its changes, or ``null`` for all.

    Answers ``undone``, ``conflicts`` (changed by somebody since, left alone unless forced) and ``left`` (could not be
    brought back). The state before it is kept by a checkpoint of its own, taken earlier. Names and texts are escaped
    on the way in and out: see ``lossless``.
    """
    checkpoint = Checkpoint(run)
    before, after = checkpoint.before(), checkpoint.after()
    if before is None or after is None:
        raise Failed(f"{run}: this target keeps no released checkpoint of that run")
    is_forced, chosen = force == "force", _chosen(changes)
    with package_manager.quiet(BUSY_SECONDS, ends_it=False):
        now = state.capture(known=after)
        if chosen is None:
            undone = undoing.whole(before, after, now, force=is_forced)
        else:
            texts = _texts(checkpoint, before, after)
            undone = undoing.some(chosen, (before, after, now), texts, force=is_forced)
        names = undone.names(now)
        again = [name for name in units.touched(before["units"], after["units"]) if name in now["units"]]
        left = state.restore(
            undone.wanted, checkpoint.contents(undone.texts), checkpoint.packages, again if names else [], before
        )
    now = {"files": files.capture(known=now["files"])}
    return {
        "undone": _named(names),
        "conflicts": _named(undone.conflicts),
        "left": told([*undone.left, *left]),
        "ownerless": told(files.ownerless(before["files"], now["files"])),
    }


def _chosen(changes: str) -> list[undoing.Change] | None:
    chosen = json.loads(changes)
    return chosen and [{name: unescaped(text) for name, text in change.items()} for change in chosen]


def _named(differences: Sequence[Difference]) -> list[tuple[str, str]]:
    return [(kind, escaped_line(name)) for kind, name in differences[:MOST_TOLD]]


def _texts(checkpoint: Checkpoint, before: State, after: State) -> Callable[[str], undoing.Texts]:
    """Reads the three texts of a file, those before and after the run from the checkpoint alone."""

    def kept(contents: Contents, entries: Mapping[str, Any], path: str) -> bytes | None:
        entry = entries.get(path)
        return contents.of(path, entry) if entry is not None and "sha256" in entry else None

    def texts(path: str) -> undoing.Texts:
        found = (
            kept(checkpoint.contents(), before["files"], path),
            kept(checkpoint.contents_after(), after["files"], path),
            read(path, follow=False),
        )
        return undoing.Texts(*(None if data is None else text_of(data) for data in found))

    return texts


COMMANDS: Mapping[str, Callable[..., Answer]] = {
    "take": take,
    "status": status,
    "release": release,
    "restore": restore,
    "begin-again": begin_again,
    "wait": wait,
    "early": early,
    "late": late,
    "rollback": rollback,
}


def _sentence(error: Failed | OSError) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def main(words: list[str]) -> int:
    """Do what the words say and print the answer; one line on stderr and 1 where it cannot be done."""
    try:
        answer = COMMANDS[words[0]](*words[1:])
    except (Failed, OSError) as error:
        print(f"hardener: {escaped_line(_sentence(error))}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0
