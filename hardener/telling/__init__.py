"""Delivers messages through apprise, in a program of its own.

So a receiver that never ends is bounded whatever it does, nothing of apprise is loaded where nobody is told, and what
it logs or raises, which may hold a URL, ends with that program. The URL reaches it on its standard input.
"""

from __future__ import annotations

import json
import subprocess
import sys

from hardener.model import Message

SECONDS = 60
"""For one recipient, looking up its name included."""


def deliver(url: str, message: Message, seconds: float = SECONDS) -> str | None:
    """Deliver a message to one recipient; why that failed, in words that hold nothing of the URL, or ``None``."""
    # -P: a module in the working directory must not take the place of one of ours.
    command = [sys.executable, "-P", "-m", __name__]
    order = json.dumps({"url": url, **message.model_dump()}).encode()
    try:
        done = subprocess.run(
            command, input=order, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return f"the program that tells could not be started: {error.strerror}"
    return done.stdout.decode() or None if done.returncode == 0 else f"apprise ended with {done.returncode}"
