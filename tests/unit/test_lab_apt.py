"""The machine's apt sources, whatever their format, become a node's."""

from pathlib import Path

import pytest

from hardener.errors import LabError
from hardener.lab.apt import Source, carried_settings, for_release, machine_sources, parse_deb822, parse_one_line

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://src.example/debian
Suites: bookworm
Components: main
"""


def source(suite: str, uri: str = "http://mirror.example/debian", components: tuple[str, ...] = ("main",)) -> Source:
    return Source(uri=uri, suite=suite, components=components)


def test_deb822_yields_a_source_per_suite_of_enabled_binary_stanzas() -> None:
    both = ("main", "contrib")
    assert parse_deb822(DEB822) == [
        source("bookworm", components=both),
        source("bookworm-updates", components=both),
    ]


def test_one_line_ignores_comments_options_and_source_archives() -> None:
    text = """\
    # deb http://off.example/debian bookworm main
    deb [arch=amd64 signed-by=/etc/key.gpg] http://mirror.example/debian bookworm main contrib # why
    deb-src http://mirror.example/debian bookworm main
    """
    assert parse_one_line(text) == [source("bookworm", components=("main", "contrib"))]


def test_other_release_is_asked_of_the_same_archives_and_foreign_ones_are_left_out() -> None:
    found = for_release(
        [
            source("bookworm"),
            source("bookworm-security", uri="http://mirror.example/debian-security"),
            source("nodistro", uri="https://elsewhere.example"),
            source("cloud-sdk-bookworm", uri="https://elsewhere.example"),
            source("bookworm", uri="https://elsewhere.example", components=("stable",)),
        ],
        "trixie",
    )
    assert [item.line() for item in found] == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian-security trixie-security main",
    ]


def test_sources_that_become_equal_are_named_once() -> None:
    assert len(for_release([source("stable"), source("bookworm")], "trixie")) == 1


def test_machine_sources_reads_both_formats(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "debian.sources").write_text(DEB822)
    (folder / "more.list").write_text("deb http://mirror.example/debian-security bookworm-security main\n")
    (folder / "old.list.save").write_text("deb http://stale.example/debian bookworm main\n")
    suites = [item.suite for item in machine_sources("13", tmp_path)]
    assert suites == ["trixie", "trixie-updates", "trixie-security"]


def test_machine_without_a_debian_archive_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://archive.example/ubuntu noble main\n")
    with pytest.raises(LabError, match="no Debian archive"):
        machine_sources("12", tmp_path)


def test_settings_that_decide_whether_downloads_work_are_carried_over() -> None:
    dump = """\
Acquire "";
Acquire::Check-Valid-Until "false";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::Proxy "";
Acquire::Changelogs::AlwaysOnline::Origin::Ubuntu "1";
Dir::Cache "var/cache/apt";
"""
    assert carried_settings(dump) == [
        'Acquire::Check-Valid-Until "false";',
        'Acquire::http::Proxy "http://proxy.example:3128";',
    ]
