"""The command line: help that helps, refusals of one line, and the documented exit codes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.core import TyperGroup
from typer.main import get_group

import hardener
from hardener.cli import app, main
from hardener.cli.options import deliver
from hardener.errors import ExitCode
from hardener.store import Store


def commands(group: TyperGroup, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command below a group."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*prefix, name))
        else:
            yield (*prefix, name)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: ExitCode) -> str:
    """The one line on stderr of a command that must not succeed, and that prints no result."""
    assert main(arguments) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1, told.err
    assert told.err.startswith("hardener: ")
    return told.err


@pytest.mark.parametrize("words", list(commands(get_group(app))), ids=" ".join)
def test_every_command_explains_itself_with_an_example(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == ExitCode.COMPLIANT
    assert f"Example: hardener {' '.join(words)}" in " ".join(capsys.readouterr().out.split())


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == ExitCode.COMPLIANT
    assert capsys.readouterr().out == f"hardener {hardener.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["audit", "--nonsense"], "No such option"),
        (["nonsense"], "No such command"),
        (["audit", "-f", "papyrus"], "'papyrus' is not one of table"),
        (["plan", "-f", "papyrus"], "'papyrus' is not one of table, json"),
        (["lab", "down"], "name a node, or give --all"),
        (["audit", "--workers", "many"], "--workers"),
        (["audit", "--transport", "telnet"], "'telnet' is not one of"),
    ],
)
def test_wrong_words_are_usage_errors(arguments: list[str], cause: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cause in refused(capsys, *arguments, code=ExitCode.USAGE)


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """An inventory of one host that nothing here may contact."""
    file = tmp_path / "hosts.yml"
    file.write_text("all:\n  hosts:\n    node:\n      ansible_host: 192.0.2.1\n")
    return file


@pytest.mark.parametrize(
    ("variables", "where", "cause"),
    [
        ("sshd_options:\n  maxauthtries: 50\n", 2, "sshd_options.maxauthtries is 50, acceptable is "),
        ("sshd_options:\n  maxauthtries: four\n", 2, "sshd_options.maxauthtries is of type str, expected int"),
        ("pam_faillock:\n  deny: 50\n", 2, "pam_faillock.deny is 50, acceptable is 1 to 5"),
        ("time_choice:\n  daemon: [timesyncd, chrony]\n", 2, "time_choice.daemon is of type list, expected str"),
        ("time_choice:\n  daemon: ntpdate\n", 2, "time_choice.daemon is ntpdate, acceptable is timesyncd or chrony"),
        ("firewall_ssh:\n  networks: []\n", 2, "firewall_ssh.networks lists nothing, acceptable is a list of networks"),
        ("firewall_ssh:\n  networks: [10.0.0.0/40]\n", 2, "firewall_ssh.networks '10.0.0.0/40' does not appear to be"),
        ("services_listening:\n  allowed: [tcp/22]\n", 2, "services_listening.allowed has 'tcp/22'"),
        ("sshd_options: none\n", 1, "no value for sshd_options."),
        ("sshd_options:\n  banner: '{{ nowhere }}'\n", 2, "'nowhere' is undefined"),
        ("a: 1\na: 2\n", 2, "uplicate"),
    ],
)
def test_a_wrong_value_is_refused_with_its_file_and_line(
    inventory: Path, variables: str, where: int, cause: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = inventory.parent / "group_vars" / "all.yml"
    file.parent.mkdir()
    file.write_text(variables)
    words = ["audit", "-i", str(inventory), "-p", "beyond-cis", "--store", str(tmp_path / "runs")]
    told = refused(capsys, *words, code=ExitCode.BAD_CONFIG)
    assert f"{file}:{where}: " in told
    assert cause in told


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["-i", "nowhere.yml"], "nowhere.yml: no such file"),
        (["-p", "nonsense"], "nonsense: no profile 'nonsense'; there are beyond-cis, cis-level1, cis-level2"),
        (["--controls", "nonsense-*"], "--controls: no control is called 'nonsense-*'"),
        (["-l", "nowhere"], "no target matches 'nowhere'"),
    ],
)
def test_what_does_not_exist_is_named(
    inventory: Path, arguments: list[str], cause: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    chosen = ["-i", str(inventory), *arguments] if arguments[0] != "-i" else arguments
    told = refused(capsys, "audit", *chosen, "--store", str(tmp_path / "runs"), code=ExitCode.BAD_CONFIG)
    assert cause in told


def test_an_apply_of_what_is_no_plan_contacts_nobody(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.json").write_text('{\n  "schema": \n')
    options = ["-i", str(inventory), "--store", str(tmp_path / "runs"), "--plan", str(tmp_path / "plan.json")]
    told = refused(capsys, "apply", *options, code=ExitCode.BAD_CONFIG)
    assert told.splitlines() == [f"hardener: {tmp_path / 'plan.json'}:3: not a plan: Expecting value"]


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "runs"
    Store(file)
    with create_engine(f"sqlite:///{file}").begin() as connection:
        connection.execute(text("UPDATE schema_version SET version = 99"))
    assert "written by a later version" in refused(capsys, "audit", "--store", str(file), code=ExitCode.BAD_CONFIG)


def test_a_store_that_cannot_be_written_is_found_before_any_target_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    told = refused(capsys, "audit", "--store", str(tmp_path / "file" / "runs"), code=ExitCode.BAD_CONFIG)
    assert str(tmp_path / "file" / "runs") in told


def test_an_audit_of_this_machine_is_kept_listed_and_told_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(tmp_path / "runs")]
    assert main(["audit", "--controls", "kernel-ipv6-use", *store]) == ExitCode.COMPLIANT
    assert "1 for a person" in capsys.readouterr().out
    assert main(["runs", "list", *store]) == ExitCode.COMPLIANT
    assert "cis-level1" in capsys.readouterr().out
    assert main(["report", "-f", "json", *store, "-o", str(tmp_path / "run.json")]) == ExitCode.COMPLIANT
    assert json.loads((tmp_path / "run.json").read_text())["schema"] == "hardener-run/1"


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(tmp_path / "runs")]
    main(["audit", "--controls", "kernel-ipv6-use", *store])
    capsys.readouterr()
    told = refused(capsys, "report", *store, "-o", str(tmp_path / "no" / "file"), code=ExitCode.BAD_CONFIG)
    assert "No such file or directory" in told


def test_a_report_is_written_to_a_pipe_and_does_not_replace_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    deliver("told\n", pipe)
    assert (os.read(reader, 100), pipe.is_fifo()) == (b"told\n", True)
    os.close(reader)


def test_the_catalogue_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controls", "list", "sshd-*", "-p", "cis-level1"]) == ExitCode.COMPLIANT
    assert "sshd-permitrootlogin" in capsys.readouterr().out
    assert main(["controls", "show", "sshd-permitrootlogin"]) == ExitCode.COMPLIANT
    assert "5.1.20" in capsys.readouterr().out
    assert "nonsense: no control" in refused(capsys, "controls", "show", "nonsense", code=ExitCode.BAD_CONFIG)
