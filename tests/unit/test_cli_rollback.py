"""The list of what can be taken back, and which run ``rollback latest`` means."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.cli import main
from hardener.errors import ExitCode
from hardener.model import RunKind
from hardener.store import Store
from tests.unit.at_terminal import record
from tests.unit.builders import healthy
from tests.unit.fleet import Fleet
from tests.unit.store.nights import night, result
from tests.unit.store.test_undoable import CHANGE, done, scope
from tests.unit.test_cli import refused


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two targets, in the working directory, whose store others use as well."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "hosts.yml").write_text("all: {hosts: {web: {}, db: {}}}\n")
    (site / "hardener.yml").write_text("inventory: [hosts.yml]\nstore: ../runs\n")
    monkeypatch.chdir(site)
    return site


@pytest.fixture
def fleet(site: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """The project's targets, recorded."""
    fleet = Fleet(web=healthy(), db=healthy())
    record(fleet, site / "log", monkeypatch.setattr)
    return fleet


def keep(site: Path) -> Store:
    """Two applies of the project; then one of somebody else's, one that was cut short at once, and an audit."""
    store = Store(site.parent / "runs", str(site))
    own, others = scope(str(site), "hosts.yml"), scope("/srv/other", "hosts.yml")
    store.save(night(1, done("web", CHANGE), done("db", CHANGE, CHANGE), kind=RunKind.APPLY, scope=own))
    store.save(night(2, done("web", CHANGE), kind=RunKind.APPLY, scope=own))
    store.save(night(3, done("web", CHANGE), kind=RunKind.APPLY, scope=others))
    store.save(night(4, result("web"), kind=RunKind.APPLY, scope=own))
    store.save(night(5, result("web"), scope=own))
    return store


def undone(store: Store) -> list[str | None]:
    """Which runs were taken back, the newest first."""
    runs = [store.load(run.id) for run in store.runs() if run.kind is RunKind.ROLLBACK]
    return [run.scope.undone for run in runs]


def test_without_a_run_the_list_says_what_can_be_taken_back_where_and_how(
    site: Path, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    store = keep(site)
    kept = len(store.runs())
    assert main(["rollback"]) == ExitCode.USAGE
    *table, following = capsys.readouterr().out.splitlines()
    rows = [line.strip() for line in table if "night-" in line]
    assert [row.split("  ")[0] for row in rows] == ["night-002", "night-001"]
    assert [row.split()[-3:] for row in rows] == [["web", "1", "no"], ["db", "3", "no"]]
    assert following == "next: hardener rollback night-002"
    assert (fleet.trips, len(store.runs())) == ([], kept)


@pytest.mark.parametrize(
    ("words", "following"),
    [
        ((), "next: hardener rollback night-001 -i localhost, -e ansible_connection=local"),
        (("-i", "a b.yml"), "next: hardener rollback night-001 -i 'a b.yml'"),
    ],
)
def test_the_line_to_type_next_names_the_targets_where_no_project_does(
    words: tuple[str, ...],
    following: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Store("runs").save(night(1, done("web", CHANGE), kind=RunKind.APPLY, scope=scope(None)))
    assert main(["rollback", "--store", "runs", *words]) == ExitCode.USAGE
    assert capsys.readouterr().out.splitlines()[-1] == following


@pytest.mark.usefixtures("site")
def test_where_nothing_can_be_taken_back_the_list_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollback"]) == ExitCode.USAGE
    assert capsys.readouterr().out == "nothing can be taken back: no apply of this project changed anything\n"
    told = refused(capsys, "rollback", "latest", "--yes", code=ExitCode.BAD_CONFIG)
    assert told == "hardener: latest: nothing that this project changed is left to be taken back\n"


@pytest.mark.usefixtures("fleet")
def test_the_latest_is_the_project_s_newest_that_is_left_one_after_the_other(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = keep(site)
    for expected in (["night-002"], ["night-001", "night-002"]):
        assert main(["rollback", "latest", "--yes"]) == ExitCode.COMPLIANT
        assert undone(store) == expected
    capsys.readouterr()
    assert "nothing that this project changed is left" in refused(
        capsys, "rollback", "latest", "--yes", code=ExitCode.BAD_CONFIG
    )
    assert main(["rollback"]) == ExitCode.USAGE
    told = capsys.readouterr().out
    assert "next:" not in told
    assert [line.split()[-1] for line in told.splitlines() if "night-" in line] == ["yes", "yes"]


def test_what_has_been_taken_back_on_a_target_is_not_shown_or_done_again(
    site: Path, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    store = keep(site)
    store.save(night(6, done("web", CHANGE), kind=RunKind.ROLLBACK, scope=scope(str(site), undone="night-001")))
    assert main(["rollback", "night-001", "--yes"]) == ExitCode.COMPLIANT
    shown = capsys.readouterr().err
    assert "db:\n  2 changes\n" in shown
    assert "web" not in shown
    assert fleet.keeper("web").calls == []
    told = refused(capsys, "rollback", "night-001", "--yes", code=ExitCode.BAD_CONFIG)
    assert "night-001 has been taken back on these targets" in told


def test_the_latest_that_changed_none_of_these_targets_is_no_older_one(
    site: Path, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(site)
    del fleet.hosts["web"]  # as with -l db
    told = refused(capsys, "rollback", "latest", "--yes", code=ExitCode.BAD_CONFIG)
    assert "night-002 changed none of these targets: 'hardener rollback' lists what can be" in told


def test_commands_that_read_mean_the_project_s_own_run_as_well(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = keep(site)
    store.save(night(7, result("mail"), scope=scope("/srv/other")))
    for words in (["runs", "show", "latest"], ["runs", "show"], ["report", "-f", "table"], ["report", "--latest"]):
        assert main(words) == ExitCode.COMPLIANT
        assert "night-005" in capsys.readouterr().out
    monkeypatch.chdir(site.parent)
    told = refused(capsys, "runs", "show", "latest", "--store", "runs", code=ExitCode.BAD_CONFIG)
    assert "no run outside of a project is kept; 'hardener runs list' shows those of all" in told
