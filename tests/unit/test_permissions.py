"""What may be taken from a file, and that the audit of logs and the module that closes them agree on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import open_files
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.discovery import catalogue_of
from hardener.catalogue.permissions import READ, WRITE, Holder, Permissions, closed, cut_off, kind_of, used_by
from hardener.content import roles_directory
from hardener.controls import logging
from hardener.controls.logging import files, logs
from playbooks.library import log_files
from tests.unit.controls.recorded import Result
from tests.unit.controls.test_logging import SearchedBelow
from tests.unit.library.running import NEEDS_ROOT, STRANGER, held_open, run

VALUES = yaml.safe_load((roles_directory() / "logging" / "defaults" / "main.yml").read_text())
KINDS = VALUES["logging_files"]
CATALOGUE = catalogue_of([("logging", logging.CONTROLS)])
USERS = {0: "root", 104: "syslog", 111: "postgres", 1000: "app", 65534: "nobody", 4711: "4711"}
GROUPS = {0: "root", 4: "adm", 43: "utmp", 111: "postgres", 1000: "app", 4711: "4711"}
HOLDERS = some.builds(
    Holder,
    some.sampled_from(list(USERS)),
    some.frozensets(some.sampled_from(list(GROUPS)), min_size=1, max_size=3),
    some.sampled_from([READ, WRITE, READ | WRITE]),
)
FILES = some.builds(
    Permissions, some.integers(0, 0o7777), some.sampled_from(list(USERS)), some.sampled_from(list(GROUPS))
)
PATHS = some.sampled_from(["/var/log/x.log", "/var/log/wtmp.1", "/var/log/btmp", "/var/log/apt/y", "/var/log/sssd_a"])


@given(now=FILES, limit=some.integers(0, 0o777), is_known_group=some.booleans())
def test_no_bit_is_added_and_an_unknown_group_keeps_what_it_may(
    now: Permissions, limit: int, is_known_group: bool
) -> None:
    left = closed(now.mode, limit, is_known_group=is_known_group)
    assert left & ~now.mode == 0
    assert left & ~limit & 0o7717 == 0
    assert is_known_group == (left & ~limit == 0) or now.mode & 0o060 & ~limit == 0


@given(now=FILES, mode=some.integers(0, 0o777), holders=some.lists(HOLDERS, max_size=3))
def test_nobody_is_cut_off_where_nothing_is_taken_and_root_never_is(
    now: Permissions, mode: int, holders: list[Holder]
) -> None:
    assert cut_off(now, now.mode | mode, holders) == []
    assert all(holder.uid != 0 for holder in cut_off(now, mode, holders))


def test_a_process_is_in_as_owner_or_as_one_of_the_group_or_as_one_of_all() -> None:
    app = Holder(1000, frozenset({1000, 4}), READ | WRITE)
    assert used_by(app, Permissions(0o666, 1000, 4)) == 0o600
    assert used_by(app, Permissions(0o646, 0, 4)) == 0o040
    assert used_by(app, Permissions(0o662, 0, 0)) == 0o002


@given(some.text(alphabet="abwtmp.jounrl~/*1", min_size=1, max_size=30))
def test_every_path_is_of_a_kind(path: str) -> None:
    assert kind_of(path, files.PATTERNS) == kind_of(path, KINDS)
    assert kind_of(path, KINDS) is not None
    assert kind_of(path, {}) is None


class Told:
    """A host on which one log is found, with those who have it open; nothing is declared there."""

    def __init__(self, line: str) -> None:
        self.line = line

    def run(self, command: str, *_: str, seconds: int | None = None) -> Result:
        del seconds
        return Result(0, f"{self.line}\nended logs 0\nended uses 0\n" if command == logs.SEARCH else "")


def line_of(path: str, now: Permissions, holders: list[Holder]) -> str:
    """What the target prints, as ``logs.SEARCH`` says."""
    uses = sorted(
        f"{item.access}:{item.uid}:{'+'.join(map(str, sorted(item.groups)))}" for item in {*holders} if item.uid
    )
    told = f"{now.mode:#05o} {now.uid} {now.gid} {','.join(uses) or '-'} {USERS[now.uid]}:{GROUPS[now.gid]}:{path}"
    return f"{'open' if now.mode & 0o137 else 'closed'} {told.replace('0o', '0', 1)}"


def said(name: str, line: str) -> Any:
    control = CATALOGUE[f"logging-{name}"]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(Told(line)))


def left_by_the_module(path: str, now: Permissions, holders: list[Holder]) -> Permissions:
    current = {"mode": now.mode, "owner": USERS[now.uid], "group": GROUPS[now.gid]}
    target = log_files.diff(current, KINDS[str(kind_of(path, KINDS))])
    assert (target["owner"], target["group"]) == (current["owner"], current["group"])
    return now if cut_off(now, target["mode"], holders) else now._replace(mode=target["mode"])


@given(path=PATHS, now=FILES, holders=some.lists(HOLDERS, max_size=3))
def test_what_the_audit_says_of_a_log_is_what_the_module_does(
    path: str, now: Permissions, holders: list[Holder]
) -> None:
    before = line_of(path, now, holders)
    left = left_by_the_module(path, now, holders)
    if now.mode & 0o137:
        assert bool(said("files", before)) == (left != now)
    after = line_of(path, left, holders)
    assert not said("files", after), "what a remedy leaves is not for a remedy"
    kind: Mapping[str, Any] = KINDS[str(kind_of(path, KINDS))]
    if left.mode & 0o137 & ~int(kind["mode"], 8):
        assert any(" mode is " in text for text in said("file-owners", after)), "what it leaves is for a person"
    assert not cut_off(now, left.mode, holders)


@NEEDS_ROOT
@pytest.mark.parametrize("way", [os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_RDWR, os.O_PATH])
@pytest.mark.parametrize("owner", [0, STRANGER])
def test_the_audit_and_the_modules_see_the_same_processes(tmp_path: Path, way: int, owner: int) -> None:
    path = tmp_path / "a b\n.log"
    path.touch()
    path.chmod(0o666)
    os.chown(path, owner, 0)
    other = tmp_path / "closed.log"
    other.touch()
    with held_open(path, way, STRANGER, STRANGER + 1), held_open(path, way, 0, 0):
        holders = open_files.OpenFiles().holders(path.stat())
        (log,) = (log for log in logs.logs_of(SearchedBelow(tmp_path)).loose if "a b" in log.path)
        closing = run(log_files.main, path=str(tmp_path), kinds=KINDS, check=True)
    strangers = [holder for holder in holders if holder.uid]
    assert [*log.holders] == strangers
    assert [holder.uid for holder in strangers] == ([] if way == os.O_PATH else [STRANGER])
    is_left = bool(strangers) and owner == 0
    assert bool(closing["warnings"]) == is_left
    assert bool(log.used) == is_left
    assert log.is_written_by_its_owner == (owner == STRANGER and way in {os.O_WRONLY | os.O_APPEND, os.O_RDWR})


@NEEDS_ROOT
def test_a_file_is_known_by_whatever_name_a_process_opened_it(tmp_path: Path) -> None:
    path, inside = tmp_path / "host.log", tmp_path / "elsewhere" / "pod.log"
    inside.parent.mkdir()
    path.touch()
    path.chmod(0o646)
    os.link(path, inside)
    with held_open(inside, os.O_WRONLY, 65534, 65534):
        inside.unlink()
        (log,) = logs.logs_of(SearchedBelow(tmp_path)).loose
        (holder,) = open_files.OpenFiles().holders(path.stat())
    assert [holder] == [*log.holders] == [Holder(65534, frozenset({65534}), WRITE)]


@NEEDS_ROOT
def test_a_process_that_root_may_not_look_at_may_have_every_log_open(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.touch()
    path.chmod(0o644)
    for uid, may_have_it in ((STRANGER, True), (0, False)):
        with held_open(tmp_path, os.O_RDONLY, uid, uid) as process:
            host = SearchedBelow(tmp_path, f"echo 'grep: /proc/{process}/fdinfo/3: Permission denied'")
            (log,) = logs.logs_of(host).loose
        assert log.may_have_more == may_have_it
        assert bool(log.used) == may_have_it
