"""What the checkpoint program is asked for and answers is escaped, and what it does is done to the very bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import pytest

from hardener.checkpoint import commands
from hardener.checkpoint.secure_files import Unsafe

PATH, TOLD = "/etc/caf\udce9\n.conf", r"/etc/caf\xe9\x0a.conf"
BEFORE, AFTER = b"# \\xe9\nkey caf\xe9\r\nother\n", b"# \\xe9\nkey new\nother\n"
OF_ONE_LINE = {"kind": "setting", "subject": TOLD, "key": "key", "before": r"key caf\xe9\x0d", "after": "key new"}


def state(data: bytes) -> dict[str, dict[str, Any]]:
    """The state of a target with one file."""
    kinds = ("units", "packages", "mounts", "modules", "rulesets", "routes", "sysctls")
    entry = {"type": "file", "mode": 0o644, "uid": 0, "gid": 0, "xattrs": {}, "sha256": data.hex(), "inode": 1}
    return {**{kind: {} for kind in kinds}, "files": {PATH: entry}}


class Contents:
    """The contents that a checkpoint has kept."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def of(self, _path: str, _entry: object) -> bytes:
        return self.data


class Checkpoint:
    """One that was released; it notes the texts that take the place of what it kept."""

    packages = None
    texts: Mapping[str, bytes] | None = None

    def __init__(self, _run: str) -> None:
        """Of whatever run."""

    def before(self) -> Any:
        return json.loads(json.dumps(state(BEFORE)))

    def after(self) -> Any:
        return json.loads(json.dumps(state(AFTER)))

    def contents(self, texts: Mapping[str, bytes] | None = None) -> Contents:
        type(self).texts = texts or self.texts
        return Contents(BEFORE)

    def contents_after(self) -> Contents:
        return Contents(AFTER)


@pytest.fixture(autouse=True)
def target(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a target is now: as the run left it."""
    monkeypatch.setattr(commands, "Checkpoint", Checkpoint)
    monkeypatch.setattr(Checkpoint, "texts", None)
    monkeypatch.setattr(commands, "read", lambda _path, **_: AFTER)
    monkeypatch.setattr("hardener.checkpoint.package_manager.quiet", lambda *_, **__: nullcontext())
    monkeypatch.setattr("hardener.checkpoint.state.capture", lambda **_: state(AFTER))
    monkeypatch.setattr("hardener.checkpoint.state.restore", lambda *_: [f"{PATH}: not as it was"])
    monkeypatch.setattr("hardener.checkpoint.files.capture", lambda **_: state(BEFORE)["files"])


def rolled_back(changes: object, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What is answered."""
    assert commands.main(["rollback", "R1", json.dumps(changes), "keep"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize("changes", [None, [{"kind": "file", "subject": TOLD}], [OF_ONE_LINE]])
def test_a_file_goes_back_whatever_its_name_is(changes: object, capsys: pytest.CaptureFixture[str]) -> None:
    answer = rolled_back(changes, capsys)
    assert answer["undone"] == [["files", TOLD]]
    assert answer["left"] == [f"{TOLD}: not as it was"]


def test_one_line_goes_back_to_the_very_bytes_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    rolled_back([OF_ONE_LINE], capsys)
    assert Checkpoint.texts == {PATH: BEFORE}


def test_a_line_that_only_reads_like_it_is_not_the_runs(capsys: pytest.CaptureFixture[str]) -> None:
    answer = rolled_back([{**OF_ONE_LINE, "before": r"key caf\x5cxe9\x0d"}], capsys)
    assert answer["undone"] == []
    assert answer["left"][0] == f"{TOLD}: 1 lines are not what this target's checkpoint says of the run"


def test_a_failure_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def unsafe(_run: str) -> Checkpoint:
        raise Unsafe(PATH, "no regular file")

    monkeypatch.setattr(commands, "Checkpoint", unsafe)
    assert commands.main(["status", "R1"]) == 1
    assert capsys.readouterr().err == f"hardener: {TOLD}: no regular file\n"
