"""Files are touched through what was opened, below directories that nobody else can change."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardener.checkpoint import secure_copies, secure_paths
from hardener.checkpoint.secure_files import PIN, Attributes, Directory, Item, Unsafe

ROOT = Attributes(os.geteuid(), os.getegid(), 0o640)
STRANGER = 54321

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others, which only root can")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory that stands for the root of a system: one of root's and one of somebody else's."""
    tmp_path.chmod(0o755)
    (tmp_path / "etc").mkdir(mode=0o755)
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (home / "user").mkdir(mode=0o755)
    os.chown(home / "user", STRANGER, STRANGER)
    return tmp_path


@pytest.fixture
def opened(root: Path) -> Iterator[Directory]:
    """The private directory."""
    with secure_paths.located("etc/x", root=str(root)) as (directory, _):
        yield directory


def names(directory: Path) -> list[str]:
    """What is in a directory."""
    return sorted(path.name for path in directory.iterdir())


def theirs(root: Path) -> Directory:
    """The directory of somebody else."""
    with secure_paths.located("home/user", root=str(root)) as (parent, name):
        return parent.directory(name)


def test_a_directory_is_private_where_only_root_can_write_all_the_way(root: Path, opened: Directory) -> None:
    assert opened.is_private
    inside = root / "home/user/of-root"
    inside.mkdir(mode=0o700)
    with theirs(root) as directory, directory.directory("of-root") as inner:
        assert not directory.is_private
        assert not inner.is_private


@pytest.mark.parametrize(("mode", "group"), [(0o777, 0), (0o1777, 0), (0o775, STRANGER)])
def test_a_directory_in_which_others_write_is_not_private(root: Path, mode: int, group: int) -> None:
    os.chown(root / "etc", 0, group)
    (root / "etc").chmod(mode)
    with secure_paths.located("etc/x", root=str(root)) as (directory, _):
        assert not directory.is_private


def test_in_a_sticky_directory_roots_own_directories_are_private_and_nothing_else(root: Path) -> None:
    (root / "etc").chmod(0o1777)
    (root / "etc/of-root").mkdir(mode=0o755)
    (root / "etc/theirs").mkdir(mode=0o755)
    os.chown(root / "etc/theirs", STRANGER, STRANGER)
    (root / "etc/file").write_text("x")
    found = {}
    for name in ("of-root", "theirs"):
        with secure_paths.located(f"etc/{name}/x", root=str(root)) as (directory, _):
            found[name] = directory.is_private
    with secure_paths.located("etc/file", root=str(root)) as (sticky, name), sticky.item(name) as file:
        found[name] = file.is_private
    assert found == {"of-root": True, "theirs": False, "file": False}


def test_what_was_opened_is_meant_whatever_its_name_means_by_then(root: Path) -> None:
    victim = root / "etc/shadow"
    victim.write_text("secret")
    victim.chmod(0o600)
    mine = root / "home/user/file"
    mine.write_text("mine")
    with theirs(root) as directory, directory.item("file") as item:
        mine.unlink()
        mine.symlink_to(victim)
        for act in (lambda: item.dress(Attributes(STRANGER, STRANGER, 0o666)), item.read):
            with pytest.raises(Unsafe, match="another one by now"):
                act()
    assert (victim.stat().st_uid, stat.S_IMODE(victim.stat().st_mode)) == (0, 0o600)


@pytest.mark.parametrize("change", ["mode", "owner", "read"])
def test_a_file_with_other_names_is_left_alone_outside_of_private_directories(root: Path, change: str) -> None:
    victim = root / "etc/shadow"
    victim.write_text("secret")
    victim.chmod(0o600)
    os.link(victim, root / "home/user/planted")
    with theirs(root) as directory, directory.item("planted") as item, pytest.raises(Unsafe, match="hard link"):
        {"mode": lambda: item.set_mode(0o666), "owner": lambda: item.set_owner(1, 1), "read": item.read}[change]()
    assert (victim.stat().st_uid, stat.S_IMODE(victim.stat().st_mode)) == (0, 0o600)


def test_a_planted_name_that_is_taken_away_while_the_file_is_held_does_not_make_it_anybodys(root: Path) -> None:
    victim = root / "etc/shadow"
    victim.write_text("secret")
    victim.chmod(0o600)
    planted = root / "home/user/planted"
    os.link(victim, planted)
    with theirs(root) as directory, directory.item("planted") as item:
        planted.unlink()
        assert victim.stat().st_nlink == 1
        with pytest.raises(Unsafe, match="taken away meanwhile"):
            item.set_mode(0o666)
        os.link(victim, root / "other")
        (root / "other").rename(planted)
        (root / "home/user/more").write_text("x")
        (root / "home/user/more").rename(planted)
        with pytest.raises(Unsafe, match="another one by now"):
            item.set_owner(1, 1)
    assert (victim.stat().st_uid, stat.S_IMODE(victim.stat().st_mode)) == (0, 0o600)


def test_only_regular_files_are_read(root: Path) -> None:
    os.mkfifo(root / "home/user/pipe")
    (root / "home/user/link").symlink_to("/etc/passwd")
    with theirs(root) as directory:
        for name in ("pipe", "link"):
            with directory.item(name) as item, pytest.raises(Unsafe, match="no regular file"):
                item.read()


def test_links_lead_on_where_root_has_put_them_and_nowhere_else(root: Path) -> None:
    (root / "etc/file").write_text("x")
    (root / "alias").symlink_to("etc")
    (root / "home/user/alias").symlink_to(root / "etc")
    with secure_paths.located("alias/file", root=str(root)) as (directory, name), directory.item(name) as item:
        assert item.read() == b"x"
    with pytest.raises(Unsafe, match="not root's own"), secure_paths.located("home/user/alias/file", root=str(root)):
        pass
    os.chown(root / "alias", STRANGER, STRANGER, follow_symlinks=False)
    with pytest.raises(Unsafe, match="not root's own"), secure_paths.located("alias/file", root=str(root)):
        pass


def test_a_link_that_is_not_followed_is_itself_whoever_put_it_there(root: Path) -> None:
    (root / "home/user/link").symlink_to(root / "etc")
    path = str(root / "home/user/link")
    assert secure_paths.exists(path)
    assert secure_paths.link_target(path) == str(root / "etc")
    with pytest.raises(Unsafe, match="not root's own"):
        secure_paths.resolved(path)
    with secure_paths.located("home/user/link", root=str(root)) as (directory, name):
        directory.replace_link(name, "elsewhere")
    assert (root / "home/user/link").readlink() == Path("elsewhere")
    secure_paths.remove(path)
    assert not secure_paths.exists(path)
    assert (root / "etc").is_dir()


def test_links_in_a_circle_end(root: Path) -> None:
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    with pytest.raises(OSError, match="symbolic links"), secure_paths.located("one/x", root=str(root)):
        pass


def test_a_path_cannot_leave_its_root(root: Path) -> None:
    with secure_paths.located("../../../etc/x", root=str(root)) as (directory, name):
        assert (directory.status.st_ino, name) == ((root / "etc").stat().st_ino, "x")


def test_a_file_is_replaced_whole_and_dressed_before_it_has_its_name(opened: Directory, root: Path) -> None:
    (root / "etc/x").write_text("old")
    opened.replace("x", [b"ne", b"w"], Attributes(STRANGER, 7, 0o4711, {"user.note": b"1"}), mtime_ns=5)
    status = (root / "etc/x").stat()
    assert (root / "etc/x").read_text() == "new"
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (STRANGER, 7, 0o4711, 5)
    assert os.getxattr(root / "etc/x", "user.note") == b"1"
    assert names(root / "etc") == ["x"]


def test_what_cannot_be_written_whole_leaves_what_was_there(opened: Directory, root: Path) -> None:
    (root / "etc/x").write_text("old")

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        opened.replace("x", broken(), ROOT)
    assert (root / "etc/x").read_text() == "old"
    assert names(root / "etc") == ["x"]


def test_a_link_where_a_file_shall_be_is_replaced_and_not_followed(opened: Directory, root: Path) -> None:
    (root / "victim").write_text("victim")
    (root / "etc/x").symlink_to(root / "victim")
    opened.replace("x", b"new", ROOT)
    assert (root / "victim").read_text() == "victim"
    assert not (root / "etc/x").is_symlink()


def test_a_directory_made_in_sight_of_others_is_given_away_only_if_it_is_the_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_root = root / "home/user/of-root"
    of_root.mkdir(mode=0o700)
    (of_root / "secret").write_text("secret")
    make = os.mkdir

    def swapped(name: str, mode: int, *, dir_fd: int) -> None:
        make(name, mode, dir_fd=dir_fd)
        (root / "home/user" / name).rename(root / "home/user/aside")
        of_root.rename(root / "home/user" / name)

    with theirs(root) as directory:
        directory.make_directory("plain", Attributes(STRANGER, STRANGER, 0o750))
        assert (root / "home/user/plain").stat().st_uid == STRANGER
        monkeypatch.setattr(os, "mkdir", swapped)
        with pytest.raises(Unsafe, match="another one by now"):
            directory.make_directory("new", Attributes(STRANGER, STRANGER, 0o750))
    assert (root / "home/user/new").stat().st_uid == 0


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc"])
def test_a_name_is_no_path(opened: Directory, name: str) -> None:
    with pytest.raises(Unsafe):
        opened.item(name)
    with pytest.raises(Unsafe):
        opened.replace(name, b"", ROOT)
    with pytest.raises(Unsafe):
        opened.remove(name)


def test_a_tree_is_copied_with_its_owners_and_without_what_gives_rights(root: Path) -> None:
    source, target = root / "home/user", root / "etc"
    (source / "program").write_text("#!")
    os.chown(source / "program", STRANGER, STRANGER)
    (source / "program").chmod(0o6755)
    (source / "link").symlink_to("/etc/shadow")
    (source / "folder").mkdir()
    (source / "folder/file").write_text("x")
    os.mkfifo(source / "pipe")
    (target / "link").write_text("was there")
    with theirs(root) as one, Directory(os.open(target, PIN), "", is_private=True) as other:
        secure_copies.copy_tree(one, other)
    status = (target / "program").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (STRANGER, 0o755)
    assert (target / "link").read_text() == "was there"
    assert (target / "folder/file").read_text() == "x"
    assert stat.S_ISFIFO((target / "pipe").stat().st_mode)


def test_a_copy_ends_at_a_depth_nobody_needs(root: Path) -> None:
    here = os.open(root / "home/user", os.O_RDONLY)
    for _ in range(secure_copies.DEEPEST + 2):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    private = Directory(os.open(root / "etc", PIN), "", is_private=True)
    with theirs(root) as one, private as other, pytest.raises(Unsafe, match="deep"):
        secure_copies.copy_tree(one, other)


def test_a_file_of_ours_is_written_only_where_nobody_else_can_write(root: Path) -> None:
    own = root / "etc/own"
    secure_paths.write(str(own), b"x")
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    with pytest.raises(Unsafe, match="somebody else"):
        secure_paths.write(str(root / "home/user/own"), b"x")


def test_a_directory_of_ours_that_others_can_change_is_refused(root: Path) -> None:
    secure_paths.make_directory(str(root / "etc/new/deep"))
    assert stat.S_IMODE((root / "etc/new/deep").stat().st_mode) == 0o700
    os.chown(root / "etc/new/deep", STRANGER, STRANGER)
    with pytest.raises(Unsafe, match="others can change"):
        secure_paths.make_directory(str(root / "etc/new/deep"))


def test_a_tree_is_removed_and_nothing_that_links_lead_to(root: Path) -> None:
    (root / "etc/tree/inner").mkdir(parents=True)
    (root / "etc/tree/inner/link").symlink_to(root / "home")
    secure_paths.remove_tree(str(root / "etc/tree"))
    secure_paths.remove_tree(str(root / "etc/tree"))
    assert names(root / "etc") == []
    assert (root / "home/user").is_dir()


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/../etc/passwd", "/sys/kernel/../../etc/passwd"])
def test_only_the_kernels_files_are_read_and_written_as_such(path: str) -> None:
    assert secure_paths.kernel_text("/proc/self/stat")
    with pytest.raises(Unsafe):
        secure_paths.kernel_text(path)
    with pytest.raises(Unsafe):
        secure_paths.set_kernel_text(path, "x")


def test_the_kernel_is_told_something_through_its_files() -> None:
    before = secure_paths.kernel_text("/proc/self/comm").strip()
    secure_paths.set_kernel_text("/proc/self/comm", "told")
    assert secure_paths.kernel_text("/proc/self/comm") == "told\n"
    secure_paths.set_kernel_text("/proc/self/comm", before)


def test_a_private_directory_is_roots_alone_and_gone_afterwards(root: Path) -> None:
    with secure_paths.private_directory(str(root / "etc")) as path:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o700
        (Path(path) / "inner").mkdir()
        assert names(root / "etc") == [Path(path).name]
    assert names(root / "etc") == []
    with pytest.raises(Unsafe), secure_paths.private_directory(str(root / "home/user")):
        pass


def test_a_path_is_resolved_by_links_of_roots(root: Path) -> None:
    (root / "etc/link").symlink_to(root / "etc/other")
    assert secure_paths.resolved(str(root / "etc/link")) == str(root / "etc/other")


def test_what_cannot_be_reached_is_left_out_of_a_copy_and_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dead", "file"):
        (root / "home/user" / name).write_text(name)
    pinned = Directory.item

    def item(self: Directory, name: str) -> Item:
        if name == "dead":
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", name)
        return pinned(self, name)

    monkeypatch.setattr(Directory, "item", item)
    left_out: list[str] = []
    private = Directory(os.open(root / "etc", PIN), "", is_private=True)
    with theirs(root) as one, private as other:
        secure_copies.copy_tree(one, other, left_out=left_out)
        with pytest.raises(OSError, match="not connected"):
            secure_copies.copy_tree(one, other)
    assert names(root / "etc") == ["file"]
    assert [path.rpartition("/")[2] for path in left_out] == ["dead"]


def test_a_file_that_somebody_has_a_lease_of_holds_no_copy_up(root: Path) -> None:
    """Without ``O_NONBLOCK`` opening it would wait for as long as the kernel lets its owner keep it."""
    (root / "home/user/leased").write_text("x")
    file = os.open(root / "home/user/leased", os.O_RDWR)
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # how the kernel asks for a lease back
    left_out: list[str] = []
    try:
        private = Directory(os.open(root / "etc", PIN), "", is_private=True)
        with theirs(root) as one, private as other:
            secure_copies.copy_tree(one, other, left_out=left_out)
    finally:
        os.close(file)
        signal.signal(signal.SIGIO, before)
    assert names(root / "etc") == []
    assert len(left_out) == 1
