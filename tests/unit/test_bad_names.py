"""What an operator's files cannot mean is one line with where it stands, and contacts nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardener.cli import main
from hardener.documents import MOST_LEVELS, check_document, read_document
from hardener.errors import ConfigError, ExitCode, InventoryError
from hardener.inventory import Sources, read_targets
from hardener.playbook import _file_name

HOSTS = "all:\n  hosts:\n    web: {{}}\n    {name}: {{}}\n"


def refused(tmp_path: Path, name: str, text: str) -> str:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    with pytest.raises(InventoryError) as caught:
        read_targets(Sources(roles=[], inventories=[str(file)]))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code is ExitCode.BAD_CONFIG
    return str(caught.value)


@pytest.mark.parametrize("name", ["../../x", "a/b", "-oProxyCommand=x", "..", ".x", "a\x1bc", "a\nb", "x" * 256])
def test_a_host_whose_name_is_a_path_an_option_or_no_line_is_refused_where_it_stands(name: str, tmp_path: Path) -> None:
    told = refused(tmp_path, "hosts.yml", HOSTS.format(name=json.dumps(name)))
    assert told.startswith(f"{tmp_path / 'hosts.yml'}:4: ")
    assert "cannot be a host: a name has no slash or control character" in told


@pytest.mark.parametrize("name", ["~.*", "!web", "&web", "@hosts", "web,db"])
def test_a_host_that_ansible_would_take_for_others_is_refused(name: str, tmp_path: Path) -> None:
    told = refused(tmp_path, "hosts.yml", HOSTS.format(name=json.dumps(name)))
    assert told == f"{tmp_path / 'hosts.yml'}:4: {name!r} cannot be a host: Ansible takes it for a pattern"


def test_an_inventory_of_lines_tells_its_line_as_well(tmp_path: Path) -> None:
    assert refused(tmp_path, "hosts", "web\n../../x ansible_host=192.0.2.1\n").startswith(f"{tmp_path / 'hosts'}:2: ")
    assert "'../g' cannot be a group" in refused(tmp_path, "groups", "[../g]\nweb\n")


def test_names_that_sites_have_are_names(tmp_path: Path) -> None:
    names = ["web-1.example.org", "2001:db8::1", "10.0.0.1", "Büro 7", "node_1", "k8s~worker"]
    file = tmp_path / "hosts.yml"
    file.write_text("".join(HOSTS.format(name="x").splitlines(keepends=True)[:2]))
    with file.open("a") as more:
        more.writelines(f"    {json.dumps(name)}: {{}}\n" for name in names)
    assert [item.name for item in read_targets(Sources(roles=[], inventories=[str(file)]))] == names


def test_no_file_is_named_after_a_target() -> None:
    assert _file_name("../../x").count("/") == 0
    assert len({_file_name("web"), _file_name("WEB"), _file_name("../web")}) == 3


DEEP = {
    "flow": ("a: 1\nb: " + "[" * 3000 + "]" * 3000, 2, f"nested more than {MOST_LEVELS} levels deep"),
    "block": ("\n".join(f"{'  ' * level}a:" for level in range(3000)), MOST_LEVELS, "nested more than"),
    "within itself": ("a: 1\nb: &b [*b]\n", 2, "nested more than"),
    "a bomb of aliases": (
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(
            f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]\n"
            for below, name in zip("abcdefg", "bcdefgh", strict=True)
        ),
        None,
        "more than 1000000 items",
    ),
    "an integer of 5,000 digits": ("a: 1\nb: " + "9" * 5000, 2, "not a value of kind int"),
    "a hexadecimal one": ("a: 1\nb: 0x" + "f" * 5000, 2, "not a value of kind int"),
    "a month 13": ("a: 1\nb: 2026-13-01\n", 2, "not a value of kind timestamp"),
    "a list as a key": ("a: 1\n? [b]\n: c\n", 2, "a key is a list or a mapping"),
}
deep = pytest.mark.parametrize(("text", "line", "reason"), DEEP.values(), ids=DEEP)


@deep
@pytest.mark.parametrize("read", [read_document, check_document])
def test_yaml_that_no_program_can_hold_is_one_line(
    read: Callable[[Path], Any], text: str, line: int | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "file.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(file)
    assert reason in str(caught.value)
    assert line is None or str(caught.value).startswith(f"{file}:{line}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["hosts.yml", "hardener.yml", "waivers.yml", "profile.yml", "group_vars/all.yml"])
def test_whatever_file_it_is_in_the_command_ends_with_65(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    web:\n      ansible_host: 192.0.2.1\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / name).write_text(DEEP["flow"][0])
    monkeypatch.chdir(tmp_path)
    options = ["--profile", "profile.yml"] if name == "profile.yml" else []
    assert main(["audit", "-i", "hosts.yml", "--store", str(tmp_path / "runs"), *options]) == ExitCode.BAD_CONFIG
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"{name}:2: nested more than {MOST_LEVELS} levels deep" in told


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema": ' + "9" * 5_000 + "}", '{"a": ' * 100_000])
def test_a_plan_that_is_none_ends_with_65(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.json").write_text(text)
    options = ["-i", "hosts.yml", "--store", str(tmp_path / "runs"), "--plan", str(tmp_path / "plan.json")]
    assert main(["apply", *options]) == ExitCode.BAD_CONFIG
    told = capsys.readouterr().err
    assert told.startswith(f"hardener: {tmp_path / 'plan.json'}:1: not a plan: ")
    assert told.count("\n") == 1
