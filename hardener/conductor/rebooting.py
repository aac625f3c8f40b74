"""Restarts a target and waits until it is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from hardener.catalogue.discovery import Catalogue
from hardener.catalogue.expectations import AFTER_REBOOT
from hardener.conductor.insisting import RETRY_SECONDS
from hardener.errors import TimedOut, TransportError
from hardener.model import Connection, Disruption, Question, TargetResult
from hardener.transport import Connect

BOOT = Question(command="cat /proc/sys/kernel/random/boot_id; cut -d ' ' -f 22 /proc/1/stat")
"""Differs after every restart, that of a container included, which shares the kernel's own number with others."""
RESTART = Question(command="systemctl --no-block reboot")
READY = Question(command="systemctl is-system-running --wait", seconds=600)
BACK_SECONDS = 900
"""How long a target may take: servers spend minutes in their firmware, emulated machines in everything."""


def needs_reboot(catalogue: Catalogue, result: TargetResult) -> bool:
    """Whether something fails only because the target has not been restarted since it was remedied."""
    return any(
        finding.is_failing
        and catalogue[finding.control].disruption is Disruption.REBOOT
        and AFTER_REBOOT not in finding.reason
        for finding in result.findings
    )


def reboot(
    connect: Connect,
    connection: Connection,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Restart, and return once the new system has started its units; raises ``TransportError`` if it does not come."""
    with connect(connection) as transport:
        before = transport.ask([BOOT])[BOOT.command].stdout
        with suppress(TransportError):  # the answer may be lost with the connection
            transport.ask([RESTART])
    ends = clock() + BACK_SECONDS
    while clock() < ends:
        pause(RETRY_SECONDS)
        with suppress(TransportError), connect(connection) as transport:
            answer = transport.ask([BOOT])[BOOT.command]
            if answer.exit_status == 0 and answer.stdout != before:
                transport.ask([READY])
                return
    raise TimedOut(f"not back within {BACK_SECONDS} s")
