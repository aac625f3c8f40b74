"""Files below what a run may touch: kept, compared, and brought back as they were."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.checkpoint import file_restore, files

NAMES = some.sampled_from(["issue", "motd\udce9", "ssh/sshd_config", "cron.d/\\xe9\n", "sub/dir/deep", "link"])
CONTENTS = some.one_of(some.none(), some.binary(max_size=40), some.sampled_from(["link", "directory"]))
Tree: TypeAlias = dict[str, object]
TREES = some.dictionaries(NAMES, CONTENTS, max_size=5)


def plant(root: Path, tree: Tree) -> None:
    """Make /etc below a root look like a tree."""
    (root / "etc").mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        path = root / "etc" / name
        if content is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if content == "link":
            path.symlink_to("/etc/elsewhere\udce9")
        elif content == "directory":
            path.mkdir()
        elif isinstance(content, bytes):
            path.write_bytes(content)
            path.chmod(0o600 + len(content) % 8)


def uproot(root: Path) -> None:
    """Take everything away."""
    for folder, directories, names in os.walk(root, topdown=False):
        for name in names:
            Path(folder, name).unlink()
        for name in directories:
            path = Path(folder, name)
            path.unlink() if path.is_symlink() else path.rmdir()


@given(before=TREES, after=TREES)
def test_whatever_changed_the_files_come_back(
    tmp_path_factory: pytest.TempPathFactory, before: Tree, after: Tree
) -> None:
    root = tmp_path_factory.mktemp("root")
    plant(root, before)
    kept = root.parent / f"{root.name}.contents"
    with kept.open("wb") as contents:
        wanted = json.loads(json.dumps(files.capture(contents, root=str(root))))  # as it is kept
    uproot(root / "etc")
    plant(root, after)
    now = files.capture(root=str(root))
    changes = {
        path: wanted.get(path)
        for path in {*wanted, *now}
        if files.identity(wanted.get(path)) != files.identity(now.get(path))
    }
    assert file_restore.restore(changes, now, files.Contents(kept), root=str(root)) == []
    back = files.capture(root=str(root))
    assert {path: files.identity(item) for path, item in back.items()} == {
        path: files.identity(item) for path, item in wanted.items()
    }


def test_what_others_write_is_not_looked_at(tmp_path: Path) -> None:
    plant(tmp_path, {"resolv.conf": b"nameserver 192.0.2.1\n", "kubernetes/admin.conf": b"theirs", "issue": b"ours"})
    assert [path for path, item in files.capture(root=str(tmp_path)).items() if item["type"] == "file"] == [
        "/etc/issue"
    ]


def test_a_log_keeps_its_content_and_gets_its_mode_back(tmp_path: Path) -> None:
    log = tmp_path / "var/log/app.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"one\n")
    log.chmod(0o644)
    wanted = files.capture(root=str(tmp_path))
    log.write_bytes(b"one\ntwo\n")
    log.chmod(0o600)
    now = files.capture(root=str(tmp_path))
    file_restore.restore(
        {"/var/log/app.log": wanted["/var/log/app.log"]}, now, files.Contents(tmp_path / "none"), root=str(tmp_path)
    )
    assert log.read_bytes() == b"one\ntwo\n"
    assert log.stat().st_mode & 0o7777 == 0o644


def test_a_file_too_large_to_keep_is_said_to_be_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 3)
    plant(tmp_path, {"issue": b"long text"})
    kept = tmp_path / "contents"
    with kept.open("wb") as contents:
        wanted = files.capture(contents, root=str(tmp_path))
    (tmp_path / "etc/issue").write_bytes(b"other")
    now = files.capture(root=str(tmp_path))
    (problem,) = file_restore.restore(
        {"/etc/issue": wanted["/etc/issue"]}, now, files.Contents(kept), root=str(tmp_path)
    )
    assert problem.startswith("/etc/issue: changed, and its content was not kept")


def test_kept_contents_that_were_damaged_are_not_put_into_place(tmp_path: Path) -> None:
    plant(tmp_path, {"issue": b"good"})
    kept = tmp_path / "contents"
    with kept.open("wb") as contents:
        wanted = files.capture(contents, root=str(tmp_path))
    kept.write_bytes(b"evil")
    (tmp_path / "etc/issue").write_bytes(b"other")
    now = files.capture(root=str(tmp_path))
    assert file_restore.restore({"/etc/issue": wanted["/etc/issue"]}, now, files.Contents(kept), root=str(tmp_path))
    assert (tmp_path / "etc/issue").read_bytes() == b"other"


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    plant(tmp_path, {"issue": b"text"})
    known = files.capture(root=str(tmp_path))
    known["/etc/issue"]["sha256"] = "of the earlier capture"
    assert files.capture(known=known, root=str(tmp_path))["/etc/issue"]["sha256"] == "of the earlier capture"
    (tmp_path / "etc/issue").write_bytes(b"other text")
    assert files.capture(known=known, root=str(tmp_path))["/etc/issue"]["sha256"] != "of the earlier capture"
