"""What others own is never given away, never gets rights back, and is left with them; root's own comes back whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hardener.checkpoint import file_restore, files, mount_table, state

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others, which only root can")
STRANGER = 54321
ORPHAN = 165536
"""The first of the subordinate uids that Debian gives the first user: nobody's name."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with a user, and a service that owns a directory below /etc."""
    tmp_path.chmod(0o755)
    for name, owner in {"etc": 0, "etc/service": STRANGER, "home": 0, "home/user": STRANGER, "usr/bin": 0}.items():
        (tmp_path / name).mkdir(mode=0o755, parents=True)
        os.chown(tmp_path / name, owner, owner)
    return tmp_path


class Kept:
    """A checkpoint of the files of a system."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / "contents"
        with self.path.open("wb") as contents:
            self.before = files.capture(contents, root=str(root))

    def differing(self, now: Mapping[str, Any]) -> list[str]:
        """What a restore would bring back."""
        return [name for _, name in state.differing({"files": self.before}, {"files": dict(now)})]

    def restored(self) -> list[str]:
        """Bring everything back; what could not be."""
        now = files.capture(root=str(self.root))
        wanted = {path: self.before.get(path) for path in self.differing(now)}
        return file_restore.restore(wanted, now, files.Contents(self.path), root=str(self.root))


def owner_and_mode(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_uid, stat.S_IMODE(status.st_mode)


def give(path: Path, owner: int, mode: int) -> None:
    os.chown(path, owner, owner)
    path.chmod(mode)


def test_a_set_id_file_that_came_since_and_is_nobodys_stays_what_it_is(root: Path) -> None:
    kept = Kept(root)
    program = root / "home/user/program"
    program.write_text("#!/bin/sh")
    give(program, ORPHAN, 0o4755)
    assert kept.restored() == []
    assert owner_and_mode(program) == (ORPHAN, 0o4755)
    now = files.capture(root=str(root))
    assert files.ownerless(kept.before, now) == [f"/home/user/program (owner {ORPHAN}:{ORPHAN})"]


def test_what_a_service_makes_in_its_own_directory_stays_its_own(root: Path) -> None:
    kept = Kept(root)
    state_file = root / "etc/service/state"
    state_file.write_text("x")
    give(state_file, STRANGER, 0o600)
    assert kept.restored() == []
    assert owner_and_mode(state_file) == (STRANGER, 0o600)


def test_what_a_run_left_in_the_directory_of_a_service_goes(root: Path) -> None:
    kept = Kept(root)
    (root / "etc/service/of-root").write_text("x")
    assert kept.restored() == []
    assert not (root / "etc/service/of-root").exists()


def test_another_file_of_the_same_name_gets_no_attributes_where_others_can_put_it(root: Path) -> None:
    profile = root / "home/user/.profile"
    profile.write_text("x")
    give(profile, STRANGER, 0o666)
    kept = Kept(root)
    os.chown(profile, 0, 0)
    now = files.capture(root=str(root))
    profile.rename(root / "home/user/elsewhere")
    secret = root / "home/user/.profile"
    secret.write_text("of root")
    secret.chmod(0o600)
    wanted = {"/home/user/.profile": kept.before["/home/user/.profile"]}
    (problem,) = file_restore.restore(wanted, now, files.Contents(kept.path), root=str(root))
    assert "another one than at the checkpoint" in problem
    assert owner_and_mode(secret) == (0, 0o600)


def test_the_very_file_gets_its_owner_and_mode_back(root: Path) -> None:
    profile = root / "home/user/.profile"
    profile.write_text("x")
    give(profile, STRANGER, 0o644)
    kept = Kept(root)
    give(profile, 0, 0o600)
    assert kept.restored() == []
    assert owner_and_mode(profile) == (STRANGER, 0o644)


def test_set_id_bits_are_given_back_to_the_file_that_had_them_and_to_no_other(root: Path) -> None:
    for name in ("same", "another"):
        (root / "usr/bin" / name).write_text("#!")
        (root / "usr/bin" / name).chmod(0o4755)
    kept = Kept(root)
    (root / "usr/bin/same").chmod(0o755)
    (root / "usr/bin/keep").write_text("so that no inode is used again")
    (root / "usr/bin/another").rename(root / "usr/bin/old")
    (root / "usr/bin/another").write_text("#!")
    (root / "usr/bin/another").chmod(0o700)
    (problem,) = kept.restored()
    assert problem.startswith("/usr/bin/another: set-id bits and capabilities are not given back")
    assert owner_and_mode(root / "usr/bin/same") == (0, 0o4755)
    assert owner_and_mode(root / "usr/bin/another") == (0, 0o755)


def test_a_users_own_set_id_file_keeps_its_bits_when_only_its_permissions_come_back(root: Path) -> None:
    program = root / "home/user/program"
    program.write_text("#!")
    give(program, STRANGER, 0o4755)
    kept = Kept(root)
    program.chmod(0o4700)
    assert kept.restored() == []
    assert owner_and_mode(program) == (STRANGER, 0o4755)


@pytest.mark.parametrize("planted", ["link", "hard link", "fifo"])
def test_what_was_put_in_place_of_a_file_is_not_touched(root: Path, planted: str) -> None:
    victim = root / "etc/shadow"
    victim.write_text("secret")
    victim.chmod(0o600)
    conf = root / "etc/service/conf"
    conf.write_text("mine")
    give(conf, STRANGER, 0o666)
    kept = Kept(root)
    conf.unlink()
    if planted == "link":
        conf.symlink_to(victim)
        os.chown(conf, STRANGER, STRANGER, follow_symlinks=False)
    elif planted == "hard link":
        os.link(victim, conf)
    else:
        os.mkfifo(conf)
        os.chown(conf, STRANGER, STRANGER)
    kept.restored()
    assert owner_and_mode(victim) == (0, 0o600)
    assert victim.read_text() == "secret"


def test_a_hard_link_is_not_read_into_a_checkpoint(root: Path) -> None:
    (root / "etc/shadow").write_text("secret")
    os.link(root / "etc/shadow", root / "etc/service/planted")
    kept = Kept(root)
    assert "sha256" not in kept.before["/etc/service/planted"]


def test_a_directory_is_complete_before_its_owner_can_enter_it(root: Path) -> None:
    (root / "etc/service/inner").mkdir()
    (root / "etc/service/inner/conf").write_text("x")
    for path in (root / "etc/service/inner", root / "etc/service/inner/conf"):
        give(path, STRANGER, 0o755)
    kept = Kept(root)
    (root / "etc/service/inner/conf").unlink()
    (root / "etc/service/inner").rmdir()
    (root / "etc/service").rmdir()
    assert kept.restored() == []
    assert owner_and_mode(root / "etc/service") == (STRANGER, 0o755)
    assert owner_and_mode(root / "etc/service/inner/conf") == (STRANGER, 0o755)


def test_what_cannot_be_looked_at_costs_a_line_and_nothing_else(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "etc/issue").write_text("old")
    (root / "home/user/mnt").mkdir()
    monkeypatch.setattr(mount_table, "file_systems", lambda: {"/home/user/mnt": "fuse.sshfs", "/etc/service": "nfs4"})
    kept = Kept(root)
    assert files.unseen(kept.before) == {
        "/etc/service": "a file system of type nfs4",
        "/home/user/mnt": "a file system of type fuse.sshfs",
    }
    monkeypatch.setattr(mount_table, "file_systems", dict)
    (root / "etc/service/came-to-light").write_text("x")
    (root / "etc/issue").write_text("new")
    assert kept.restored() == []
    assert (root / "etc/issue").read_text() == "old"
    assert (root / "etc/service/came-to-light").exists(), "it may have been there all the time"


def test_a_file_system_of_roots_own_is_looked_into(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mount_table, "file_systems", lambda: {"/home/user": "ext4", "/home/user/mine": "tmpfs"})
    (root / "home/user/mine").mkdir()
    seen = Kept(root).before
    assert seen["/home/user"]["type"] == "directory"
    assert seen["/home/user/mine"]["type"] == files.UNSEEN, "whoever can mount there can mount anything"


def test_who_fills_his_directory_fills_no_checkpoint(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_NAMES", 3)
    for number in range(5):
        (root / f"home/user/{number}").touch()
        (root / f"etc/{number}").touch()
    seen = Kept(root).before
    assert seen["/home/user"] == {"type": "unseen", "why": "more than 3 names in a directory of somebody else"}
    assert "/etc/4" in seen


def test_an_entry_that_vanishes_meanwhile_is_no_entry(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hardener.checkpoint.secure_files import Directory  # noqa: PLC0415

    listed = Directory.names
    monkeypatch.setattr(Directory, "names", lambda self, most=None: [*listed(self, most), "gone"])
    assert not [path for path in Kept(root).before if path.endswith("/gone")]


def with_account(root: Path, uid: int) -> None:
    (root / "etc/passwd").write_text(f"root:x:0:0::/root:/bin/sh\nbrought:x:{uid}:{uid}::/:/bin/false\nbroken:x\n")


def test_what_an_account_left_that_the_run_brought_goes_with_it_or_becomes_roots(root: Path) -> None:
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    kept = Kept(root)
    with_account(root, 993)
    for path in (root / "etc/brought", root / "var/log/brought"):
        path.mkdir(parents=True)
        (path / "file").write_text("x")
        give(path / "file", 993, 0o6755)
        give(path, 993, 0o755)
    now = files.capture(root=str(root))
    assert files.accounts(now) == {0, 993}
    assert "/etc/brought/file" in kept.differing(now), "the run's own, and not another's"
    assert kept.restored() == []
    assert not (root / "etc/brought").exists()
    after = files.capture(root=str(root))
    assert file_restore.inherit(kept.before, after, {993}, root=str(root)) == []
    assert owner_and_mode(root / "var/log/brought") == (0, 0o755)
    assert owner_and_mode(root / "var/log/brought/file") == (0, 0o755)


def test_nobody_inherits_what_belongs_to_others(root: Path) -> None:
    kept = Kept(root)
    log = root / "var/log/theirs"
    log.parent.mkdir(parents=True)
    log.write_text("x")
    give(log, ORPHAN, 0o4755)
    assert file_restore.inherit(kept.before, files.capture(root=str(root)), {993}, root=str(root)) == []
    assert owner_and_mode(log) == (ORPHAN, 0o4755)
