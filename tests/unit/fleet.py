"""A fleet of recorded targets that keep checkpoints: what the conductor's tests steer."""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from hardener.conductor import ApplySettings, Conductor, Rollout, Stages
from hardener.errors import TransportError, Unreachable
from hardener.model import Answer, Change, Connection, Question, Target, TargetResult
from hardener.playbook import Outcome as PlaybookOutcome
from hardener.playbook import PlaybookRun
from hardener.transport import Session
from hardener.transport.recorded import RecordedTransport
from tests.unit.builders import answer, selection, target

RUN = "20261121T040000Z-0000"


class Fleet:
    """Targets by name: a recording, or the error that meets whoever connects. Counts connections and trips."""

    def __init__(self, **hosts: dict[str, Answer] | TransportError) -> None:
        self.hosts = hosts
        self.trips: list[tuple[str, int]] = []
        self.keepers: dict[str, Keeper] = {}
        self.commands: dict[str, int] = {}
        """Commands of the operator's, run on this machine → their exit status."""
        self.ran: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, connection: Connection) -> FleetTransport:
        if connection.kind == "local":
            return FleetTransport(self, "localhost", {})
        host = self.hosts[connection.host]
        if isinstance(host, TransportError):
            raise host
        return FleetTransport(self, connection.host, host)

    def keeper(self, name: str) -> Keeper:
        """What keeps the checkpoints of a target."""
        return self.keepers.setdefault(name, Keeper())


@dataclass
class Keeper:
    """The checkpoint program of one target, as far as the controller can see it."""

    status: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    holder: dict[str, Any] | None = None
    refuses: dict[str, str] = field(default_factory=dict)
    """Command → what it says when it fails."""
    meets: dict[str, Callable[[], object]] = field(default_factory=dict)
    """Command → what happens before it is answered."""
    rollback: dict[str, Any] = field(default_factory=lambda: {"undone": [], "conflicts": [], "left": []})
    left: list[str] = field(default_factory=list)
    """What does not come back before another try."""
    words: list[str] = field(default_factory=list)
    unkept: dict[str, str] = field(default_factory=dict)
    heartbeats: list[float] = field(default_factory=list)
    """For how long each put the guard's moment off, in seconds."""

    def answer(self, words: Sequence[str]) -> Answer:
        """What the program answers."""
        command, run, *rest = words
        self.calls.append(command)
        self.words = [*words]
        self.meets.get(command, lambda: None)()
        if command in self.refuses:
            return Answer(exit_status=1, stderr=f"hardener: {self.refuses[command]}\n".encode())
        if command == "take":
            if self.holder is not None:
                return answer(json.dumps({"locked_by": self.holder}))
            self.status = {"run": run, "operator": rest[0], "state": "armed", "reason": ""}
            return answer(json.dumps({"state": "armed", "unkept": self.unkept}))
        if command == "release" and self.status["state"] == "armed":
            self.status["state"] = "released"
        if command == "begin-again" and self.left:
            self.status |= {"state": "restored", "reason": rest[0], "left": self.left}
        if command == "restore" and self.status["state"] == "armed":
            self.status |= {"state": "restored", "reason": rest[0], "left": []}
        return answer(json.dumps(self.rollback if command == "rollback" else self.status))


class FleetTransport(RecordedTransport):
    """A recording that tells the fleet of every trip."""

    def __init__(self, fleet: Fleet, name: str, answers: Mapping[str, Answer]) -> None:
        super().__init__(answers)
        self.fleet, self.name = fleet, name

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        command = questions[0].command
        if self.name == "localhost":
            self.fleet.ran.append(command)
            return {command: Answer(exit_status=self.fleet.commands[command], stderr=b"no quorum\n")}
        if "/program.pyz" in command:
            if isinstance(self.fleet.hosts[self.name], TransportError):
                raise Unreachable("the connection was lost")
            words = shlex.split(command.rpartition("program.pyz")[2].lstrip("'"))
            return {command: self.fleet.keeper(self.name).answer(words)}
        with self.fleet.lock:
            self.fleet.trips.append((self.name, len(questions)))
        return super().ask(questions)

    @contextmanager
    def session(self, program: str) -> Iterator[Session]:
        """The heartbeats of a run."""
        assert "/state" in program
        yield Heartbeats(self.fleet, self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


@dataclass
class Heartbeats:
    """What answers the heartbeats of a target, as long as it is reached."""

    fleet: Fleet
    name: str

    def exchange(self, line: str, seconds: float) -> str:  # noqa: ARG002  (time is the test's)
        if isinstance(self.fleet.hosts[self.name], TransportError):
            raise Unreachable("the connection was lost")
        keeper = self.fleet.keeper(self.name)
        keeper.heartbeats.append(float(line))
        keeper.meets.get("heartbeat", lambda: None)()
        return str(keeper.status["state"])


class Watched:
    """Progress that remembers who is done."""

    def __init__(self) -> None:
        self.finished: list[tuple[str, str | None]] = []
        self.steps: list[tuple[str, str]] = []
        self.warnings: list[tuple[str, str]] = []

    def begin(self, title: str, targets: int) -> None:
        pass

    def step(self, target: str, text: str) -> None:
        self.steps.append((target, text))

    def warn(self, target: str, text: str) -> None:
        self.warnings.append((target, text))

    def done(self, target: str, problem: str | None) -> None:
        self.finished.append((target, problem))


class Playbook:
    """A playbook that repairs recorded targets, or fails on them."""

    def __init__(
        self,
        fleet: Fleet,
        repaired: dict[str, Answer] | TransportError,
        problem: str | None = None,
        meanwhile: Callable[[], None] = lambda: None,
        failing: Sequence[str] = (),
        left_as_is: Sequence[str] = (),
    ) -> None:
        self.fleet, self.repaired, self.problem, self.meanwhile = fleet, repaired, problem, meanwhile
        self.failing = failing
        """Roles that fail where they are run, all others having done their work."""
        self.left_as_is = left_as_is
        """What it warns of on every target."""
        self.runs: list[PlaybookRun] = []

    def __call__(self, run: PlaybookRun) -> Mapping[str, PlaybookOutcome]:
        self.runs.append(run)
        self.meanwhile()
        for name in run.variables:
            self.fleet.hosts[name] = self.repaired
        return {name: self.outcome(variables["hardening_roles"]) for name, variables in run.variables.items()}

    def outcome(self, roles: Sequence[str]) -> PlaybookOutcome:
        """What comes of a target with these roles."""
        role = next((role for role in roles if role in self.failing), "")
        problem = f"Write: {role} is broken" if role else self.problem
        changes = [Change(role=roles[0], task="Write", module="keyed_file", subject="/etc/x")]
        left = [*self.left_as_is]
        return PlaybookOutcome(changes=changes, tasks=4, left_as_is=left, problem=problem, failed_role=role)


def conductor(fleet: Fleet, **changes: Any) -> Conductor:
    """A conductor over a fleet."""
    return Conductor(**{"selection": selection(), "connect": fleet, "progress": Watched(), "workers": 1, **changes})


def targets(*names: str) -> list[Target]:
    """Targets of these names."""
    return [target(name) for name in names]


def settings(playbook: Playbook, **changes: Any) -> ApplySettings:
    """How to apply, with a recorded playbook."""
    return ApplySettings(**{"inventories": ["hosts.yml"], "playbook": playbook, "operator": "ann", **changes})


def applied(
    chosen: Conductor, hosts: Sequence[Target], how: ApplySettings, **stages: Any
) -> tuple[Sequence[TargetResult], Sequence[TargetResult]]:
    """The results before and after an apply."""
    rollout = Rollout(chosen, how, Stages(**{"pause": lambda _seconds: None, **stages}), RUN, hosts)
    rollout.go()
    return rollout.results()
