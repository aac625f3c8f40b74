"""Speaks with the checkpoint program of a target: takes, extends, releases and restores, over any transport."""

from __future__ import annotations

import base64
import gzip
import io
import json
import shlex
import zipfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from hardener import checkpoint
from hardener.checkpoint.patience import heartbeat_file
from hardener.conductor import checkpoint_answers as answers
from hardener.conductor.checkpoint_answers import RolledBack, Status
from hardener.errors import TargetLocked, Unreachable
from hardener.model import Question
from hardener.transport import Transport

FOLDER = "/var/lib/hardener/checkpoints"
LONGEST_SECONDS = 900
"""Longest time a checkpoint, a restore or a rollback may take: emulated machines are slow, packages slower."""
QUICK_SECONDS = 60
"""Longest time a status may take: a busy machine needs many seconds to start an interpreter."""
Going: TypeAlias = Mapping[str, Sequence[str]]
"""Packages that a run has ``removed`` or ``replaced``."""
ARMED = "armed"
"""What a heartbeat is answered with while the guard waits."""
LOST = "lost"
"""What it is answered with where it could not be written down."""
PYTHON = "python3"
_HEARTBEATS = """\
umask 077
while IFS= read -r seconds; do
  state=lost
  {{ IFS= read -r state <{folder}/state; }} 2>/dev/null
  if [ "$state" = armed ]; then
    {{ read -r now _ </proc/uptime && printf '%s %s\\n' "$now" "$seconds" >{file}; }} 2>/dev/null || state=lost
  fi
  printf '%s\\n' "$state"
done"""
_MAIN = "import sys\nfrom hardener.checkpoint.commands import main\nsys.exit(main(sys.argv[1:]))\n"


@lru_cache
def program() -> str:
    """The checkpoint program, one file that any Python runs, as gzip and base64; the same bytes for the same sources.

    It is compressed as a whole: its sources have much in common, and it has to fit into one argument.
    """
    data = io.BytesIO()
    sources = {file.name: file.read_text("utf-8") for file in Path(checkpoint.__file__).parent.glob("*.py")}
    texts = {f"hardener/checkpoint/{name}": text for name, text in sorted(sources.items())}
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in {**texts, "hardener/__init__.py": "", "__main__.py": _MAIN}.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_STORED)
    return base64.b64encode(gzip.compress(data.getvalue(), mtime=0)).decode("ascii")


def take(
    transport: Transport, run: str, *, operator: str, seconds: int, going: Going, python: str | None = None
) -> Mapping[str, str]:
    """Have a target keep all it is, under a guard; raises ``TargetLocked``, ``CheckpointFailed`` or a transport error.

    ``seconds``: how long the guard waits for a word. ``going``: see ``Going``. ``python``: what the inventory says that
    Ansible's modules are run with. Returns what could not be kept: path → why.
    """
    folder = shlex.quote(f"{FOLDER}/{run}")
    store = f"umask 077 && mkdir -p {folder} && echo {program()} | base64 -d | gzip -d >{folder}/program.pyz"
    words = ("take", run, operator, str(seconds), json.dumps(dict(going)), python or PYTHON)
    question = Question(command=f"{store} && {_call(run, words)}", seconds=LONGEST_SECONDS)
    taken = answers.taken(_answer(transport, question))
    if taken.locked_by is not None:
        raise TargetLocked(f"another run is under way there: {taken.locked_by.words}")
    return taken.unkept


def interpreter(run: str) -> str:
    """What a run's modules are started by on a target that keeps its checkpoint: it marks them as the run's own."""
    return f"{FOLDER}/{run}/python"


def heartbeats(run: str) -> str:
    """A program for a session: each line, the seconds until the next word, puts the guard's moment off.

    It answers the state of the run, or ``LOST``. Nothing of it starts a program.
    """
    return _HEARTBEATS.format(folder=shlex.quote(f"{FOLDER}/{run}"), file=shlex.quote(heartbeat_file(run)))


def release(transport: Transport, run: str) -> Status:
    """Tell a target that it can be reached: the checkpoint stays, the guard goes. Returns the status."""
    return _status(transport, run, ("release", run), LONGEST_SECONDS)


def restore(transport: Transport, run: str, reason: str) -> Status:
    """Bring everything back now; the status, with ``left`` where something could not be brought back."""
    return _status(transport, run, ("restore", run, reason), LONGEST_SECONDS)


def begin_again(transport: Transport, run: str, reason: str) -> Status:
    """Bring everything back and stay ``ARMED``; the run ends as by ``restore`` where something does not come back."""
    return _status(transport, run, ("begin-again", run, reason), LONGEST_SECONDS)


def status(transport: Transport, run: str) -> Status:
    """What has become of a run, as its target tells it."""
    return _status(transport, run, ("status", run), QUICK_SECONDS)


def rollback(transport: Transport, run: str, changes: Sequence[Mapping[str, Any]] | None, *, force: bool) -> RolledBack:
    """Take back a released run's changes, some or (``None``) all."""
    words = ("rollback", run, json.dumps(changes), "force" if force else "keep")
    return answers.rolled_back(_answer(transport, Question(command=_call(run, words), seconds=LONGEST_SECONDS)))


def _status(transport: Transport, run: str, words: Sequence[str], seconds: int) -> Status:
    return answers.status(_answer(transport, Question(command=_call(run, words), seconds=seconds)))


def _call(run: str, words: Sequence[str]) -> str:
    return f"{PYTHON} -I {shlex.quote(f'{FOLDER}/{run}/program.pyz')} {shlex.join(words)}"


def _answer(transport: Transport, question: Question) -> bytes:
    answer = transport.ask([question])[question.command]
    if answer.exit_status is None:
        raise Unreachable(answer.problem or "no answer")
    if answer.exit_status != 0:
        raise answers.failure(answer.stderr)
    return answer.stdout
