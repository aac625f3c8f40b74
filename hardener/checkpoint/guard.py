"""The timer on the target that restores a checkpoint unless a fresh connection releases it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hardener.checkpoint import files, keeping, packages, state
from hardener.checkpoint.keeping import ARMED, RESTORED, RESTORING, Checkpoint
from hardener.checkpoint.system import output, write_atomically

UNITS = Path("/etc/systemd/system")
EARLY, LATE = "hardener-guard-early.service", "hardener-guard-boot.service"
MARK = "HARDENER_RUN"
"""In the environment of everything a run executes on the target."""
PATIENCE_SECONDS = 180
"""How long dpkg may go on by itself before it is ended: half of an installation is worse than a late restore."""
WATCH_SECONDS = 20
"""How long after a restore the guard ends what a controller that has not noticed still starts."""
LOOK_SECONDS = 0.2

_EARLY = """\
[Unit]
Description=Bring back the files of a hardener run that nobody released before this boot
DefaultDependencies=no
RequiresMountsFor=/var/lib/hardener /etc
After=local-fs.target
Before=sysinit.target systemd-sysctl.service systemd-modules-load.service systemd-tmpfiles-setup.service auditd.service
[Service]
Type=oneshot
ExecStart={python} {program} early {run}
"""
_LATE = """\
[Unit]
Description=Bring back what a hardener run changed that nobody released before this boot
After=multi-user.target
[Service]
Type=oneshot
ExecStart={python} {program} late {run}
"""
_WANTED_BY = {EARLY: (_EARLY, "sysinit.target.wants"), LATE: (_LATE, "multi-user.target.wants")}


def arm(checkpoint: Checkpoint, seconds: int) -> None:
    """Start the timer, and have the next boot restore as well; raises ``Failed`` where there is no systemd to do it."""
    extend(checkpoint, seconds)
    for name, (text, target) in _WANTED_BY.items():
        (UNITS / name).write_text(
            text.format(python=sys.executable, program=checkpoint.program, run=checkpoint.run), "utf-8"
        )
        link = UNITS / target / name
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(UNITS / name)
    output(
        [
            "systemd-run",
            "--quiet",
            "--collect",
            f"--unit={_unit(checkpoint)}",
            # Every time systemd reads its files again a timer starts anew: it starts at once, and what it starts waits.
            "--on-active=1s",
            "--timer-property=AccuracySec=1s",
            "--property=Restart=on-failure",
            sys.executable,
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
            if path.is_symlink() or path.exists():
                path.unlink()
    if _is_active(f"{_unit(checkpoint)}.timer"):
        output(["systemctl", "stop", f"{_unit(checkpoint)}.timer"])


def is_armed(checkpoint: Checkpoint) -> bool:
    """Whether its timer still waits, or what it or a boot started still runs."""
    return any(_is_active(name) for name in (f"{_unit(checkpoint)}.timer", f"{_unit(checkpoint)}.service", LATE))


def _is_active(unit: str) -> bool:
    state = output(["systemctl", "show", "--property=ActiveState", "--value", "--", unit]).strip()
    return state in {"active", "activating", "deactivating"}


def _unit(checkpoint: Checkpoint) -> str:
    return f"hardener-guard-{checkpoint.run}"


def extend(checkpoint: Checkpoint, seconds: int) -> None:
    """Put the moment off: the controller says so while it is at work."""
    deadline = time.clock_gettime(time.CLOCK_BOOTTIME) + seconds
    write_atomically(checkpoint.folder / "deadline", f"{deadline:.3f}".encode())


def wait(checkpoint: Checkpoint) -> None:
    """Return when nobody has put the moment off any more, or when the run was released."""
    while checkpoint.status().get("state") == ARMED:
        left = float((checkpoint.folder / "deadline").read_text("ascii")) - time.clock_gettime(time.CLOCK_BOOTTIME)
        if left <= 0:
            return
        time.sleep(min(left, 1.0))


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
        left: list[str] = []
        if before is not None:
            _end_strays(checkpoint.run, with_dpkg=False)
            left = state.restore(before, checkpoint.contents(), checkpoint.packages, again)
            if _end_strays(checkpoint.run, with_dpkg=True):
                packages.finish()
                left = state.restore(before, checkpoint.contents(), checkpoint.packages, again)
        checkpoint.set_status(state=RESTORED, reason=reason, until=time.time(), left=left)
        disarm(checkpoint)
    return left


def watch(checkpoint: Checkpoint) -> None:
    """Stay a little, and undo what a controller that has not noticed still does; then give the lock back."""
    before = checkpoint.before()
    ends = time.monotonic() + WATCH_SECONDS
    while before is not None and time.monotonic() < ends:
        with keeping.alone(checkpoint.home):
            held = keeping.holder(checkpoint.home)
            if held is None or held.run != checkpoint.run:
                return  # the next run has begun
            if _end_strays(checkpoint.run, with_dpkg=True):
                packages.finish()
                checkpoint.set_status(left=state.restore(before, checkpoint.contents(), checkpoint.packages, again=[]))
        time.sleep(LOOK_SECONDS)
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
    files.restore(wanted, now["files"], checkpoint.contents())
    output(["systemctl", "daemon-reload"])
    checkpoint.set_status(early=True)


def restore_late(checkpoint: Checkpoint) -> None:
    """The rest, once a boot has started everything.

    A boot changes the state of every unit, which says nothing of what the run did: none has to read its configuration
    again, unless the files were not back in time.
    """
    again: list[str] | None = [] if checkpoint.status().get("early") else None
    restore(checkpoint, "the target was restarted before the run was released", again)


# --- what a run has left behind ---------------------------------------------------------------------------------------


def _end_strays(run: str, *, with_dpkg: bool) -> bool:
    """End what the run still executes; whether there was anything. dpkg is let finish first."""
    found = False
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        strays = list(_strays(run))
        installing = [pid for pid in strays if _is_installing(pid)] if time.monotonic() < ends else []
        if not with_dpkg and installing:
            # Its parents wait for it, so they stay as well.
            return found
        for pid in [] if installing else strays:
            found = True
            _kill(pid)
        if not strays:
            return found
        found = True
        time.sleep(LOOK_SECONDS)


def _strays(run: str) -> Iterator[int]:
    mark = f"{MARK}={run}".encode()
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    is_marked = mark in file.read().split(b"\0")
                with open(f"/proc/{name}/stat", "rb") as file:
                    is_dead = file.read().rpartition(b")")[2].split()[0] in {b"Z", b"X"}
            except OSError:  # it has ended meanwhile
                continue
            if is_marked and not is_dead:
                yield int(name)


def _is_installing(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip() in {"dpkg", "apt-get", "apt", "aptitude", "dpkg-preconfigu"}
    except OSError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
