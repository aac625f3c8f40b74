"""Where auditd writes, and when its disk is nearly full."""

from __future__ import annotations

from pathlib import Path

import pytest

from playbooks.library import audit_log_info
from playbooks.library.audit_log_info import is_nearly_full, setting
from tests.unit.library.running import run


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("log_file = /srv/audit.log\n", "/srv/audit.log"),
        ("log_file = /a\nLog_File = /b\n#log_file = /c\n", "/b"),
        ("log_file=/a\n", "/default"),
        ("", "/default"),
    ],
)
def test_the_last_line_of_a_name_counts(text: str, file: str) -> None:
    assert setting(text, "log_file", "/default") == file


@pytest.mark.parametrize(
    ("reserve", "free", "expected"),
    [("50", 99, True), ("50", 100, False), ("10%", 199, True), ("10%", 200, False), ("0", 0, False)],
)
def test_less_than_twice_the_reserve_is_nearly_nothing(reserve: str, free: int, expected: bool) -> None:
    assert is_nearly_full(reserve, free, 1000) is expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"log_file = /a/b\xe9\n", r"log_file is a name that no answer can carry: /a/b\xe9"),
        (b"log_file = {folder}/x\nadmin_space_left = \xe9\n", r"invalid literal for int() with base 10: '\udce9'"),
        (b"log_file = {folder}/loop/x\n", "Too many levels of symbolic links"),
        (b"log_file = {folder}/file/x\n", "no directory"),
    ],
)
def test_where_nothing_can_be_told_the_task_fails_in_a_line(
    text: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "auditd.conf"
    configuration.write_bytes(text.replace(b"{folder}", bytes(tmp_path)))
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    monkeypatch.setattr(audit_log_info, "CONFIGURATION", str(configuration))
    said = run(audit_log_info.main)["msg"]
    assert said.startswith(f"{configuration}: ")
    assert why in said
