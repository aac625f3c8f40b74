"""Waits for a node by asking it, with a deadline, never by sleeping a fixed time."""

import socket
import time

from hardener.errors import LabError
from hardener.lab import access
from hardener.lab.node import Node
from hardener.lab.processes import is_running
from hardener.lab.tools import last_line

_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
_POLL_SECONDS = 0.2
READY_STATES = frozenset({"running", "degraded"})


def boot_id(node: Node) -> str:
    """The identity of the node's present boot; raises LabError if it cannot be asked."""
    done = access.ask(node, _BOOT_ID, seconds=60)
    if done.returncode != 0:
        raise LabError(f"lab: cannot log in to {node.name}: {access.complaint(done)}")
    return done.stdout.strip()


def wait_until_booted(node: Node, *, seconds: float, previous: str = "") -> None:
    """Return when the node has finished booting, with a boot id other than ``previous``.

    Raises LabError after ``seconds``, or at once when the node's process has ended; the message has the last line of
    its console.
    """
    deadline = time.monotonic() + seconds
    reason = "it never answered"
    ended = False
    while (left := deadline - time.monotonic()) > 0:
        # Seen once, it may be a process that is just turning into another program.
        was_ended, ended = ended, not is_running(node)
        if ended and was_ended:
            raise LabError(f"lab: {node.name} ended while it was booting{_console(node)}")
        if ended or not _greets(node):
            time.sleep(_POLL_SECONDS)
            continue
        done = access.ask(node, f"{_BOOT_ID}; systemctl is-system-running --wait", seconds=left)
        identity, _, state = done.stdout.strip().partition("\n")
        if state in READY_STATES and identity != previous:
            return
        reason = f"its state is {state}" if state and identity != previous else access.complaint(done)
        time.sleep(_POLL_SECONDS)
    raise LabError(f"lab: {node.name} was not ready within {seconds:.0f} s: {reason}{_console(node)}")


def _greets(node: Node) -> bool:
    """Whether an ssh server sends its greeting; QEMU accepts connections before one is there."""
    try:
        with socket.create_connection((node.address, node.port), timeout=3) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _console(node: Node) -> str:
    """The last thing the node printed, as the end of a message."""
    try:
        line = last_line(node.log_file.read_text(errors="replace"))
    except OSError:
        line = ""
    return f"; its console ends with {line!r}" if line else ""
