"""Where the module ``first_line`` puts its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from playbooks.library.first_line import diff, main
from tests.unit.library.running import run

OURS = "Include /etc/ssh/sshd_config.d/00-hardener.conf"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{OURS}\n"),
        ("# only a comment", f"# only a comment\n{OURS}\n"),
        ("# about\n\nInclude other\nPort 22\n", f"# about\n\n{OURS}\nInclude other\nPort 22\n"),
        (f"usepam no\n# about\n{OURS}\nPort 22\n", f"{OURS}\nusepam no\n# about\nPort 22\n"),
        (f"Port 22\n{OURS}\nMatch User a\n{OURS}\n", f"{OURS}\nPort 22\nMatch User a\n"),
    ],
)
def test_the_line_comes_before_every_effective_one(before: str, after: str) -> None:
    assert diff(before, OURS) == after
    assert diff(after, OURS) == after


def test_a_line_that_comes_first_already_stays_as_it_is_written() -> None:
    text = "# about\n  Include   /etc/ssh/sshd_config.d/00-hardener.conf\nPort 22\n"
    assert diff(text, OURS) == text


def test_lines_of_keys_whose_last_value_counts_are_dropped() -> None:
    text = f"{OURS}\n#MaxStartups 10:30:100\nMAXSTARTUPS 10:30:100\nPort 22\nMaxStartups=100\n"
    assert diff(text, OURS, without=["MaxStartups"]) == f"{OURS}\n#MaxStartups 10:30:100\nPort 22\n"
    assert diff(text, OURS) == text


def test_a_file_that_is_there_gets_its_line_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"Port 22\r\n")
    path.chmod(0o600)
    assert run(main, path=str(path), line=OURS, check=True)["changed"]
    assert path.read_bytes() == b"Port 22\r\n"
    assert run(main, path=str(path), line=OURS)["changed"]
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (f"{OURS}\nPort 22\r\n".encode(), 0o600)
    assert not run(main, path=str(path), line=OURS)["changed"]


def test_a_file_that_is_not_there_fails_the_task(tmp_path: Path) -> None:
    assert run(main, path=str(tmp_path / "none"), line=OURS)["msg"] == f"first_line: there is no {tmp_path}/none"
    assert "has to contain %s" in run(main, path=str(tmp_path / "none"), line=OURS, validate="sshd -t")["msg"]
