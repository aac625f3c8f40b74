"""The timer on the target that restores a checkpoint unless a fresh connection releases it."""

from __future__ import annotations

import sys
import time
from pathlib import PurePath

from hardener.checkpoint import file_restore, files, keeping, own_processes, package_manager, packages, patience, state
from hardener.checkpoint.keeping import ARMED, RESTORED, RESTORING, SETTLED, Checkpoint
from hardener.checkpoint.own_processes import LOOK_SECONDS
from hardener.checkpoint.secure_paths import exists, make_directory, make_link, remove, write
from hardener.checkpoint.system import State, output, told

UNITS = PurePath("/etc/systemd/system")
EARLY, LATE = "hardener-guard-early.service", "hardener-guard-boot.service"
ENDING_SECONDS = 30
"""How long what a run still executes may take to end once it was killed."""
ATTEMPTS = 3
"""How often everything is brought back before what still differs is named and left."""
WATCH_SECONDS = 20
"""How long after a restore the guard ends what a controller that has not noticed still starts."""

_EARLY = """\
[Unit]
Description=Bring back the files of a hardener run that nobody released before this boot
DefaultDependencies=no
RequiresMountsFor=/var/lib/hardener /etc
After=local-fs.target
Before=sysinit.target systemd-sysctl.service systemd-modules-load.service systemd-tmpfiles-setup.service auditd.service
StartLimitIntervalSec=0
[Service]
Type=oneshot
ExecStart={python} -I {program} early {run}
"""
_LATE = """\
[Unit]
Description=Bring back what a hardener run changed that nobody released before this boot
After=multi-user.target
StartLimitIntervalSec=0
[Service]
Type=oneshot
Restart=on-failure
RestartSec=5
ExecStart={python} -I {program} late {run}
"""
_WANTED_BY = {EARLY: (_EARLY, "sysinit.target.wants"), LATE: (_LATE, "multi-user.target.wants")}


def arm(checkpoint: Checkpoint, seconds: int) -> None:
    """Start the timer, and have the next boot restore as well; raises ``Failed`` where there is no systemd to do it."""
    patience.begin(checkpoint.run, seconds)
    for name, (text, target) in _WANTED_BY.items():
        unit = text.format(python=sys.executable, program=checkpoint.program, run=checkpoint.run)
        write(str(UNITS / name), unit.encode(), mode=0o644)
        make_directory(str(UNITS / target), mode=0o755)
        if not exists(str(UNITS / target / name)):
            make_link(str(UNITS / target / name), str(UNITS / name))
    output(
        [
            "systemd-run",
            "--quiet",
            "--collect",
            f"--unit={_unit(checkpoint)}",
            # Every time systemd reads its files again a timer starts anew: it starts at once, and what it starts waits.
            "--on-active=1s",
            "--timer-property=AccuracySec=1s",
            # It is started again for as long as the run is not settled, however often it fails.
            "--property=Restart=on-failure",
            "--property=RestartSec=5",
            "--property=StartLimitIntervalSec=0",
            # Whoever keeps the target busy must not keep it from restoring itself.
            "--property=Nice=-10",
            "--property=OOMScoreAdjust=-900",
            sys.executable,
            "-I",
            str(checkpoint.program),
            "wait",
            checkpoint.run,
            str(seconds),
        ]
    )


def disarm(checkpoint: Checkpoint) -> None:
    """Stop the timer, and leave the next boot alone."""
    for name, (_, target) in _WANTED_BY.items():
        for path in (UNITS / target / name, UNITS / name):
            remove(str(path))
    if _is_active(f"{_unit(checkpoint)}.timer"):
        output(["systemctl", "stop", f"{_unit(checkpoint)}.timer"])
    patience.end(checkpoint.run)


def is_armed(checkpoint: Checkpoint) -> bool:
    """Whether its timer still waits, or what it or a boot started still runs."""
    return any(_is_active(name) for name in (f"{_unit(checkpoint)}.timer", f"{_unit(checkpoint)}.service", LATE))


def _is_active(unit: str) -> bool:
    state = output(["systemctl", "show", "--property=ActiveState", "--value", "--", unit]).strip()
    return state in {"active", "activating", "deactivating"}


def _unit(checkpoint: Checkpoint) -> str:
    return f"hardener-guard-{checkpoint.run}"


def wait(checkpoint: Checkpoint, seconds: int) -> float:
    """Return when nobody has put the moment off any more, or when the run was released; how long a word held."""
    waiting = patience.Patience(seconds, patience.uptime())
    while checkpoint.status().get("state") == ARMED:
        left = waiting.left(patience.uptime(), patience.last_word(checkpoint.run))
        if left <= 0:
            break
        time.sleep(min(left, patience.LOOK_SECONDS))
    return waiting.seconds


def restore(checkpoint: Checkpoint, reason: str, again: list[str] | None = None) -> list[str]:
    """Bring everything back, and say so; what could not be brought back is returned, in words.

    ``again``: see ``state.restore``. Nothing happens where the run has been released meanwhile: of a release and a
    restore only one can win.
    """
    with keeping.alone(checkpoint.home):
        if checkpoint.status().get("state") not in {ARMED, RESTORING}:
            return []
        # From now on nobody can release it: what is half restored is neither old nor new.
        checkpoint.set_status(state=RESTORING)
        before = checkpoint.before()
        left = [] if before is None else _brought_back(checkpoint, before, again)
        checkpoint.set_status(state=RESTORED, reason=reason, until=time.time(), left=told(left))
        disarm(checkpoint)
    return left


def begin_again(checkpoint: Checkpoint, reason: str) -> None:
    """Bring everything back and go on waiting, for another try of the run.

    It stays armed all the while: whatever interrupts this, the guard brings back the rest. Where something does not
    come back there is no other try.
    """
    with keeping.alone(checkpoint.home):
        before = checkpoint.before()
        if checkpoint.status().get("state") != ARMED or before is None:
            return
        left = _brought_back(checkpoint, before, None)
        if left:
            checkpoint.set_status(state=RESTORED, reason=reason, until=time.time(), left=told(left))
            disarm(checkpoint)


def _brought_back(checkpoint: Checkpoint, before: State, again: list[str] | None) -> list[str]:
    """Restore, and again while something differs or the run still executes something; what differs in the end."""
    left: list[str] = []
    for number in range(ATTEMPTS):
        # Never beneath a package manager: what it writes after us would be nobody's state.
        with package_manager.quiet() as was_ended:
            has_ended_some = own_processes.end(checkpoint.folder, ENDING_SECONDS)
            if was_ended or has_ended_some:
                packages.finish()
            left = state.restore(before, checkpoint.contents(), checkpoint.packages, again if number == 0 else [])
        if not left and not any(own_processes.of_run(checkpoint.folder)):
            return []
    return left


def watch(checkpoint: Checkpoint) -> None:
    """Stay a little, and undo what a controller that has not noticed still does."""
    before = checkpoint.before()
    ends = time.monotonic() + WATCH_SECONDS
    while before is not None and time.monotonic() < ends:
        with keeping.alone(checkpoint.home):
            held = keeping.holder(checkpoint.home)
            if held is None or held.run != checkpoint.run:
                return  # the next run has begun
            if any(own_processes.of_run(checkpoint.folder)):
                checkpoint.set_status(left=told(_brought_back(checkpoint, before, again=[])))
        time.sleep(LOOK_SECONDS)


def settle(checkpoint: Checkpoint) -> None:
    """The end of a run: the guard is gone, contents that nobody needs any more as well, and the lock is given back."""
    status = checkpoint.status()
    if status.get("state") not in SETTLED:
        return
    disarm(checkpoint)
    remove(str(checkpoint.folder / "mark"))  # nothing of it runs any more
    with keeping.alone(checkpoint.home):
        if status.get("state") == RESTORED and not status.get("left"):
            checkpoint.forget()
        keeping.unlock(checkpoint)


def restore_early(checkpoint: Checkpoint) -> None:
    """The files, before a boot starts anything: services then start with the configuration there was."""
    before = checkpoint.before()
    if before is None or checkpoint.status().get("state") not in {ARMED, RESTORING}:
        return
    checkpoint.set_status(state=RESTORING)
    now = {"files": files.capture(known=before["files"])}
    changed = [name for _, name in state.differing({"files": before["files"]}, now)]
    wanted = {name: before["files"].get(name) for name in changed}
    file_restore.restore(wanted, now["files"], checkpoint.contents())
    output(["systemctl", "daemon-reload"])
    checkpoint.set_status(early=True)


def restore_late(checkpoint: Checkpoint) -> None:
    """The rest, once a boot has started everything.

    A boot changes the state of every unit, which says nothing of what the run did: none has to read its configuration
    again, unless the files were not back in time.
    """
    again: list[str] | None = [] if checkpoint.status().get("early") else None
    restore(checkpoint, "the target was restarted before the run was released", again)
