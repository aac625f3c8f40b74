"""The command line over recorded targets, in a program of its own that a test starts at a terminal.

``python -m tests.unit.at_terminal LOG [moves] apply …``: what is done to targets is written to LOG, a line each;
``moves``: once the apply was rehearsed, something else fails on the target ``b`` as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hardener.cli import entry, flows, rollback
from hardener.cli.request import Request
from hardener.errors import Unreachable
from hardener.model import Change, ChangeKind
from hardener.playbook import Outcome, PlaybookRun
from tests.unit.builders import answer, healthy
from tests.unit.fleet import Fleet, conductor, settings, targets

ILL = healthy() | {"number one": answer("99\n")}
WORSE = ILL | {"number two": answer("99\n")}
ITEM = Change(
    role="alpha", task="Stop", module="units", kind=ChangeKind.UNIT, subject="cups.service", before="enabled, active"
).model_copy(update={"after": "masked, inactive"})


class Logged:
    """A playbook that tells one change, repairs targets unless it is only rehearsed, and writes down whom it met."""

    def __init__(self, fleet: Fleet, log: Path, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.fleet, self.log, self.meanwhile = fleet, log, meanwhile

    def __call__(self, run: PlaybookRun) -> Mapping[str, Outcome]:
        with self.log.open("a") as log:
            for name in run.variables:
                log.write(f"{'rehearsed' if run.is_dry else 'changed'} {name}\n")
        if run.is_dry:
            self.meanwhile()
        else:
            self.fleet.hosts |= dict.fromkeys(run.variables, healthy())
        return {name: Outcome(changes=[ITEM], tasks=1) for name in run.variables}


def record(fleet: Fleet, log: Path, patch: Callable[[object, str, Any], None], *, moves: bool = False) -> None:
    """Have the commands that change targets meet a fleet, and nothing else."""

    def moved() -> None:
        if moves:
            fleet.hosts["b"] = WORSE

    def prepare(_request: Request, _password: object, progress: object, *_: object, **__: object) -> tuple[Any, Any]:
        return conductor(fleet, progress=progress), targets(*fleet.hosts)

    playbook: Any = Logged(fleet, log, moved)
    for module in (flows, rollback):
        patch(module, "prepare", prepare)
    patch(Request, "apply_settings", lambda *_, **__: settings(playbook))


if __name__ == "__main__":
    log, *words = sys.argv[1:]
    hosts = Fleet(a=ILL, b=ILL, well=healthy(), dead=Unreachable("no route"))
    record(hosts, Path(log), setattr, moves=words[0] == "moves")
    sys.argv = ["hardener", *(words[1:] if words[0] == "moves" else words)]
    entry()
