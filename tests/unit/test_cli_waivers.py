"""The commands about waivers: what they print, what they refuse, and their exit codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hardener.cli import main
from hardener.errors import ExitCode
from hardener.store import Store
from tests.unit.test_cli import refused

NOW = datetime.now(UTC)


def item(identifier: str = "w", controls: str = "kernel-*", scope: str = "all", days: int = 90) -> str:
    """A waiver that is in effect, or has expired where the days are less than none."""
    return (
        f"  - {{id: {identifier}, controls: '{controls}', scope: {scope}, kind: accepted-risk, reason: Why not., "
        f"requested_by: ann, approved_by: bob,\n     effective: '{(NOW - timedelta(days=9)).isoformat()}', "
        f"expires: '{(NOW + timedelta(days=days)).isoformat()}'}}\n"
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {web1: {ansible_host: 192.0.2.1}, db1: {}}}\n")
    return tmp_path


def declare(site: Path, *items: str) -> None:
    (site / "waivers.yml").write_text("waivers:\n" + "".join(items))


def words(site: Path) -> list[str]:
    return ["-i", str(site / "hosts.yml")]


def test_a_wrong_waiver_stops_an_audit_before_anything_is_contacted(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(site, item(controls="nope"))
    store = str(site / "runs")
    told = refused(capsys, "audit", *words(site), "--store", store, code=ExitCode.BAD_CONFIG)
    assert told == f"hardener: {site}/waivers.yml:2: w: no control is called 'nope'\n"
    assert Store(store).runs() == []


def test_a_run_keeps_the_waivers_it_was_given(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declare(site, item(), item("old", days=-1))
    store = str(site / "runs")
    words = ["audit", "--waivers", str(site / "waivers.yml"), "--controls", "kernel-ipv6-use", "--store", store]
    assert main(words) == ExitCode.COMPLIANT
    assert "NOTICE: waiver old expired at " in capsys.readouterr().out
    assert [waiver.id for waiver in Store(store).load("latest").waivers] == ["w", "old"]


def test_the_list_says_which_count(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declare(site, item(), item("old", days=-1))
    assert main(["waivers", "list", *words(site)]) == ExitCode.COMPLIANT
    told = [line for line in capsys.readouterr().out.splitlines() if "UTC" in line]
    assert [line.rpartition("UTC")[2].strip() for line in told] == ["in effect", "expired"]


def test_lint_says_nothing_where_there_is_nothing_to_say(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declare(site, item())
    assert main(["waivers", "lint", *words(site), "--store", str(site / "runs")]) == ExitCode.COMPLIANT
    assert capsys.readouterr().out == ""


def test_lint_names_the_line_of_what_needs_somebody(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declare(site, item(), item("old", days=-1), item("lost", scope="'mail*'"), item("twin", scope="web*"))
    lint = ["waivers", "lint", *words(site), "--store", str(site / "runs")]
    assert main(lint) == ExitCode.FINDINGS
    told = capsys.readouterr().out.splitlines()
    file = site / "waivers.yml"
    assert told[0].startswith(f"{file}:4: old: expired at ")
    assert told[1:] == [
        f"{file}:6: lost: its scope 'mail*' names no target",
        f"{file}:8: twin: waiver w covers all it covers",
    ]
    assert main([*lint, "--within", "100"]) == ExitCode.FINDINGS
    assert f"{file}:2: w: expires at " in capsys.readouterr().out


def adding(site: Path, *more: str, days: int = 90) -> list[str]:
    expires = (NOW + timedelta(days=days)).isoformat()
    by = ["--requested-by", "ann", "--approved-by", "bob", "--kind", "false-positive", "--reason", "Seen: twice."]
    return ["waivers", "add", *words(site), "--id", "new", "--controls", "sshd-*", *by, "--expires", expires, *more]


def test_add_appends_and_keeps_every_other_line(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declare(site, "  # The old ones.\n", item())
    file = site / "waivers.yml"
    file.chmod(0o640)
    before = file.read_text()
    assert main(adding(site, "--observed", "1*", "--ticket", "T-1")) == ExitCode.COMPLIANT
    assert "new counts until" in capsys.readouterr().out
    assert file.read_text().startswith(before)
    assert file.stat().st_mode & 0o777 == 0o640
    assert main(["waivers", "list", *words(site)]) == ExitCode.COMPLIANT
    assert "1*" in capsys.readouterr().out


def test_add_makes_the_file_where_there_is_none(site: Path) -> None:
    assert main(adding(site)) == ExitCode.COMPLIANT
    assert (site / "waivers.yml").read_text().startswith("---\nwaivers:\n  - id: new\n")


def test_add_writes_nothing_that_is_wrong(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declare(site, item("new"))
    before = (site / "waivers.yml").read_text()
    assert "two waivers are called new" in refused(capsys, *adding(site), code=ExitCode.BAD_CONFIG)
    began = ["--effective", (NOW - timedelta(days=9)).isoformat()]
    assert "has expired already" in refused(
        capsys, *adding(site, "--id", "x", *began, days=-1), code=ExitCode.BAD_CONFIG
    )
    assert (site / "waivers.yml").read_text() == before


def test_add_wants_one_file(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    told = refused(capsys, *(word for word in adding(site) if word not in words(site)), code=ExitCode.USAGE)
    assert "name the file to append to" in told
