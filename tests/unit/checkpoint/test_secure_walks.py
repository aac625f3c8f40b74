"""Files are found by patterns and below directories whatever others put in the way."""

from __future__ import annotations

import errno
import glob
import os
from pathlib import Path

import pytest

from hardener.checkpoint import secure_paths
from hardener.checkpoint.secure_copies import DEEPEST
from hardener.checkpoint.secure_files import Directory, Item, Unsafe
from hardener.checkpoint.secure_walks import files_below, matching

STRANGER = 54321


def tree(top: Path) -> None:
    for name in ("a/one.conf", "a/two.conf", "a/.hidden.conf", "b/one.conf", "b/[x].conf", "b/.h/one.conf"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).touch()
    (top / "file").touch()
    (top / "c").symlink_to("a")


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "*/*.conf",
        "a/.*",
        "*/.h/*",
        "a/one.conf",
        "none",
        "none/*",
        "?/[!o]*",
        "*/",
        "file/",
        "*/*/*",
        "b/[[]x].conf",
    ],
)
def test_a_pattern_means_what_shells_mean_by_it(tmp_path: Path, pattern: str) -> None:
    tree(tmp_path)
    # Which of those with a slash at the end are directories is looked at when they are opened.
    end = "/" if pattern.endswith("/") else ""
    meant = glob.glob(pattern.rstrip("/"), root_dir=tmp_path)  # noqa: PTH207 - it is what shells mean by hidden names
    assert matching(f"{tmp_path}/{pattern}") == sorted(f"{tmp_path}/{path}{end}" for path in meant)


def test_at_the_root_as_elsewhere() -> None:
    assert matching("/e?c") == ["/etc"]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others, which only root can")
def test_a_link_of_somebody_else_is_named_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/secret").touch()
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, STRANGER, STRANGER)
    (home / "link").symlink_to(tmp_path / "etc")
    assert matching(f"{tmp_path}/home/*/*") == [f"{home}/link"]
    with pytest.raises(Unsafe), secure_paths.item_at(f"{home}/link", follow=True):
        pass


def found(top: Path, left: list[str], *without: str) -> list[str]:
    """Paths of the files below a directory, from there on."""

    def leave(error: OSError) -> None:
        left.append(f"{error.filename}: {error.strerror}")

    with secure_paths.directory_at(str(top)) as directory:
        return [item.path.removeprefix(f"{top}/") for item in files_below(directory, without, leave)]


def test_regular_files_are_found_and_nothing_that_links_lead_to(tmp_path: Path) -> None:
    tree(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    left: list[str] = []
    assert found(tmp_path, left, f"{tmp_path}/b") == ["a/.hidden.conf", "a/one.conf", "a/two.conf", "file"]
    assert left == []


def test_what_cannot_be_reached_is_told_and_the_rest_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path)
    pinned, names = Directory.item, Directory.names

    def item(self: Directory, name: str) -> Item:
        if name == "b":
            raise OSError(errno.EACCES, "Permission denied", f"{tmp_path}/b")
        if name == "two.conf":
            raise FileNotFoundError
        return pinned(self, name)

    def listed(self: Directory) -> list[str]:
        if self.path.endswith("/a"):
            raise OSError(errno.ESTALE, "Stale file handle", "/proc/self/fd/9")
        return names(self)

    monkeypatch.setattr(Directory, "item", item)
    left: list[str] = []
    assert found(tmp_path, left) == ["a/.hidden.conf", "a/one.conf", "file"]
    assert left == [f"{tmp_path}/b: Permission denied"]
    monkeypatch.setattr(Directory, "names", listed)
    assert found(tmp_path, left) == ["file"]
    assert left[-2:] == [f"{tmp_path}/a: Stale file handle", f"{tmp_path}/b: Permission denied"]


def test_a_walk_ends_at_a_depth_nobody_needs(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(DEEPEST + 2):
        os.mkdir("d", dir_fd=here)
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    left: list[str] = []
    assert len(found(tmp_path, left)) == DEEPEST + 1
    assert len(left) == 1
    assert left[0].endswith(f"more than {DEEPEST} directories deep")
