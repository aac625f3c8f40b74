"""Where auditd writes, and when its disk is nearly full."""

from __future__ import annotations

import pytest

from playbooks.library.audit_log_info import is_nearly_full, setting


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
