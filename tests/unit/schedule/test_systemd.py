"""Installing, removing and asking: what is written, what is left alone, and in which order systemd is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hardener.errors import ConfigError, ScheduleError
from hardener.schedule import Systemd, unit_texts
from hardener.schedule.systemd import run
from hardener.schedule.units import SERVICE, TIMER
from tests.unit.schedule.recorded import SERVICE_SHOWN, TIMER_SHOWN, Recorded, manager
from tests.unit.schedule.test_units import NIGHTLY

TEXTS = unit_texts(NIGHTLY)
FOREIGN = "[Service]\nExecStart=/bin/true\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "systemd" / "system"


def install(folder: Path) -> Recorded:
    recorded = Recorded()
    manager(folder, recorded).install(TEXTS)
    return recorded


def test_both_units_are_written_and_the_timer_starts(folder: Path) -> None:
    recorded = install(folder)
    assert {file.name: file.read_text() for file in folder.iterdir()} == TEXTS
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
    assert recorded.changes() == ["systemctl daemon-reload", f"systemctl enable --now {TIMER}"]


def test_installing_twice_writes_once(folder: Path) -> None:
    install(folder)
    before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert manager(folder, Recorded()).install(TEXTS) == {folder / SERVICE: False, folder / TIMER: False}
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == before


def test_installing_otherwise_replaces_what_is_ours(folder: Path) -> None:
    install(folder)
    other = {**TEXTS, TIMER: TEXTS[TIMER].replace("02:00", "03:00")}
    assert manager(folder, Recorded()).install(other) == {folder / SERVICE: False, folder / TIMER: True}
    assert (folder / TIMER).read_text() == other[TIMER]


@pytest.mark.parametrize("name", [SERVICE, TIMER])
@pytest.mark.parametrize("kind", ["file", "mask"])
def test_a_unit_of_somebody_else_is_neither_replaced_nor_removed(folder: Path, name: str, kind: str) -> None:
    folder.mkdir(parents=True)
    if kind == "file":
        (folder / name).write_text(FOREIGN)
    else:
        (folder / name).symlink_to("/dev/null")
    recorded = Recorded()
    for change in (lambda: manager(folder, recorded).install(TEXTS), manager(folder, recorded).remove):
        with pytest.raises(ConfigError, match=f"{folder / name}: it was not written by"):
            change()
    assert [file.name for file in folder.iterdir()] == [name]
    assert recorded.changes() == []


def test_without_a_service_manager_nothing_is_written(folder: Path) -> None:
    recorded = Recorded(refused={"systemctl show": "systemctl show: Failed to connect to bus"})
    with pytest.raises(ScheduleError, match="Failed to connect to bus"):
        manager(folder, recorded).install(TEXTS)
    assert not folder.exists()


def test_removing_takes_away_what_installing_brought(folder: Path) -> None:
    install(folder)
    (folder / "other.service").write_text(FOREIGN)
    recorded = Recorded()
    assert manager(folder, recorded).remove() == [folder / TIMER, folder / SERVICE]
    assert [file.name for file in folder.iterdir()] == ["other.service"]
    assert recorded.changes() == [
        f"systemctl disable --now {TIMER}",
        "systemctl daemon-reload",
        "systemctl reset-failed hardener-nightly.*",
    ]


def test_removing_nothing_changes_nothing(folder: Path) -> None:
    recorded = Recorded()
    assert manager(folder, recorded).remove() == []
    assert recorded.asked == []


def test_half_an_installation_can_be_removed(folder: Path) -> None:
    install(folder)
    (folder / TIMER).unlink()
    recorded = Recorded()
    assert manager(folder, recorded).remove() == [folder / SERVICE]
    assert not any("disable" in line for line in recorded.asked)


def test_a_user_s_manager_is_asked_as_such(folder: Path) -> None:
    recorded = Recorded()
    manager(folder, recorded, is_user=True).install(TEXTS)
    assert all(line.startswith("systemctl --user ") for line in recorded.asked)


def test_the_status_is_what_systemd_says(folder: Path) -> None:
    install(folder)
    found = manager(folder, Recorded({SERVICE: SERVICE_SHOWN, TIMER: TIMER_SHOWN})).status()
    assert found is not None
    assert (found.is_waiting, found.project, found.store) == (True, "/srv/site", NIGHTLY.store)
    assert found.next == datetime(2026, 11, 22, 2, 6, 9, tzinfo=UTC)
    assert found.last == datetime(2026, 11, 21, 2, 10, 55, tzinfo=UTC)
    assert found.result == "exit code 1: regressions stand"


@pytest.mark.parametrize(
    ("shown", "result"),
    [
        ("ActiveState=activating\nResult=success\n", "under way"),
        ("ActiveState=inactive\nResult=success\nExecMainExitTimestamp=n/a\n", "not run since this machine started"),
        ("ActiveState=inactive\nResult=success\nExecMainExitTimestamp=Sat 2026-11-21 02:10:55 UTC\n", "success"),
        (SERVICE_SHOWN.replace("Status=1", "Status=65"), "exit code 65: bad configuration"),
        (SERVICE_SHOWN.replace("Status=1", "Status=77"), "exit code 77"),
        (SERVICE_SHOWN.replace("exit-code", "timeout"), "timeout"),
    ],
)
def test_the_result_is_in_words(folder: Path, shown: str, result: str) -> None:
    install(folder)
    found = manager(folder, Recorded({SERVICE: shown})).status()
    assert found is not None
    assert (found.result, found.is_waiting, found.next) == (result, False, None)


def test_the_last_time_is_known_after_a_restart_of_the_machine(folder: Path) -> None:
    install(folder)
    found = manager(folder, Recorded({TIMER: TIMER_SHOWN})).status()
    assert found is not None
    assert found.last == datetime(2026, 11, 21, 2, 3, 12, tzinfo=UTC)


def test_what_is_not_installed_has_no_status(folder: Path) -> None:
    assert manager(folder, Recorded()).status() is None


def test_a_calendar_event_that_systemd_does_not_know_is_refused(folder: Path) -> None:
    recorded = Recorded(refused={"systemd-analyze calendar -- 25:00": "systemd-analyze calendar: Failed to parse"})
    manager(folder, recorded).refuse_calendar("daily")
    with pytest.raises(ConfigError, match=r"--at: systemd-analyze calendar: Failed to parse"):
        manager(folder, recorded).refuse_calendar("25:00")


def test_a_file_in_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"Not a directory|File exists"):
        manager(tmp_path / "file", Recorded()).install(TEXTS)


def test_a_command_s_complaint_is_one_line() -> None:
    assert run(["/bin/sh", "-c", "echo said; echo unheard >&2"]) == "said\n"
    with pytest.raises(ScheduleError, match=r"^/bin/sh -c: no bus$"):
        run(["/bin/sh", "-c", "echo no bus >&2; echo more >&2; exit 1"])
    with pytest.raises(ScheduleError, match=r"^/bin/sh -c: status 3$"):
        run(["/bin/sh", "-c", "exit 3"])
    with pytest.raises(ScheduleError, match="cannot run /nowhere: No such file"):
        run(["/nowhere"])


def test_whose_manager_it_is_decides_over_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert Systemd.of_user() == Systemd(folder=tmp_path / "systemd" / "user", is_user=True)
    assert Systemd.of_system() == Systemd(folder=Path("/etc/systemd/system"), is_user=False)
