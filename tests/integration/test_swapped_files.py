"""Whoever owns a directory swaps what is in it, between every two system calls of a look, a restore and an adoption."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardener.checkpoint import file_restore, files, state
from hardener.checkpoint.secure_files import LARGEST
from tests.attacks import swaps
from tests.attacks.swaps import ATTACKER, IS_ROOT, ORPHAN, SECRET, Swap, Victims
from tests.attacks.tracing import Swept, sweep

PROGRAM = b"#!/bin/sh\n"
ANYBODY_READS = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in [(1, 6, 0xFFFFFFFF), (2, 4, ATTACKER), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
)
"""A POSIX access control list as the kernel keeps it: the attacker may read."""
MAY_ALL = struct.pack("<5I", 0x02000001, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0)
"""All capabilities of a file, as the kernel keeps them."""
needs_root = pytest.mark.skipif(not IS_ROOT, reason="two accounts are needed, and only root can be both")


Tree = Mapping[str, bytes | str | None]
"""Path below the root → content of a file, target of a link, ``None`` for a directory."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some of a tree, ``before`` a run and ``after`` it; a restore has to bring ``before`` back, and modes besides.

    All below ``own`` belongs to the attacker, but for what ``and_then`` makes of it, with root's rights.
    """

    own: str
    before: Tree
    after: Tree
    and_then: Callable[[Path], None] | None = None
    is_same: bool = True
    """Whether a file that is there before and after is the very same one."""


def readable_by_a_list(root: Path) -> None:
    if IS_ROOT and (root / "home/user/.profile").stat().st_size == len(b"own"):
        os.setxattr(root / "home/user/.profile", "system.posix_acl_access", ANYBODY_READS)


def of_a_subordinate_user(root: Path) -> None:
    for path in (root / "home/user").iterdir():
        os.chown(path, ORPHAN, ORPHAN if IS_ROOT else -1, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o4755)


def set_id_of_root(root: Path) -> None:
    path = root / "home/user/tool"
    if path.read_bytes() == PROGRAM:
        os.chown(path, 0, 0)
        path.chmod(0o4755)


def capable(root: Path) -> None:
    path = root / "home/user/tool"
    if path.read_bytes() == PROGRAM:
        os.chown(path, 0, 0)
        os.setxattr(path, "security.capability", MAY_ALL)


CONFIGURATION = Part("etc/app", {"etc/app/conf": b"old"}, {"etc/app/conf": b"new"})
DEEPER = Part("etc/app", {"etc/app/sub/conf": b"old"}, {"etc/app/sub/conf": b"new"})
GONE = Part("etc/app", {"etc/app/sub/deep/conf": b"old"}, {"etc/app/sub": None})
CAME = Part("etc/app", {"etc/app/sub": None}, {"etc/app/sub/conf": b"new"})
LINKED = Part("etc/app", {"etc/app/sub/link": "one"}, {"etc/app/sub/link": "two"})
HOME = Part("home/user", {"home/user/.profile": b"own"}, {"home/user/.profile": b"own, longer"})
LISTED = Part("home/user", HOME.before, HOME.after, readable_by_a_list)
FOLDER = Part("home/user", {"home/user/.ssh": None}, {"home/user/.ssh": None})
LOGS = Part("var/log/app", {"var/log/app/sub/conf": b"line"}, {"var/log/app/sub/conf": b"line, line"})
SUBORDINATE = Part("home/user", {}, {"home/user/left": PROGRAM}, of_a_subordinate_user)
POINTING = Part("home/user", {}, {"home/user/left": "../../../victims/shadow"}, of_a_subordinate_user)
SET_ID = Part(
    "home/user", {"home/user/tool": PROGRAM}, {"home/user/tool": b"#!/bin/his own"}, set_id_of_root, is_same=False
)
CAPABLE = Part("home/user", {"home/user/tool": PROGRAM}, {"home/user/tool": b"#!/bin/his own"}, capable, is_same=False)

FILE_SWAPS: Mapping[str, Callable[[Path, Victims], None]] = {
    "a link to a file of root's": swaps.a_link_to_a_file,
    "a link to a device": swaps.a_link_to_a_device,
    "a pipe": swaps.a_pipe,
    "nothing": swaps.nothing,
    "a directory": swaps.a_directory,
    "a set-id program of his own": swaps.a_program_of_his_own,
}
CASES: dict[str, tuple[Part, Swap]] = {
    f"{what} becomes {name}": (part, Swap(place, put))
    for what, part, place in [
        ("a service's configuration", CONFIGURATION, "etc/app/conf"),
        ("a file in a home", HOME, "home/user/.profile"),
        ("a log", LOGS, "var/log/app/sub/conf"),
    ]
    for name, put in FILE_SWAPS.items()
}
CASES |= {
    f"the directory of {what} becomes a link to one of root's": (part, Swap(place, swaps.a_link_to_a_directory))
    for what, part, place in [
        ("a changed file", DEEPER, "etc/app/sub"),
        ("a file that has gone", GONE, "etc/app/sub"),
        ("a file that came", CAME, "etc/app/sub"),
        ("a link", LINKED, "etc/app/sub"),
        ("keys in a home", FOLDER, "home/user/.ssh"),
        ("logs", LOGS, "var/log/app/sub"),
    ]
}
CASES |= {
    f"what a subordinate user left becomes {name}": (SUBORDINATE, Swap("home/user/left", put))
    for name, put in FILE_SWAPS.items()
    if put in {swaps.a_link_to_a_file, swaps.a_program_of_his_own}
}
CASES["a file with a list of readers becomes a link to a file of root's"] = (
    LISTED,
    Swap("home/user/.profile", swaps.a_link_to_a_file),
)
CASES |= {
    f"{what} becomes a hard link to a file of root's": (part, Swap(place, swaps.a_hard_link, by_root=True))
    for what, part, place in [
        ("a service's configuration", CONFIGURATION, "etc/app/conf"),
        ("a file in a home", HOME, "home/user/.profile"),
        ("a log", LOGS, "var/log/app/sub/conf"),
        ("what a subordinate user left", SUBORDINATE, "home/user/left"),
    ]
}
LOOKS = {name: case for name, case in CASES.items() if case[0] in {CONFIGURATION, DEEPER}}
"""Where contents are kept: what is read through a swapped path would come back as somebody's own file."""
AT_REST = {
    "a set-id program of a subordinate user": SUBORDINATE,
    "a link of a subordinate user to a file of root's": POINTING,
    "a program of his own in the place of a set-id program": SET_ID,
    "a program of his own in the place of one with capabilities": CAPABLE,
}
"""What wins without any race, simply by being there when a restore comes."""


@dataclass
class Stage:
    """A private tree with an attacker in it, and the victims beside it."""

    folder: Path
    part: Part

    def __post_init__(self) -> None:
        self.root, self.kept = self.folder / "root", self.folder / "contents"
        names = ("conf", "link", ".profile")
        self.victims = Victims(self.folder / "victims", names)
        self._plant(self.part.before, 0o640)
        with self.kept.open("wb") as contents:
            self.wanted = files.capture(contents, root=str(self.root))

    def prepare(self) -> None:
        self.victims.make()
        self._plant(self.part.after, 0o600)
        if self.part.is_same:
            for path, entry in self.wanted.items():
                with suppress(FileNotFoundError):
                    entry["inode"] = (self.root / path[1:]).lstat().st_ino

    def _plant(self, tree: Tree, mode: int) -> None:
        with suppress(FileNotFoundError):
            shutil.rmtree(self.root)
        own = self.root / self.part.own
        own.mkdir(parents=True)
        for name, content in tree.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir(exist_ok=True)
                path.chmod(mode | 0o111)
            elif isinstance(content, str):
                path.symlink_to(content)
            else:
                path.write_bytes(content)
                path.chmod(mode)
        for path in (own, *own.rglob("*")):
            os.chown(path, ATTACKER, ATTACKER if IS_ROOT else -1, follow_symlinks=False)
        own.chmod(0o755)
        if self.part.and_then is not None:
            self.part.and_then(self.root)

    def restore(self) -> None:
        """What a guard and a rollback do."""
        now = files.capture(known=self.wanted, root=str(self.root))
        missing = state.differing({"files": self.wanted}, {"files": now})
        changed = {path: self.wanted.get(path) for _, path in missing}
        file_restore.restore(changed, now, files.Contents(self.kept), root=str(self.root))

    def look(self) -> None:
        """What a checkpoint does."""
        with self.kept.open("wb") as contents:
            files.capture(contents, root=str(self.root))

    def check(self) -> str | None:
        if lost := self.victims.harmed() or swaps.gained(self.root):
            return lost
        return "a file of root's is kept as somebody's" if SECRET in self.kept.read_bytes() else None

    def sweep(self, swap: Swap, action: Callable[[], None], *, for_a_moment: bool) -> Swept:
        """Attack everywhere; ``for_a_moment``: and take it back after one system call."""
        return sweep(
            action,
            lambda: swap.make(self.root, self.victims),
            self.check,
            prepare=self.prepare,
            undo=(lambda: swap.undo(self.root)) if for_a_moment else None,
        )


@pytest.fixture
def stage() -> Iterator[Callable[[Part], Stage]]:
    with swaps.ground() as folder:
        yield lambda part: Stage(folder, part)


@pytest.mark.parametrize("for_a_moment", [False, True], ids=["for good", "for a moment"])
@pytest.mark.parametrize("case", CASES)
def test_nothing_swapped_during_a_restore_wins(stage: Callable[[Part], Stage], case: str, for_a_moment: bool) -> None:
    part, swap = CASES[case]
    made = stage(part)
    done = made.sweep(swap, made.restore, for_a_moment=for_a_moment)
    assert done.made
    if done.wins:
        pytest.fail(str(done), pytrace=False)


@pytest.mark.parametrize("for_a_moment", [False, True], ids=["for good", "for a moment"])
@pytest.mark.parametrize("case", LOOKS)
def test_nothing_swapped_while_a_checkpoint_is_taken_wins(
    stage: Callable[[Part], Stage], case: str, for_a_moment: bool
) -> None:
    part, swap = LOOKS[case]
    made = stage(part)
    done = made.sweep(swap, made.look, for_a_moment=for_a_moment)
    assert done.made
    if done.wins:
        pytest.fail(str(done), pytrace=False)


def test_a_file_that_grows_while_it_is_read_fills_no_disk(stage: Callable[[Part], Stage]) -> None:
    made = stage(CONFIGURATION)

    def grow() -> None:
        with swaps.as_owner():
            os.truncate(made.root / "etc/app/conf", LARGEST + (1 << 20))

    def check() -> str | None:
        size = made.kept.stat().st_size
        return f"{size} bytes are kept of one file" if size > LARGEST else None

    done = sweep(made.look, grow, check, prepare=made.prepare)
    assert done.made
    if done.wins:
        pytest.fail(str(done), pytrace=False)


@needs_root
@pytest.mark.parametrize("case", AT_REST)
def test_nothing_that_lies_there_becomes_powerful_by_a_restore(stage: Callable[[Part], Stage], case: str) -> None:
    made = stage(AT_REST[case])
    made.prepare()
    assert made.check() is None
    made.restore()
    assert made.check() is None


@needs_root
@pytest.mark.parametrize("part", [SUBORDINATE, POINTING], ids=["a file", "a link"])
def test_what_others_own_stays_theirs(stage: Callable[[Part], Stage], part: Part) -> None:
    made = stage(part)
    made.prepare()
    made.restore()
    assert (made.root / "home/user/left").lstat().st_uid == ORPHAN


def test_without_an_attacker_all_comes_back(stage: Callable[[Part], Stage]) -> None:
    for part in (CONFIGURATION, DEEPER, GONE, CAME, LINKED, HOME, FOLDER, LOGS):
        made = stage(part)
        made.prepare()
        made.restore()
        now = files.capture(root=str(made.root))
        assert {path: files.identity(now.get(path)) for path in made.wanted} == {
            path: files.identity(entry) for path, entry in made.wanted.items()
        }
        shutil.rmtree(made.root)
