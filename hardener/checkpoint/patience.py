"""How long a guard waits for its controller's word: by what it hears, not by a clock that ran while it stood still."""

from __future__ import annotations

from hardener.checkpoint.secure_paths import kernel_text, make_directory, read, remove, write

HEARTBEATS = "/run/hardener"
"""Where the controller's shell writes: in memory, so that a full disk is no lost word; for root alone."""
LOOK_SECONDS = 1.0
MOST_FORGIVEN = 4
"""At most so many times its patience a guard waits longer because the target stood still."""


def heartbeat_file(run: str) -> str:
    """Where a run's controller says that it is at work: ``SECONDS PATIENCE``, by the clock of ``uptime``."""
    return f"{HEARTBEATS}/{run}"


def begin(run: str, seconds: int) -> None:
    """The first word of a run's controller, which is about to be at work."""
    make_directory(HEARTBEATS)
    write(heartbeat_file(run), f"{uptime():.2f} {seconds}\n".encode())


def end(run: str) -> None:
    """Nobody waits any more."""
    remove(heartbeat_file(run))


def uptime() -> float:
    """Seconds since the boot, sleep included, as the target's shell sees them as well."""
    return float(kernel_text("/proc/uptime").split()[0])


def last_word(run: str) -> tuple[float, float] | None:
    """When the controller last said that it is at work, and how long that holds; ``None`` while it is being written."""
    words = (read(heartbeat_file(run), follow=False) or b"").split()
    try:
        at, seconds = (float(word) for word in words)
    except ValueError:
        return None
    return at, seconds


class Patience:
    """What is left of it at each look. A look that comes late says that the target stood still, and not its controller.

    A node that is starved or was frozen has no part of that time counted against its controller, up to a limit: who is
    really locked out must get his node back.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self._word = (now, seconds)
        self._looked = now
        self._forgiven = 0.0

    @property
    def seconds(self) -> float:
        """How long the last word holds."""
        return self._word[1]

    def left(self, now: float, word: tuple[float, float] | None) -> float:
        """Seconds until nobody is waited for any more; not above zero: now. ``word``: see ``last_word``."""
        if word is not None and word != self._word:
            self._word, self._forgiven = word, 0.0
        else:
            self._forgiven += max(0.0, now - self._looked - 2 * LOOK_SECONDS)
        self._looked = now
        at, seconds = self._word
        return at + seconds + min(self._forgiven, MOST_FORGIVEN * seconds) - now
