"""Units: which are active, and how to bring them back; whether they are enabled is in the files of /etc."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hardener.checkpoint.system import Failed, output

KINDS = (".service", ".socket", ".timer", ".mount", ".path")
NEVER = (
    "dbus",
    "getty@",
    "hardener-guard",
    "run-",
    "serial-getty@",
    "session-",
    "systemd-logind",
    "user@",
    "user-runtime",
)
"""Units that nothing of ours touches, and that must not be stopped under whoever is logged in."""
PROPERTIES = "Id,ActiveState,UnitFileState,StateChangeTimestampMonotonic"

Unit = dict[str, Any]
"""An active unit: ``file`` (systemd's UnitFileState) and ``since`` (µs after boot of the last change of state)."""


def capture() -> dict[str, Unit]:
    """Unit → what systemd says of it, for the units that are active and not about to change."""
    # Only those that count: of each, systemd may have to look for its file in every directory first.
    kinds = ",".join(kind.removeprefix(".") for kind in KINDS)
    chosen = ["--state=active", f"--type={kinds}", "*"]
    listing = output(["systemctl", "show", "--no-pager", f"--property={PROPERTIES}", *chosen])
    units = {}
    for block in listing.strip("\n").split("\n\n"):
        said = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        name = said.get("Id", "")
        if name.endswith(KINDS) and not name.startswith(NEVER) and said["ActiveState"] == "active":
            since = int(said.get("StateChangeTimestampMonotonic") or 0)
            units[name] = {"file": said["UnitFileState"], "since": since}
    return units


def touched(before: Mapping[str, Unit], after: Mapping[str, Unit]) -> list[str]:
    """Units active in both that changed their state in between: what was restarted or reloaded."""
    return [name for name, unit in after.items() if name in before and before[name]["since"] != unit["since"]]


def restore(wanted: Mapping[str, Unit | None], now: Mapping[str, Unit], again: list[str]) -> list[str]:
    """Start and stop units, and have those of ``again`` read their configuration; returns what could not be done.

    ``now``: the capture that ``wanted`` differs from. Another one would cost whoever waits for sshd its time.
    """
    problems = [] if not wanted and not again else _do("daemon-reload", [])
    stop = [name for name, unit in wanted.items() if unit is None and name in now]
    problems += _do("stop", stop)
    start = [name for name, unit in wanted.items() if unit is not None and name not in now]
    problems += _do("reset-failed", start, must=False)
    # systemd starts no socket whose service runs without it: the service makes way and comes back.
    behind = [name for unit in start if unit.endswith(".socket") and (name := _service_of(unit)) in now]
    problems += _do("stop", behind)
    problems += _do("start", [*start, *behind])
    reading = [name for name in again if name in now and name not in stop]
    # sshd behind a socket of systemd's loses it at a reload, and ends some time later.
    by_socket = _started_by_sockets(reading, {*now, *start} - {*stop})
    problems += _do("restart", by_socket)
    problems += _do("try-reload-or-restart", [name for name in reading if name not in by_socket])
    active = capture() if reading else {}
    return problems + _do("restart", [name for name in reading if name not in active])


def _started_by_sockets(services: list[str], active: Collection[str]) -> list[str]:
    """Those of these services that an active socket hands its connections to."""
    if not services:
        return []
    listing = output(["systemctl", "show", "--property=Id,TriggeredBy", "--", *services])
    shown = [dict(line.split("=", 1) for line in block.splitlines()) for block in listing.strip().split("\n\n")]
    return [
        unit["Id"]
        for unit in shown
        if any(name in active for name in unit.get("TriggeredBy", "").split() if name.endswith(".socket"))
    ]


def _service_of(socket: str) -> str:
    """The service a socket hands its connections to."""
    return output(["systemctl", "show", "--property=Triggers", "--value", "--", socket]).split(" ")[0].strip()


def comes_by_itself(unit: Unit, name: str) -> bool:
    """Whether a unit is started by others when they need it, so that its being active says nothing."""
    return name.endswith(".service") and unit["file"] in {"static", "transient", "generated", "indirect"}


def _do(verb: str, units: list[str], *, must: bool = True) -> list[str]:
    if not units and verb != "daemon-reload":
        return []
    try:
        output(["systemctl", "--quiet", verb, *(["--", *units] if units else [])])
    except Failed as error:
        return [str(error)] if must else []
    return []
