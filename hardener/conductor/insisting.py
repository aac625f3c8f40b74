"""Ways to targets that have just let us in: one that is busy is knocked at again."""

from __future__ import annotations

import time
from collections.abc import Callable

from hardener.errors import TimedOut, Unreachable
from hardener.model import Connection
from hardener.transport import Connect, Transport

RETRY_SECONDS = 2.0


def insistent(
    connect: Connect,
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Connect:
    """Connects as ``connect`` does, and for so long again where there is no answer; then raises the last error.

    What patience does not help, such as another host key or a refusal, is raised at once.
    """

    def insist(connection: Connection) -> Transport:
        ends = clock() + seconds
        while True:
            try:
                return connect(connection)
            except (TimedOut, Unreachable):
                if clock() >= ends:
                    raise
            pause(RETRY_SECONDS)

    return insist
