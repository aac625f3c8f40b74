"""The commands over the store: what they print, what they refuse, and their exit codes."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

from hardener.cli import main
from hardener.errors import ExitCode, StoreError
from hardener.model import Run
from hardener.store import Store
from tests.unit.store.nights import dead, night, result
from tests.unit.test_cli import refused


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A quiet week, then a night on which something regressed."""
    location = tmp_path / "runs.sqlite"
    store = Store(location)
    for number in range(1, 8):
        store.save(night(number, result("web", alpha_one=5), result("db", "d", alpha_one=5)))
    store.save(night(8, result("web", alpha_one=99), result("db", "d", alpha_one=5)))
    return location


def ran(capsys: pytest.CaptureFixture[str], file: Path, *arguments: str, code: ExitCode = ExitCode.COMPLIANT) -> str:
    """What a command prints; nothing on stderr."""
    assert main([*arguments, "--store", str(file)]) == code
    told = capsys.readouterr()
    assert told.err == ""
    return told.out


def test_drift_is_silent_where_nothing_regressed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, file, "drift", "--from", "night-007") == ""
    assert ran(capsys, file, "drift", "-l", "db") == ""


def test_drift_tells_what_regressed_and_how_to_remedy_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ran(capsys, file, "drift", code=ExitCode.FINDINGS)
    assert "web  alpha-one" in told
    assert "pass: 5 -> fail: 99, expected at most 10" in told
    assert "since 2026-01-08 03:00:00 UTC" in told
    assert "hardener apply -i hosts.yml -l web --controls alpha-one" in told


def test_drift_that_cannot_be_seen_is_never_in_sync(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store(file).save(night(9, dead("web", "alpha-one"), result("db", "d", alpha_one=5)))
    assert "web  unreachable: no route" in ran(capsys, file, "drift", code=ExitCode.INCOMPLETE)


def test_drift_for_programs_and_as_a_page(file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    body = json.loads(ran(capsys, file, "drift", "-f", "json", code=ExitCode.FINDINGS))
    assert [event["kind"] for event in body["drift"]["events"]] == ["regressed"]
    (line,) = ran(capsys, file, "drift", "-f", "ndjson", code=ExitCode.FINDINGS).splitlines()
    assert json.loads(line)["control"] == "alpha-one"
    page = tmp_path / "drift.html"
    assert ran(capsys, file, "drift", "-f", "html", "-o", str(page), code=ExitCode.FINDINGS) == ""
    assert "1 regression standing, oldest 1 night; 1 new" in page.read_text("utf-8")


def test_the_first_night_has_nothing_to_be_compared_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store(tmp_path / "runs").save(night(1, result("web", alpha_one=99)))
    assert main(["drift", "--store", str(tmp_path / "runs")]) == ExitCode.COMPLIANT
    assert capsys.readouterr().err == "hardener: run night-001 has nothing to be compared with\n"


def test_a_baseline_is_set_shown_used_and_cleared(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, file, "baseline", "set", "night-001", "-l", "w*") == "baseline of web\n"
    assert re.search("web +night-001 +2026-01-01", ran(capsys, file, "baseline", "show"))
    Store(file).save(night(9, result("web", alpha_one=99), result("db", "d", alpha_one=5)))
    assert "REGRESSED (1)" in ran(capsys, file, "drift", code=ExitCode.FINDINGS)
    Store(file).save(night(10, result("web", alpha_one=6), result("db", "d", alpha_one=5)))
    assert ran(capsys, file, "baseline", "clear") == "no baseline any more: web\n"
    assert ran(capsys, file, "drift") == ""


def test_a_regression_stands_until_somebody_accepts_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """/etc/passwd made 0666, and nobody repairs it: the third night was green and silent."""
    for number in (9, 10, 11):
        Store(file).save(night(number, result("web", alpha_one=99), result("db", "d", alpha_one=5)))
        told = ran(capsys, file, "drift", code=ExitCode.FINDINGS)
        assert told.splitlines()[1] == f"1 regression standing, oldest {number - 7} nights"
    accept = ("baseline", "accept", "w*", "--controls", "alpha-*", "--reason", "the old backup")
    assert ran(capsys, file, *accept, "--by", "ann") == "accepted web alpha-one: fail: 99\n"
    assert ran(capsys, file, "drift") == ""
    shown = ran(capsys, file, "baseline", "show")
    assert re.search("web +alpha-one +fail: 99 +ann +20.* +the old backup", shown)
    assert ran(capsys, file, "store", "check") == ""
    Store(file).save(night(12, result("web", alpha_one=120), result("db", "d", alpha_one=5)))
    assert "web  alpha-one  medium  worse" in ran(capsys, file, "drift", code=ExitCode.FINDINGS)
    Store(file).save(night(13, result("web", alpha_one=99), result("db", "d", alpha_one=5)))
    assert ran(capsys, file, "drift") == ""
    assert ran(capsys, file, "baseline", "clear", "--controls", "beta-*") == ""
    assert ran(capsys, file, "baseline", "clear", "--controls", "alpha-*") == "no longer accepted: web alpha-one\n"
    assert "REGRESSED (1)" in ran(capsys, file, "drift", code=ExitCode.FINDINGS)
    assert "ann" not in ran(capsys, file, "baseline", "show")


def test_who_accepts_is_the_operator_where_nobody_is_named(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "bob")
    ran(capsys, file, "baseline", "accept", "*", "--controls", "*", "--reason", "why")
    assert [item.by for item in Store(file).accepted()] == ["bob"]


def test_a_baseline_of_another_profile_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(file)
    store.save(night(9, result("web", alpha_one=5), profile="cis-level2"))
    main(["baseline", "set", "latest", "--store", str(file)])
    store.save(night(10, result("web", alpha_one=5)))
    capsys.readouterr()
    told = refused(capsys, "drift", "--store", str(file), code=ExitCode.BAD_CONFIG)
    assert "baseline of web: night-009 was made with profile cis-level2, night-010 with cis-level1" in told


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["drift", "--from", "night-9"], "no run 'night-9'"),
        (["baseline", "set", "latest", "-l", "mail"], "run night-008 saw no target completely that 'mail' names"),
        (
            ["baseline", "accept", "db", "--controls", "*", "--reason", "why"],
            "no regression stands in run night-008 of a control that '*' names",
        ),
        (["runs", "history", "web", "alpha-none"], "nobody ever looked at 'alpha-none' on 'web'"),
    ],
)
def test_what_is_not_kept_is_named(
    arguments: list[str], cause: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, *arguments, "--store", str(file), code=ExitCode.BAD_CONFIG)
    assert told == f"hardener: {file}: {cause}\n"


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["runs", "prune"], "say what to keep: --keep-days, --keep-runs, or both"),
        (["runs", "prune", "--keep-runs", "0"], "--keep-runs"),
        (["baseline", "accept", "web", "--controls", "*"], "--reason"),
        (["baseline", "accept", "web", "--controls", "*", "--reason", " "], "say why"),
        (["report", "night-001", "--latest"], "is it night-001 or the latest?"),
        (["drift", "-f", "papyrus"], "'papyrus' is not one of table, json, ndjson, html"),
    ],
)
def test_wrong_words_are_usage_errors(
    arguments: list[str], cause: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cause in refused(capsys, *arguments, "--store", str(file), code=ExitCode.USAGE)


def test_history_is_told_newest_first(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ran(capsys, file, "runs", "history", "web", "alpha-one")
    assert re.findall(r"^ (2026-01-0\d).* (pass|fail) ", told, re.MULTILINE) == [
        ("2026-01-08", "fail"),
        ("2026-01-01", "pass"),
    ]


def test_a_report_tells_the_targets_a_pattern_names(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def targets(*arguments: str) -> list[str]:
        body = json.loads(ran(capsys, file, "report", "-f", "json", *arguments))["run"]
        return [body["id"], *(result["target"] for result in body["results"])]

    assert targets() == targets("--latest") == targets("latest") == ["night-008", "web", "db"]
    assert targets("night-003", "-l", "d*") == ["night-003", "db"]
    told = refused(capsys, "report", "-l", "mail", "--store", str(file), code=ExitCode.BAD_CONFIG)
    assert told == f"hardener: {file}: run night-008 has no target that 'mail' names\n"


def test_pruning_keeps_what_it_was_told_to(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ran(capsys, file, "runs", "prune", "--keep-days", "1", "--keep-runs", "2")
    assert told.startswith("removed 6 runs, ")
    listed = ran(capsys, file, "runs", "list")
    assert re.findall(r"night-\d+", listed) == ["night-008", "night-007"]


def test_a_sound_store_is_silent_and_a_damaged_one_is_not(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, file, "store", "check") == ""
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE content SET body = x'00' WHERE number = 1")
    told = ran(capsys, file, "store", "check", code=ExitCode.FINDINGS)
    assert told.startswith("content 1 cannot be unpacked")


def test_an_audit_that_cannot_be_kept_is_told_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_store: Store, _run: Run) -> None:
        raise StoreError("runs: database or disk is full")

    monkeypatch.setattr(Store, "save", full)
    arguments = ["audit", "--controls", "kernel-ipv6-use", "--store", str(tmp_path / "runs")]
    arguments += ["-i", "localhost,", "-e", "ansible_connection=local"]
    assert main(arguments) == ExitCode.BAD_CONFIG
    told = capsys.readouterr()
    assert "1 for a person" in told.out
    assert told.err == "hardener: runs: database or disk is full\n"


def test_a_run_can_be_told_by_the_requirements_of_others(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "CIS Debian Linux 12" in ran(capsys, file, "report", "--by", "cis-debian-12")
    assert ran(capsys, file, "report", "--by", "pci-dss", "-f", "csv").startswith("requirement,standing,targets")
    assert main(["report", "--by", "pci-dss", "-f", "html", "--store", str(file)]) == ExitCode.USAGE
    assert main(["report", "--by", "iso-27001", "--store", str(file)]) == ExitCode.BAD_CONFIG
    assert "no benchmark 'iso-27001'; there are cis-debian-12-1.1.0" in capsys.readouterr().err
