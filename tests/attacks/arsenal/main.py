"""The arsenal on a node: prepares, runs and looks at attacks; what the whole node is compared with; answers in JSON."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.attacks.arsenal import homes, logs, mounts, processes, services, temporary
from tests.attacks.arsenal.base import (
    CANARY,
    HOME,
    MEMORY,
    PLAIN,
    VICTIMS,
    Attack,
    images,
    make_victims,
    name_of,
    remember,
    remembered,
    secret,
)
from tests.attacks.arsenal.whole import differences, kept

MODULES = (homes, services, logs, temporary, mounts, processes)


def attacks() -> dict[str, Attack]:
    """Name → attack: every class of the modules that is not a base of others."""
    found = [
        kind
        for module in MODULES
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Attack) and kind is not Attack and kind.__name__[0] != "_"
    ]
    return {name_of(kind): kind() for kind in found}


def prepare(names: list[str]) -> None:
    """Victims and fixtures of attacks; by root."""
    MEMORY.mkdir(exist_ok=True)
    MEMORY.chmod(0o755)
    CANARY.touch()
    CANARY.chmod(0o666)
    known = attacks()
    for name in names:
        make_victims(VICTIMS / name)
        known[name].prepare()
        remember(f"victims-{name}", images(VICTIMS / name))


def start(names: list[str]) -> None:
    """Start attacks in the background, each as its account."""
    known = attacks()
    for name in names:
        if os.fork() == 0:
            os.setsid()
            log = os.open(MEMORY / f"{name}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
            nothing = os.open("/dev/null", os.O_RDONLY)
            for number, descriptor in enumerate((nothing, log, log)):
                os.dup2(descriptor, number)
            os.closerange(3, 256)
            account = known[name].account
            if account is not None:
                os.setgroups([account])
                os.setgid(account)
                os.setuid(account)
            os.execv(sys.executable, [sys.executable, sys.argv[0], "run", name])


def run(name: str) -> None:
    """Be an attack. One that has done its work sleeps, so that its end says that it could not go on."""
    attacks()[name].run()
    while True:
        time.sleep(3600)


def look(names: list[str]) -> dict[str, str]:
    """Attack → what it has won so far; by root. Attacks stand still meanwhile: they would win against us."""
    with _standing_still():
        return _won(names)


@contextmanager
def _standing_still() -> Iterator[None]:
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            words = Path(f"/proc/{int(name)}/cmdline").read_bytes().split(b"\0")
            if words[1:3] == [os.fsencode(sys.argv[0]), b"run"]:
                os.kill(int(name), signal.SIGSTOP)
                found.append(int(name))
    yield
    for number in found:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGCONT)


def _won(names: list[str]) -> dict[str, str]:
    known, won = attacks(), {}
    for name in names:
        before, now = remembered(f"victims-{name}"), images(VICTIMS / name)
        if harmed := _harmed(before, now):
            won[name] = harmed
        elif said := known[name].won():
            won[name] = said
    for path, reason in gained():
        owner = next((name for name in names if name in str(path)), str(path))
        won.setdefault(owner, reason)
    if said := CANARY.read_text(errors="replace"):
        won["canary"] = f"ran as root: {said.split()}"
    return won


def _harmed(before: object, now: dict[str, list[object]]) -> str | None:
    assert isinstance(before, dict)
    words = ("mode", "owner", "group", "attributes", "content")
    for name in sorted({*before, *now}):
        one, other = before.get(name), now.get(name)
        if one is None or other is None:
            return f"victim {name} {'appeared' if one is None else 'vanished'}"
        if one != other:
            changed = [word for word, old, new in zip(words, one, other, strict=True) if old != new]
            return f"victim {name}: other {', '.join(changed)} (now {other[0]:o} {other[1]}:{other[2]})"
    return None


def gained() -> list[tuple[Path, str]]:
    """What the attacker has in his own places and should not have: set-id bits of others, and secrets he can read."""
    found = []
    tops = [HOME, *Path("/etc").iterdir(), *Path("/var/log").iterdir()]
    for top in [HOME, *(path for path in tops if path.lstat().st_uid == PLAIN and path.is_dir())]:
        for folder, _, names in os.walk(top):
            for name in names:
                path = Path(folder, name)
                with suppress(OSError):
                    status = path.lstat()
                    if not stat.S_ISREG(status.st_mode):
                        continue
                    if status.st_mode & 0o6000 and status.st_uid == 0 and not _is_a_fixture(path):
                        found.append((path, f"{path} is set-id of root, {status.st_mode:o}"))
                    if status.st_uid == PLAIN and status.st_nlink == 1 and status.st_size < 1000:
                        data, owners = path.read_bytes(), [victim.name for victim in VICTIMS.iterdir()]
                        found += [(path, f"{path} holds a secret") for name in owners if secret(name) in data]
    return found


def _is_a_fixture(path: Path) -> bool:
    """Whether it is the set-uid program that root had left there, with root's own bytes."""
    return path.read_bytes() == Path("/bin/true").read_bytes() and "set-id-program-of-his-own" in path.name


def main(words: list[str]) -> None:
    """Do what the words say."""
    command, names = words[0], words[1:]
    if command == "prepare":
        prepare(names)
    elif command == "start":
        start(names)
    elif command == "run":
        run(names[0])
    elif command == "look":
        print(json.dumps(look(names)))
    elif command == "keep":
        remember(names[0], kept())
    elif command == "compare":
        print(json.dumps(differences(remembered(names[0]), kept())))
    else:
        raise SystemExit(f"what is {command}?")
