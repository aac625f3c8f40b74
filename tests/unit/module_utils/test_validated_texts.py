"""Texts are put into place whole, by root alone, and only once the program that reads them accepts them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import secure_paths
from ansible.module_utils.secure_items import LARGEST
from ansible.module_utils.validated_texts import owned, put, text_at, text_to_edit, texts_to_edit

from tests.unit.library.running import NEEDS_ROOT, STRANGER, state, theirs, victim


class Refused(Exception):
    """The task failed."""


class Module:
    """What of Ansible's module is needed."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.seen: list[tuple[list[str], str, int]] = []
        self.left: list[str] = []
        self.answer: dict[str, Any] | None = None

    def run_command(self, words: list[str]) -> tuple[int, str, str]:
        """Note the command, what it was given to read, and the mode of the directory that lies in."""
        draft = Path(words[-1])
        self.seen.append((words[:-1], draft.read_text("utf-8"), draft.parent.stat().st_mode & 0o7777))
        return self.status, "", f"{draft}: line 1: nonsense\n"

    def fail_json(self, msg: str) -> None:
        raise Refused(msg)

    def warn(self, text: str) -> None:
        self.left.append(text)

    def exit_json(self, **answer: Any) -> None:
        self.answer = answer


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where drafts lie: not this machine's own /run."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setattr(secure_paths, "RUN", str(folder))
    return folder


def test_a_text_is_every_byte_of_a_file(tmp_path: Path) -> None:
    data = b"a\r\nb\xff\x00\n"
    (tmp_path / "a").write_bytes(data)
    text = text_at(str(tmp_path / "a"))
    put(Module(), str(tmp_path / "b"), text)
    assert (tmp_path / "b").read_bytes() == data
    assert text_at(str(tmp_path / "none")) is None
    assert text_at(str(tmp_path / "none/none")) is None


def test_of_many_paths_those_of_regular_files_have_texts(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", LARGEST + 1)
    names = ("a", "pipe", "none", "loop", "large", "a/b", ".")
    module = Module()
    texts = {"a": "x", "loop": None, "large": None, "a/b": None}
    assert texts_to_edit(module, [f"{tmp_path}/{name}" for name in names]) == {
        f"{tmp_path}/{name}": text for name, text in texts.items()
    }
    assert module.left == [
        f"{tmp_path}/loop: left alone: Too many levels of symbolic links",
        f"{tmp_path}/large: left alone: more than 4 MiB, of which no checkpoint keeps the content",
        f"{tmp_path}/a/b: left alone: no directory",
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("loop", "Too many levels of symbolic links"),
        ("folder", "no regular file"),
        ("pipe", "no regular file"),
        ("file/below", "no directory"),
        ("large", "more than 4 MiB, of which no checkpoint keeps the content"),
    ],
)
def test_what_cannot_be_edited_is_left_alone_and_ends_the_module(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", LARGEST + 1)
    module = Module()
    with pytest.raises(SystemExit):
        text_to_edit(module, f"{tmp_path}/{name}")
    assert module.left == [f"{tmp_path}/{name}: left alone: {why}"]
    assert module.answer == {"changed": False, "diff": []}


def test_what_is_not_there_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").write_bytes(b"\xe9\0\r\n")
    assert text_to_edit(Module(), f"{tmp_path}/none") is None
    assert text_to_edit(Module(), f"{tmp_path}/dangling") is None
    assert text_to_edit(Module(), f"{tmp_path}/file") == "\udce9\0\r\n"


def test_what_is_made_is_for_all_to_read_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    put(Module(), str(tmp_path / "new/deep/a"), "x\n")
    put(Module(), str(tmp_path / "b"), "x\n", made=owned("0600"))
    assert [(tmp_path / name).stat().st_mode & 0o7777 for name in ("new", "new/deep/a", "b")] == [0o755, 0o644, 0o600]


@NEEDS_ROOT
def test_what_was_there_keeps_its_owner_mode_and_attributes_but_no_rights(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    os.chown(path, STRANGER, 7)
    path.chmod(0o6754)
    os.setxattr(path, "user.note", b"1")
    put(Module(), str(path), "new", made=owned("0600"))
    assert state(path) == (b"new", STRANGER, 7, 0o754)
    assert os.getxattr(path, "user.note") == b"1"
    put(Module(), str(path), "newer", made=owned("0600"), anew=True)
    assert state(path) == (b"newer", 0, 0, 0o600)


def test_a_link_is_replaced_by_a_file_like_the_one_it_led_to(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("target")
    target.chmod(0o604)
    for anew, mode in ((False, 0o604), (True, 0o640)):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        put(Module(), str(link), "new", made=owned("0640"), anew=anew)
        assert not link.is_symlink()
        assert (link.read_text(), link.stat().st_mode & 0o7777) == ("new", mode)
    assert target.read_text() == "target"


def test_a_text_is_validated_where_root_alone_reads_it_and_put_into_place_afterwards(tmp_path: Path, run: Path) -> None:
    module = Module()
    put(module, str(tmp_path / "file"), "new\n", validate="/usr/sbin/visudo -cf %s")
    assert module.seen == [(["/usr/sbin/visudo", "-cf"], "new\n", 0o700)]
    assert (tmp_path / "file").read_text() == "new\n"
    assert list(run.iterdir()) == []


def test_a_text_that_is_refused_leaves_what_was_there(tmp_path: Path, run: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old\n")
    with pytest.raises(Refused, match=f"{path}: the new text was refused: {path}: line 1: nonsense"):
        put(Module(status=1), str(path), "new\n", validate="true %s")
    assert path.read_text() == "old\n"
    assert list(run.iterdir()) == []


@NEEDS_ROOT
@pytest.mark.parametrize("planted", ["link", "hard link", "pipe", "nothing"])
def test_nothing_is_written_in_a_directory_of_somebody_else(tmp_path: Path, planted: str) -> None:
    secret, home = victim(tmp_path), theirs(tmp_path / "home")
    before, path = state(secret), home / "file"
    plant: dict[str, Any] = {
        "link": lambda: path.symlink_to(secret),
        "hard link": lambda: os.link(secret, path),
        "pipe": lambda: os.mkfifo(path),
        "nothing": lambda: None,
    }
    plant[planted]()
    names = list(home.iterdir())
    with pytest.raises(Refused, match=f"^{path}: not written to a directory of somebody else$"):
        put(Module(), str(path), "new")
    assert state(secret) == before
    assert list(home.iterdir()) == names


@NEEDS_ROOT
def test_the_way_to_a_file_may_lead_through_no_link_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    home = theirs(tmp_path / "home")
    (home / "link").symlink_to(tmp_path / "etc")
    with pytest.raises(Refused, match="a link that is not root's own"):
        put(Module(), f"{home}/link/file", "new")
    assert list((tmp_path / "etc").iterdir()) == []


def test_what_cannot_be_written_fails_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "folder/inner").mkdir(parents=True)
    with pytest.raises(Refused, match=f"^{tmp_path}/folder: Is a directory$"):
        put(Module(), f"{tmp_path}/folder", "x")
