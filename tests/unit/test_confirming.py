"""Nothing is changed before the operator has agreed to it: at a terminal, by an option, or by a saved plan."""

from __future__ import annotations

import sys
from pathlib import Path

import pexpect
import pytest

from hardener.cli import main
from hardener.errors import ExitCode
from hardener.model import Run, RunKind
from hardener.store import Store
from tests.unit.at_terminal import ILL, record
from tests.unit.builders import healthy
from tests.unit.fleet import Fleet
from tests.unit.test_cli import refused

REHEARSED = ["rehearsed a", "rehearsed b"]
CHANGED = ["changed a", "changed b"]
QUESTION = "Apply this to 2 targets? [y/N] "
SECONDS = 120


class Terminal:
    """A terminal at which hardener is called over four recorded targets: two are ill, one is well, one is dead."""

    def __init__(self, folder: Path) -> None:
        self.log, self.store = folder / "log", folder / "runs"

    def call(self, *words: str) -> pexpect.spawn[str]:
        self.log.write_text("")
        kind = [word for word in words if word == "moves"]
        named = [*(word for word in words if word != "moves"), "-i", "hosts.yml", "--store", str(self.store)]
        program = ["-m", "tests.unit.at_terminal", str(self.log), *kind, *named]
        return pexpect.spawn(sys.executable, program, encoding="utf-8", timeout=SECONDS, dimensions=(60, 200))

    def ended(self, child: pexpect.spawn[str]) -> tuple[int | None, str]:
        """How it ended, and what it said last."""
        said = child.read()
        child.close()
        return child.exitstatus, str(said)

    def answered(self, *words: str, answer: str, question: str = QUESTION) -> tuple[int | None, str, str]:
        """How a command ends, what it showed before its question, and what it said after the answer."""
        child = self.call(*words)
        child.expect_exact(question)
        shown = str(child.before)
        child.sendline(answer)
        return (*self.ended(child), shown)

    @property
    def done(self) -> list[str]:
        """What was done to whom, in its order."""
        return self.log.read_text().splitlines()

    def runs(self) -> list[Run]:
        """All that is kept."""
        store = Store(self.store)
        return [store.load(run.id) for run in store.runs()]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_an_apply_shows_what_it_comes_to_asks_and_does_just_that(terminal: Terminal) -> None:
    code, said, shown = terminal.answered("apply", answer="y")
    assert "a, b:" in shown
    assert "1 change" in shown
    assert "services stopped: 1 (cups.service)" in shown
    assert "services masked: 1 (cups.service)" in shown
    assert "dead:" in shown
    assert "nothing would be done: no route" in shown
    assert "in all, 2 changes on 2 targets; services stopped: 2; services masked: 2" in shown
    assert terminal.done == [*REHEARSED, *REHEARSED, *CHANGED]
    assert code == ExitCode.INCOMPLETE, said
    (run,) = terminal.runs()
    assert [len(result.changes) for result in run.results] == [1, 1, 0, 0]


@pytest.mark.parametrize("answer", ["n", ""], ids=["no", "nothing"])
def test_a_no_changes_and_keeps_nothing(terminal: Terminal, answer: str) -> None:
    code, said, _ = terminal.answered("apply", answer=answer)
    assert (code, terminal.done, terminal.runs()) == (ExitCode.INCOMPLETE, REHEARSED, [])
    assert "nothing was changed" in said


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_an_interruption_of_the_question_is_one(terminal: Terminal, key: str) -> None:
    child = terminal.call("apply")
    child.expect_exact(QUESTION)
    child.send(key)
    code, said = terminal.ended(child)
    assert (code, terminal.done, terminal.runs()) == (ExitCode.INTERRUPTED, REHEARSED, [])
    assert "hardener: interrupted" in said
    assert "Traceback" not in said


def test_what_befell_a_target_while_the_question_stood_is_not_changed_silently(terminal: Terminal) -> None:
    code, said, _ = terminal.answered("moves", "apply", answer="y")
    assert terminal.done[-1] == "changed a"
    assert "changed b" not in terminal.done
    assert "not changed, the approved plan no longer holds: alpha-two fails now" in said
    assert code == ExitCode.INCOMPLETE


def test_a_rollback_shows_what_it_takes_back_and_asks(terminal: Terminal) -> None:
    terminal.answered("apply", answer="y")
    question = f"Take {terminal.runs()[0].id} back on 2 targets? [y/N] "
    code, _, shown = terminal.answered("rollback", "latest", answer="n", question=question)
    assert "services started: 1 (cups.service)" in shown
    assert "services unmasked: 1 (cups.service)" in shown
    assert (code, len(terminal.runs())) == (ExitCode.FINDINGS, 1)
    terminal.answered("rollback", "latest", answer="y", question=question)
    assert [run.kind for run in terminal.runs()] == [RunKind.ROLLBACK, RunKind.APPLY]


# --- without a terminal -----------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Two targets, one of them ill, that commands meet; ``log`` in this directory says what was done to them."""
    fleet = Fleet(a=ILL, well=healthy())
    record(fleet, tmp_path / "log", monkeypatch.setattr)
    monkeypatch.chdir(tmp_path)
    return fleet


WORDS = ["-i", "hosts.yml", "--store", "runs"]


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["apply"], "--yes, or a saved plan with --plan"),
        (["apply", "--resume", "latest"], "--yes, or a saved plan with --plan"),
        (["rollback", "latest"], "--yes"),
        (["rollback", "latest", "--force"], "--yes"),
    ],
    ids=" ".join,
)
def test_where_nobody_can_be_asked_nobody_is_contacted(
    fleet: Fleet, words: list[str], answers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, *words, *WORDS, code=ExitCode.USAGE)
    assert f"there is no terminal to ask at: give {answers} (" in told
    assert (fleet.trips, Path("runs").exists()) == ([], words[0] == "rollback")


@pytest.mark.parametrize("policy", ["ask", "never"])
def test_a_question_that_would_come_later_is_refused_at_once(
    fleet: Fleet, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["apply", "--yes", "--reboot", policy, *WORDS]
    if policy == "ask":
        assert "no terminal to ask at before each restart" in refused(capsys, *words, code=ExitCode.USAGE)
        assert fleet.trips == []
    else:
        assert main(words) == ExitCode.COMPLIANT


@pytest.mark.usefixtures("fleet")
def test_a_yes_beforehand_costs_no_rehearsal() -> None:
    assert main(["apply", "--yes", *WORDS]) == ExitCode.COMPLIANT
    assert Path("log").read_text() == "changed a\n"


def test_where_there_is_nothing_to_do_nothing_is_asked(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    fleet.hosts["a"] = healthy()
    assert main(["apply", *WORDS]) == ExitCode.COMPLIANT
    assert "[y/N]" not in capsys.readouterr().err
    assert not Path("log").exists()


def test_a_saved_plan_answers_and_is_shown(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *WORDS[:2], "-f", "json", "-o", "plan.json"]) == ExitCode.FINDINGS
    capsys.readouterr()
    assert main(["apply", "--plan", "plan.json", *WORDS]) == ExitCode.COMPLIANT
    assert "services stopped: 1 (cups.service)" in capsys.readouterr().err
    assert Path("log").read_text().splitlines() == ["rehearsed a", "rehearsed a", "changed a"]
    assert fleet.keeper("well").calls == []


# --- this machine -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["apply", "--yes"], ["plan"], ["rollback", "latest", "--yes"]], ids=" ".join)
def test_this_machine_is_changed_only_where_it_is_named(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def connector(**_: object) -> object:
        raise AssertionError("nobody may be contacted, and nothing be made ready for it")

    monkeypatch.setattr("hardener.cli.request.connector", connector)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    told = refused(capsys, *words, code=ExitCode.USAGE)
    assert "nothing names a target to change (this machine is -i localhost, -e ansible_connection=local)" in told


def test_an_audit_of_this_machine_by_default_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    look = ["audit", "--controls", "kernel-ipv6-use", "--store", "runs"]
    assert main(look) == ExitCode.COMPLIANT
    assert capsys.readouterr().err.startswith("hardener: localhost: no inventory is named (-i), so this machine is")
    assert main([*look, "-i", "localhost,", "-e", "ansible_connection=local"]) == ExitCode.COMPLIANT
    assert "this machine" not in capsys.readouterr().err


def test_a_limit_names_nobody_whom_the_inventory_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {web: {ansible_host: 192.0.2.1}}}\n")
    options = ["-i", str(tmp_path / "hosts.yml"), "-l", "localhost", "--store", str(tmp_path / "runs")]
    assert "no target matches 'localhost'" in refused(capsys, "apply", "--yes", *options, code=ExitCode.BAD_CONFIG)
