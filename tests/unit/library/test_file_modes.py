"""What the module ``file_modes`` takes from files, and what it leaves alone."""

from __future__ import annotations

import grp
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import ownership
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import sshd
from playbooks.library import file_modes
from tests.unit.library.running import NEEDS_ROOT, STRANGER, run, state, theirs, victim

MODES = some.integers(min_value=0, max_value=0o7777)


def file(mode: int, owner: str = "root", group: str = "root") -> dict[str, Any]:
    return {"mode": mode, "owner": owner, "group": group}


@given(mode=MODES, limit=MODES)
def test_no_bit_is_ever_added_and_none_too_many_is_left(mode: int, limit: int) -> None:
    changed = file_modes.diff({"/f": file(mode)}, {"/f": limit}).get("/f", file(mode))
    assert changed["mode"] & ~mode == 0
    assert changed["mode"] & ~limit == 0


def test_a_stricter_file_is_left_alone() -> None:
    assert file_modes.diff({"/f": file(0o400)}, {"/f": 0o600}) == {}


def test_owner_and_group_become_root_and_the_first_group() -> None:
    changes = file_modes.diff({"/f": file(0o600, "nobody", "users")}, {"/f": 0o600}, groups=("root", "adm"))
    assert changes == {"/f": file(0o600)}


def test_an_accepted_group_stays() -> None:
    assert file_modes.diff({"/f": file(0o640, group="adm")}, {"/f": 0o640}, groups=("root", "adm")) == {}


KEY = "/etc/ssh/ssh_host_rsa_key"
VALUES = yaml.safe_load((roles_directory() / "sshd" / "defaults" / "main.yml").read_text())
SHARED = VALUES["sshd_shared_modes"]["/etc/ssh/ssh_host_*_key"]


@given(
    mode=MODES, owner=some.sampled_from(["root", "sshd"]), group=some.sampled_from(["root", "adm", *SHARED["groups"]])
)
def test_of_a_shared_file_the_role_changes_what_the_audit_complains_of(mode: int, owner: str, group: str) -> None:
    control = catalogue_of([("sshd", sshd.CONTROLS)])["sshd-private-host-keys"]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    seen = {KEY: {"mode": f"{mode:04o}", "owner": owner, "group": group}}
    shared = {KEY: {**SHARED, "mode": file_modes.octal(SHARED["mode"])}}
    changed = file_modes.diff({KEY: file(mode, owner, group)}, {KEY: 0o600}, shared=shared)
    assert bool(changed) == bool(expectation.complaints({"/etc/ssh/ssh_host_*_key": seen}))
    assert changed.get(KEY, {"group": group})["group"] == (group if group in {"root", *SHARED["groups"]} else "root")


@NEEDS_ROOT
def test_only_what_a_pattern_of_shared_files_names_may_be_shared(tmp_path: Path) -> None:
    paths = [loose(tmp_path / name) for name in ("a_key", "b_key.pub")]
    for path in paths:
        os.chown(path, 0, grp.getgrnam("adm").gr_gid)
    shared = {str(tmp_path / "*_key"): {"mode": "0640", "groups": ["adm"]}}
    restricted({tmp_path / "*": "0600"}, shared=shared)
    assert [state(path)[2:] for path in paths] == [(grp.getgrnam("adm").gr_gid, 0o640), (0, 0o600)]


def restricted(patterns: dict[Path, str], *, check: bool = False, **more: Any) -> dict[str, Any]:
    """What the module answers."""
    given = {str(pattern): mode for pattern, mode in patterns.items()}
    return run(file_modes.main, patterns=given, check=check, **more)


def subjects(answer: dict[str, Any]) -> list[str]:
    return [item["subject"] for item in answer["diff"]]


def loose(path: Path) -> Path:
    path.touch()
    path.chmod(0o666)
    return path


def test_patterns_name_regular_files_and_the_stricter_mode_counts(tmp_path: Path) -> None:
    a, b = loose(tmp_path / "a.conf"), loose(tmp_path / "b.conf")
    (tmp_path / "c.conf").mkdir()
    patterns = {tmp_path / "*.conf": "0640", tmp_path / "b*": "0600", tmp_path / "none": "0000"}
    planned = restricted(patterns, check=True)
    assert subjects(planned) == [str(a), str(b), str(tmp_path / "none")]
    assert [item.get("conditional", False) for item in planned["diff"]] == [False, False, True]
    assert (a.stat().st_mode & 0o7777, b.stat().st_mode & 0o7777) == (0o666, 0o666)
    assert restricted(patterns)["diff"] == planned["diff"][:2]
    assert (a.stat().st_mode & 0o7777, b.stat().st_mode & 0o7777) == (0o640, 0o600)
    assert not restricted(patterns)["changed"]


def test_a_pattern_that_ends_with_a_slash_names_directories(tmp_path: Path) -> None:
    (tmp_path / "cron.d").mkdir(mode=0o755)
    loose(tmp_path / "cron.deny")
    answer = run(file_modes.main, patterns={f"{tmp_path}/cron.*/": "0700"})
    assert subjects(answer) == [f"{tmp_path}/cron.d/"]
    assert (tmp_path / "cron.d").stat().st_mode & 0o7777 == 0o700


@NEEDS_ROOT
def test_a_link_is_followed_where_root_has_put_it_and_nowhere_else(tmp_path: Path) -> None:
    one, other, third = loose(tmp_path / "one"), loose(tmp_path / "other"), loose(tmp_path / "third")
    (tmp_path / "a.link").symlink_to(one)
    (tmp_path / "b.link").symlink_to(other)
    os.chown(tmp_path / "b.link", STRANGER, STRANGER, follow_symlinks=False)
    (theirs(tmp_path / "home") / ".link").symlink_to(third)
    answer = restricted({tmp_path / "*.link": "0600", tmp_path / "*/.link": "0600"})
    assert subjects(answer) == [str(tmp_path / "a.link")]
    assert [path.stat().st_mode & 0o7777 for path in (one, other, third)] == [0o600, 0o666, 0o666]
    assert len([text for text in answer["warnings"] if "left alone: a link that is not root's own" in text]) == 2


@NEEDS_ROOT
def test_a_file_with_further_names_is_left_alone_where_others_write_and_told(tmp_path: Path) -> None:
    secret = victim(tmp_path)
    secret.chmod(0o644)
    before = state(secret)
    home = theirs(tmp_path / "home/user")
    os.link(secret, home / ".bashrc")
    os.mkfifo(home / ".profile")
    for check in (True, False):
        answer = restricted({tmp_path / "home/*/.*": "0600"}, check=check)
        assert [item for item in answer["diff"] if not item.get("conditional")] == []
        assert answer["warnings"] == [f"{home}/.bashrc: left alone: a hard link in a directory of somebody else"]
    assert state(secret) == before


@NEEDS_ROOT
@pytest.mark.parametrize("put_there", ["link", "hard link", "directory"])
def test_what_takes_the_place_of_a_file_that_was_looked_at_is_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put_there: str
) -> None:
    secret = victim(tmp_path)
    secret.chmod(0o644)
    before = state(secret)
    home = theirs(tmp_path / "home/user")
    mine = loose(home / "file")
    change = ownership.change

    def swapped(*given: Any) -> None:
        mine.unlink()
        if put_there == "link":
            mine.symlink_to(secret)
        elif put_there == "hard link":
            os.link(secret, mine)
        else:
            home.rename(tmp_path / "moved")
            home.symlink_to(tmp_path)
        change(*given)

    monkeypatch.setattr(file_modes, "change", swapped)
    restricted({home / "file": "0600"})
    assert state(secret) == before


@NEEDS_ROOT
def test_what_root_gets_runs_with_no_rights_of_roots(tmp_path: Path) -> None:
    program = loose(tmp_path / "program")
    os.chown(program, STRANGER, STRANGER)
    program.chmod(0o6755)
    answer = restricted({program: "7777"})
    assert [(item["before"], item["after"]) for item in answer["diff"]] == [("6755 54321 54321", "0755 root root")]
    assert state(program)[1:] == (0, 0, 0o755)


def test_an_unquoted_mode_is_refused_because_yaml_has_read_another_number() -> None:
    assert file_modes.octal("0600") == 0o600
    with pytest.raises(TypeError, match="quote the mode: 384"):
        file_modes.octal(384)
