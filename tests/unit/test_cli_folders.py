"""A report of several files comes whole or not at all, and takes nobody else's place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardener.cli.folders import deliver_parts
from hardener.cli.options import deliver_run
from hardener.errors import ConfigError, StoreError
from hardener.reports import html
from tests.unit.reports.conftest import run, soft

SPLIT = [("report.html.d/t1.html", b"target"), ("report.html.d/c1.html", b"control"), ("report.html", b"first")]
WHOLE = [("report.html", b"all of it")]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_report_of_several_files_lies_beside_its_first_page(tmp_path: Path) -> None:
    deliver_parts(SPLIT, tmp_path / "report.html")
    assert tree(tmp_path) == dict(SPLIT)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.rglob("*") if file.is_file()} == {0o600}
    assert (tmp_path / "report.html.d").stat().st_mode & 0o777 == 0o700


def test_pages_of_an_earlier_report_go(tmp_path: Path) -> None:
    deliver_parts([("report.html.d/t9.html", b"old"), *WHOLE], tmp_path / "report.html")
    deliver_parts(SPLIT, tmp_path / "report.html")
    assert tree(tmp_path) == dict(SPLIT)
    deliver_parts(WHOLE, tmp_path / "report.html")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_report_that_ends_in_an_error_leaves_the_earlier_one(tmp_path: Path) -> None:
    def broken() -> Iterator[tuple[str, bytes]]:
        yield "report.html.d/t7.html", b"new"
        raise StoreError("runs: damaged")

    deliver_parts(SPLIT, tmp_path / "report.html")
    with pytest.raises(StoreError, match="damaged"):
        deliver_parts(broken(), tmp_path / "report.html")
    assert tree(tmp_path) == dict(SPLIT)


def test_a_report_that_cannot_take_its_place_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_self: Path, _target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    deliver_parts(SPLIT, tmp_path / "report.html")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refused)
        with pytest.raises(ConfigError, match="Operation not permitted"):
            deliver_parts([("report.html.d/t7.html", b"new"), *WHOLE], tmp_path / "report.html")
    assert tree(tmp_path) == dict(SPLIT)


@pytest.mark.parametrize("name", ["notes.txt", "t1.html~", "sub"])
def test_somebody_elses_folder_stays(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "report.html.d"
    folder.mkdir()
    (folder / name).mkdir() if name == "sub" else (folder / name).write_text("mine")
    with pytest.raises(ConfigError, match=r"report\.html\.d: holds something else than pages"):
        deliver_parts(SPLIT, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
    deliver_parts(WHOLE, tmp_path / "report.html")
    assert (folder / name).exists()


def test_a_link_is_no_folder_of_ours(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "report.html.d").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="holds something else"):
        deliver_parts(SPLIT, tmp_path / "report.html")


def test_a_place_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        deliver_parts(WHOLE, tmp_path / "missing" / "report.html")


def test_the_command_line_splits_what_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = run(soft())
    deliver_run(sample, sample.results, "html", tmp_path / "small.html")
    assert [file.name for file in tmp_path.iterdir()] == ["small.html"]
    monkeypatch.setattr(html, "MOST_BYTES", 1000)
    deliver_run(sample, sample.results, "html", tmp_path / "large.html")
    assert (tmp_path / "large.html.d" / "t1.html").is_file()
    assert "large.html.d/t1.html" in (tmp_path / "large.html").read_text("utf-8")
