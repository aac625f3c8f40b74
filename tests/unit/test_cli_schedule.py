"""The commands about the schedule: what a project has to be like, what is written for it, and what is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hardener.cli import main
from hardener.cli import schedule as commands
from hardener.errors import ExitCode, TransportError
from hardener.model import Connection
from hardener.project import lay_down
from hardener.schedule.units import SERVICE, TIMER
from hardener.store import Store
from hardener.transport import connector
from tests.unit.schedule.grammar import settings, words
from tests.unit.schedule.recorded import SERVICE_SHOWN, TIMER_SHOWN, Recorded, manager
from tests.unit.store.nights import FIRST_NIGHT, night, result
from tests.unit.test_cli import refused

REMOTE = "all: {hosts: {node: {ansible_host: 192.0.2.1}}}\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one host elsewhere, in the working directory; its store is in a directory of its own."""
    place = tmp_path / "site"
    lay_down(place)
    (place / "hosts.yml").write_text(REMOTE)
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return place


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """The service manager of every command here, with units in ``units``."""
    answers = Recorded({SERVICE: SERVICE_SHOWN, TIMER: TIMER_SHOWN})
    monkeypatch.setattr(commands, "_manager", lambda user: manager(tmp_path / "units", answers, is_user=bool(user)))
    return answers


def installed(folder: Path) -> dict[str, list[str]]:
    """The settings of the service's section Service."""
    found = settings((folder / "units" / SERVICE).read_text())
    return {name.removeprefix("Service."): list(values) for name, values in found.items()}


def tell(site: Path, *recipients: str) -> None:
    """Have the project's drift told."""
    with (site / "hardener.yml").open("a") as project:
        project.write(f"notify: {json.dumps(recipients)}\n")


def test_the_project_that_is_found_is_scheduled(
    site: Path, recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(site, "$HARDENER_MAIL")
    below = site / "profiles"
    os.chdir(below)
    assert main(["schedule", "install", "--at", "daily", "--delay", "60", "--notify"]) == ExitCode.COMPLIANT
    said = capsys.readouterr()
    assert said.out.startswith(f"wrote {tmp_path}/units/{SERVICE}\nwrote {tmp_path}/units/{TIMER}\n")
    assert f"nobody is told through $HARDENER_MAIL unless a drop-in of {SERVICE} sets it" in said.err
    found = installed(tmp_path)
    assert found["WorkingDirectory"] == [str(site)]
    assert "--project" not in found["ExecStart"][0]
    assert found["ExecStart"][1].endswith("-P -m hardener drift --notify")
    assert found["ReadWritePaths"] == [str(tmp_path / "state" / "hardener")]
    assert f"XDG_STATE_HOME={tmp_path / 'state'}" in found["Environment"]
    timer = settings((tmp_path / "units" / TIMER).read_text())
    assert (timer["Timer.OnCalendar"], timer["Timer.RandomizedDelaySec"]) == (["daily"], ["60"])
    assert "systemd-analyze calendar -- daily" in recorded.asked


HOSTS = "all: {hosts: {fixed: {}, held: {}, new: {}}, vars: {ansible_host: 192.0.2.1}}\n"


@pytest.mark.usefixtures("recorded")
def test_what_the_nights_will_be_compared_with_is_told_before_the_first(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "hosts.yml").write_text(HOSTS)
    store = Store(site / "runs.sqlite")
    with (site / "hardener.yml").open("a") as project:
        project.write("store: runs.sqlite\n")
    store.save(night(1, result("fixed", "f", alpha_one=5), result("held", "h", alpha_one=5), profile="site"))
    store.declare_baseline("night-001", "fixed", FIRST_NIGHT)
    assert main(["schedule", "install"]) == ExitCode.COMPLIANT
    assert capsys.readouterr().out.splitlines()[2:] == [
        "compared with what is declared: fixed (night-001)",
        "compared with what held last: held",
        "compared with nothing yet, their first night is looked at alone: new",
    ]
    store.save(night(2, result("fixed", "f", alpha_one=5), profile="cis-level2"))
    store.declare_baseline("night-002", "fixed", FIRST_NIGHT)
    told = refused(capsys, "schedule", "install", code=ExitCode.BAD_CONFIG)
    assert told == (
        "hardener: baseline of fixed: night-002 was made with profile cis-level2, the nights are with site: "
        "declare another baseline\n"
    )


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("recipients", "cause"),
    [((), "names nobody to tell"), (("file:slack",), "slack: No such file"), (("file:open",), "others can read")],
)
def test_what_cannot_be_told_at_night_is_refused_by_day(
    site: Path, tmp_path: Path, recipients: tuple[str, ...], cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "open").write_text("json://127.0.0.1/\n")
    (site / "open").chmod(0o644)
    if recipients:
        tell(site, *recipients)
    assert cause in refused(capsys, "schedule", "install", "--notify", code=ExitCode.BAD_CONFIG)
    assert not (tmp_path / "units").exists() or not any((tmp_path / "units").iterdir())


@pytest.mark.usefixtures("recorded")
def test_a_project_file_that_is_named_is_named_at_night(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "hardener.yml").rename(site / "other.yml")
    monkeypatch.chdir(tmp_path)
    assert main(["--project", "site/other.yml", "schedule", "install"]) == ExitCode.COMPLIANT
    audit, drift = (words(command) for command in installed(tmp_path)["ExecStart"])
    for command in (audit, drift):
        assert command[command.index("--project") + 1] == str(site / "other.yml")


@pytest.mark.usefixtures("recorded")
def test_the_store_of_the_project_and_the_metrics_are_what_the_service_may_write(site: Path, tmp_path: Path) -> None:
    (site / "hardener.yml").write_text("inventory: [hosts.yml]\nstore: kept/runs.sqlite\n")
    (tmp_path / "metrics").mkdir()
    assert main(["schedule", "install", "--metrics", "../metrics/h.prom"]) == ExitCode.COMPLIANT
    found = installed(tmp_path)
    assert found["ReadWritePaths"] == [f"{site / 'kept'} {tmp_path / 'metrics'}"]
    assert (site / "kept" / "runs.sqlite").exists()
    assert f"--metrics {tmp_path}/metrics/h.prom" in found["ExecStart"][0]


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("inventory", ["inventory: [hosts.yml]\n", "{}\n"], ids=["local", "none"])
def test_a_project_with_this_machine_is_audited_without_a_sandbox(site: Path, tmp_path: Path, inventory: str) -> None:
    (site / "hosts.yml").write_text("all: {hosts: {me: {ansible_connection: local}, node: {}}}\n")
    (site / "hardener.yml").write_text(inventory)
    assert main(["schedule", "install"]) == ExitCode.COMPLIANT
    assert "ProtectSystem" not in installed(tmp_path)


def test_a_sandbox_does_not_tell_what_it_sees_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDENER_SANDBOX", "1")
    with pytest.raises(TransportError, match="a sandbox hides much of this machine"):
        connector()(Connection(kind="local", host="localhost"))


@pytest.mark.parametrize(
    ("file", "text", "cause"),
    [
        ("hosts.yml", "all: [\n", "hosts.yml:"),
        ("profiles/site.yml", "title: x\nextends: nothing\n", "profiles/site.yml:"),
        ("waivers.yml", "waivers: 5\n", "waivers.yml:1"),
        ("hardener.yml", "store: /dev/null/runs\n", "/dev/null"),
        ("hardener.yml", "workers: many\n", "hardener.yml:1"),
    ],
)
def test_what_would_fail_at_night_is_refused_by_day(
    site: Path, recorded: Recorded, capsys: pytest.CaptureFixture[str], file: str, text: str, cause: str
) -> None:
    (site / file).write_text(text)
    assert cause in refused(capsys, "schedule", "install", code=ExitCode.BAD_CONFIG)
    assert recorded.changes() in ([], ["systemd-analyze calendar -- *-*-* 02:00"])
    assert not (site.parent / "units").exists()


@pytest.mark.usefixtures("recorded")
def test_there_has_to_be_a_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = refused(capsys, "schedule", "install", code=ExitCode.BAD_CONFIG)
    assert told == f"hardener: {tmp_path}: no hardener.yml here or above: 'hardener init' lays one down\n"


@pytest.mark.usefixtures("recorded", "site")
def test_metrics_need_a_directory_of_one_s_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = refused(
        capsys, "schedule", "install", "--metrics", f"{tmp_path}/nowhere/h.prom", code=ExitCode.BAD_CONFIG
    )
    assert missing == f"hardener: {tmp_path}/nowhere: there is no such directory\n"


@pytest.mark.usefixtures("recorded", "site")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 65534, -1)
    told = refused(capsys, "schedule", "install", "--metrics", f"{tmp_path}/theirs/h.prom", code=ExitCode.BAD_CONFIG)
    assert "belongs to somebody else" in told


def test_status_and_remove_say_what_there_is(
    site: Path, recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schedule", "status"]) == ExitCode.COMPLIANT
    assert capsys.readouterr().out == "nothing is scheduled: 'hardener schedule install' does it\n"
    main(["schedule", "install"])
    capsys.readouterr()
    assert main(["schedule", "status"]) == ExitCode.COMPLIANT
    assert capsys.readouterr().out.splitlines() == [
        f"timer   {tmp_path}/units/{TIMER}",
        f"project {site}",
        f"store   {tmp_path}/state/hardener/runs.sqlite",
        "next    2026-11-22 02:06:09 UTC",
        "last    2026-11-21 02:10:55 UTC",
        "result  exit code 1: regressions stand",
    ]
    assert main(["schedule", "remove"]) == ExitCode.COMPLIANT
    assert capsys.readouterr().out == f"removed {tmp_path}/units/{TIMER}\nremoved {tmp_path}/units/{SERVICE}\n"
    assert main(["schedule", "remove"]) == ExitCode.COMPLIANT
    assert capsys.readouterr().out == "nothing was scheduled\n"
    assert recorded.asked[-1].startswith("systemctl reset-failed")


def test_root_schedules_for_the_system_and_others_for_themselves() -> None:
    assert commands._manager(None).is_user is (os.geteuid() != 0)
    assert commands._manager(user=True).is_user
    assert not commands._manager(user=False).is_user
