"""Where results go: into a file as a whole, and into what is no file without destroying it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from hardener.cli.options import check_format, deliver, deliver_run
from hardener.errors import ConfigError, StoreError
from tests.unit.reports.conftest import run, soft


def test_a_file_is_replaced_as_a_whole_and_closed(tmp_path: Path) -> None:
    file = tmp_path / "report"
    file.write_text("the earlier one, which was longer")
    deliver([b"in ", b"pieces"], file)
    assert file.read_text() == "in pieces"
    assert file.stat().st_mode & 0o777 == 0o600
    deliver("gauges\n", file, 0o644)
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_file_whose_pieces_end_in_an_error_stays_as_it_was(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"the first"
        raise StoreError("runs: damaged")

    file = tmp_path / "report"
    file.write_text("the earlier one")
    with pytest.raises(StoreError, match="damaged"):
        deliver(broken(), file)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"report": "the earlier one"}


def test_a_file_has_no_colours_though_the_terminal_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    sample = run(soft())
    deliver_run(sample, sample.results, "table", tmp_path / "report")
    assert "FAILING" in (tmp_path / "report").read_text()
    assert "\x1b" not in (tmp_path / "report").read_text()


def test_bytes_are_not_for_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with pytest.raises(typer.BadParameter, match="xlsx is not for a terminal: name a file with -o"):
        check_format("xlsx", None)
    check_format("xlsx", tmp_path / "run.xlsx")
    check_format("csv", None)


def test_bytes_go_into_a_file_and_a_pipe_as_they_are(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sample = run(soft())
    deliver_run(sample, sample.results, "xlsx", tmp_path / "run.xlsx")
    deliver_run(sample, sample.results, "xlsx", None)
    assert capfdbinary.readouterr().out == (tmp_path / "run.xlsx").read_bytes()


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
