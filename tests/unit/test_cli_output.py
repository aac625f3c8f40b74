"""Where results go: into a file as a whole, and into what is no file without destroying it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hardener.cli.options import deliver
from hardener.errors import ConfigError


def test_a_file_is_replaced_as_a_whole_and_closed(tmp_path: Path) -> None:
    file = tmp_path / "report"
    file.write_text("the earlier one, which was longer")
    deliver("\x1b[31mred\x1b[0m", file)
    assert file.read_text() == "red"
    assert file.stat().st_mode & 0o777 == 0o600
    deliver("gauges\n", file, 0o644)
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)
    try:
        deliver("text", pipe)
        assert os.read(end, 100) == b"text"
    finally:
        os.close(end)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_directory_is_no_place_for_a_report(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        deliver("text", tmp_path)
    assert list(tmp_path.iterdir()) == []
