"""Brings the arsenal to a node of the lab, lets attacks run beside what we do there, and says what they have won."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from hardener import lab
from hardener.errors import LabError

PROGRAM = "/usr/local/lib/arsenal"
_MAIN = "import sys\nfrom tests.attacks.arsenal.main import main\nmain(sys.argv[1:])\n"
_STOP = r"""
for name in /proc/[0-9]*; do
  if tr '\0' ' ' <$name/cmdline 2>/dev/null | grep -q '/[a]rsenal run '; then kill -9 ${name#/proc/}; fi
done
for name in /proc/[0-9]*; do
  if [ "$(stat -c %u $name 2>/dev/null)" = 1002 ]; then kill -9 ${name#/proc/} 2>/dev/null; fi
done
rm -rf /etc/depth /var/log/depth /home/plain/depth
true
"""
_FREE = r"""
for name in /proc/[0-9]*; do
  if tr '\0' ' ' <$name/cmdline 2>/dev/null | grep -q '[p]rogram.pyz'; then kill -9 ${name#/proc/}; fi
done
true
"""
"""Ends what we ourselves are at there: a read that waits for an attacker for ever."""


def program() -> bytes:
    """The arsenal as one file that a node's Python runs."""
    data, folder = io.BytesIO(), Path(__file__).parent
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("tests/__init__.py", "tests/attacks/__init__.py"):
            archive.writestr(name, "")
        for file in sorted((folder / "arsenal").glob("*.py")):
            archive.write(file, f"tests/attacks/arsenal/{file.name}")
        archive.writestr("__main__.py", _MAIN)
    return data.getvalue()


@dataclass
class Drill:
    """Attacks on one node. ``won``: attack → what it has won, of all looks so far."""

    node: lab.Node
    names: Sequence[str]
    won: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Bring the arsenal there, and remember the node as it is; no attack runs yet."""
        text = base64.b64encode(program()).decode()
        self._ask(f"base64 --decode >{PROGRAM} <<'END'\n{text}\nEND\nchmod 755 {PROGRAM}")
        self._ask(f"python3 {PROGRAM} prepare {' '.join(self.names)}")
        self._ask(f"python3 {PROGRAM} keep whole")

    def attack(self) -> None:
        """Start all of them."""
        self._ask(f"python3 {PROGRAM} start {' '.join(self.names)}")

    def look(self) -> None:
        """See what they have won so far."""
        for name, what in json.loads(self._ask(f"python3 {PROGRAM} look {' '.join(self.names)}")).items():
            self.won.setdefault(name, what)

    def differences(self) -> list[str]:
        """What else is different on the node than before, but what changes by itself."""
        lines: list[str] = json.loads(self._ask(f"python3 {PROGRAM} compare whole"))
        return lines

    def said(self) -> str:
        """What the attacks themselves said before they went on or gave up."""
        return self._ask("cd /run/arsenal && tail --lines=2 --verbose *.log")

    def stop(self) -> None:
        """End them all, and take away what nobody could remove with the node."""
        self._ask(_STOP)

    def free(self) -> None:
        """End them, and what waits for them."""
        with suppress(LabError):
            self.stop()
            self._ask(_FREE)

    def _ask(self, script: str) -> str:
        done = lab.run(self.node, script, seconds=180)
        if done.returncode != 0:
            raise LabError(f"{script[:80]}: {done.stderr[-400:]}")
        return str(done.stdout)


@dataclass
class Bound:
    """A time within which something has to end: afterwards everything that holds it up is ended, and it is noted."""

    drill: Drill
    seconds: float
    is_exceeded: bool = False
    took: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.took = time.monotonic() - self._began
        assert self._thread is not None
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self.seconds):
            self.is_exceeded = True
            self.drill.free()
