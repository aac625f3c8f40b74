"""``drift --notify`` from the store to receivers on loopback: who is told what, when, and that no secret comes out."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hardener.cli import main
from hardener.errors import ExitCode, StoreError
from hardener.model import Outcome, Scope
from hardener.store import Store
from hardener.store.contents import unpacked
from tests.unit.receivers import Mail, Webhook, refusing_port, serving
from tests.unit.store.nights import dead, night, result
from tests.unit.test_cli import refused

SECRET = "tok3n-of-nobody"
REGRESSED = "web  alpha-one  The title of alpha-one: pass: 5 -> fail: 99, since 2026-01-02 03:00:00 UTC; "
REGRESSED += "hardener apply -i hosts.yml -l web --controls alpha-one"


ABOUT_EVERYTHING = "is about everything in the project's newest audit: leave out --from and -l"


class Site:
    """A store, and a project file that names two recipients by the environment."""

    def __init__(self, folder: Path, patched: pytest.MonkeyPatch) -> None:
        self.folder, self.patched = folder, patched
        self.store = Store(folder / "runs.sqlite")
        (folder / "hardener.yml").write_text("store: runs.sqlite\nnotify: [$ALERTS_HOOK, $ALERTS_OTHER]\n")
        patched.chdir(folder)
        self.nights = 0
        self.scope = Scope(project=str(folder.resolve()), inventories=("hosts.yml",))

    def tells(self, first: int, second: int) -> None:
        """Where the recipients listen."""
        self.patched.setenv("ALERTS_HOOK", f"json://ann:{SECRET}@127.0.0.1:{first}/{SECRET}")
        self.patched.setenv("ALERTS_OTHER", f"json://127.0.0.1:{second}/{SECRET}/other")

    def night(self, seen: int | Outcome | None, other: int = 5) -> None:
        """What ``web`` and ``db`` show; ``None`` of a target nobody can reach."""
        self.nights += 1
        web = dead("web", "alpha-one") if seen is None else result("web", alpha_one=seen)
        self.store.save(night(self.nights, web, result("db", "d", alpha_one=other), scope=self.scope))


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    with serving(server):
        yield server


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, webhook: Webhook) -> Site:
    """A site after one quiet night, told of by one webhook."""
    made = Site(tmp_path, monkeypatch)
    (tmp_path / "hardener.yml").write_text("store: runs.sqlite\nnotify: [$ALERTS_HOOK]\n")
    made.tells(webhook.port, webhook.port)
    made.night(5)
    return made


@pytest.fixture(autouse=True)
def _no_secret_comes_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """After every test here: neither in what was printed or logged, nor in any byte of the store."""
    caplog.set_level(logging.DEBUG)
    printed: list[str] = []
    read = capfd.readouterr

    def keeping() -> Any:
        told = read()
        printed.extend((told.out, told.err))
        return told

    capfd.readouterr = keeping  # type: ignore[method-assign]
    yield
    keeping()
    files = [path.read_bytes() for path in tmp_path.glob("*") if path.is_file()]
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        files += [unpacked(body, "alert") for (body,) in connection.execute("SELECT body FROM alert")]
    assert SECRET not in "".join(printed) + caplog.text
    assert not [data for data in files if SECRET.encode() in data]


def told(capfd: pytest.CaptureFixture[str], *arguments: str, code: ExitCode = ExitCode.COMPLIANT) -> tuple[str, str]:
    """What ``drift --notify`` prints."""
    assert main(["drift", "--notify", *arguments]) == code
    return capfd.readouterr()


def test_a_regression_is_told_once_and_so_is_its_recovery(
    site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    told(capfd)
    assert webhook.posted == []
    site.night(99)
    report, _ = told(capfd, code=ExitCode.FINDINGS)
    assert report.startswith("drift in night-002: ")
    (body,) = webhook.posted
    assert body["title"] == "hardener: 1 regressed on web"
    assert body["message"] == f"REGRESSED (1)\n{REGRESSED}\n\nrun night-002, 2026-01-02 03:00:00 UTC"
    told(capfd, code=ExitCode.FINDINGS)
    site.night(99)
    report, _ = told(capfd, code=ExitCode.FINDINGS)
    assert "1 regression standing, oldest 2 nights\n" in report
    assert len(webhook.posted) == 1
    site.night(5)
    assert told(capfd) == ("", "")
    assert webhook.posted[1]["title"] == "hardener: 1 recovered on web"
    line = "web  alpha-one  The title of alpha-one: pass: 5, had failed since 2026-01-02 03:00:00 UTC"
    assert line in webhook.posted[1]["message"]
    site.night(99)
    told(capfd, code=ExitCode.FINDINGS)
    assert [body["title"] for body in webhook.posted[2:]] == ["hardener: 1 regressed on web"]


def test_what_stands_is_told_again_after_the_days_that_the_project_says(
    site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    (site.folder / "hardener.yml").write_text("store: runs.sqlite\nnotify: [$ALERTS_HOOK]\nremind_days: 2\n")
    site.night(99)
    for _ in range(4):
        told(capfd, code=ExitCode.FINDINGS)
        site.night(99)
    told(capfd, code=ExitCode.FINDINGS)
    titles = [body["title"] for body in webhook.posted]
    assert titles == ["hardener: 1 regressed on web", *["hardener: 1 still standing on web"] * 2]


def test_what_got_worse_is_told_by_that_name(site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]) -> None:
    site.night(20)
    told(capfd, code=ExitCode.FINDINGS)
    site.night(99)
    told(capfd, code=ExitCode.FINDINGS)
    assert webhook.posted[1]["title"] == "hardener: 1 worse on web"
    assert "fail: 20 -> fail: 99" in webhook.posted[1]["message"]


def test_an_audit_by_hand_in_between_hides_nothing(
    site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    told(capfd)
    site.night(99)
    site.night(99)
    told(capfd, code=ExitCode.FINDINGS)
    assert REGRESSED in webhook.posted[0]["message"]


@pytest.mark.parametrize("nights", ["3", "2"])
def test_a_silent_target_is_told_and_so_is_its_return(
    nights: str, site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    (site.folder / "hardener.yml").write_text(f"store: runs.sqlite\nnotify: [$ALERTS_HOOK]\nsilent_nights: {nights}\n")
    for _ in range(int(nights)):
        assert webhook.posted == []
        site.night(None)
        told(capfd, code=ExitCode.INCOMPLETE)
    assert webhook.posted[0]["title"] == "hardener: 1 silent on web"
    assert "web: last seen completely 2026-01-01 03:00:00 UTC; no route" in webhook.posted[0]["message"]
    site.night(5)
    told(capfd)
    assert "RECOVERED (1)\nweb: answers again" in webhook.posted[1]["message"]


def test_a_delivery_that_fails_is_tried_again_and_costs_the_others_nothing(
    site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    (site.folder / "hardener.yml").write_text("store: runs.sqlite\nnotify: [$ALERTS_OTHER, $ALERTS_HOOK]\n")
    told(capfd)
    site.tells(webhook.port, webhook.port)
    webhook.status = 500
    site.night(99)
    report, problems = told(capfd, code=ExitCode.INCOMPLETE)
    assert "REGRESSED (1)" in report
    assert problems.splitlines() == [
        f"hardener: json ({position}) could not be told: it answered 500" for position in (1, 2)
    ]
    webhook.status = 200
    webhook.posted.clear()
    site.night(99)
    told(capfd, code=ExitCode.FINDINGS)
    assert [REGRESSED in body["message"] for body in webhook.posted] == [True, True]
    told(capfd, code=ExitCode.FINDINGS)
    assert len(webhook.posted) == 2


def test_one_that_is_away_learns_only_what_is_still_so(
    site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    told(capfd)
    webhook.status = 503
    site.night(99, other=99)
    told(capfd, code=ExitCode.INCOMPLETE)
    webhook.status = 200
    webhook.posted.clear()
    site.night(99, other=5)
    told(capfd, code=ExitCode.FINDINGS)
    assert [body["title"] for body in webhook.posted] == ["hardener: 1 regressed on web"]


def test_a_mail_server_that_fails_is_told_by_its_label(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    mail = f"mailto://ann:{SECRET}@127.0.0.1:{{}}?from=ann@example.org&to=ops@example.org&mode=insecure"
    site.patched.setenv("ALERTS_HOOK", mail.format(refusing_port()))
    site.night(99)
    _, problems = told(capfd, code=ExitCode.INCOMPLETE)
    reason = "it could not be reached, or did not take it"
    assert problems == f"hardener: mailto (1) could not be told: {reason}\n"
    server = Mail()
    with serving(server):
        site.patched.setenv("ALERTS_HOOK", mail.format(server.port))
        told(capfd, code=ExitCode.FINDINGS)
    assert len(server.mails) == 1


def test_a_dry_run_shows_what_would_be_told_and_tells_nobody(
    site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    site.night(5)
    assert told(capfd, "--dry-run") == ("nothing to tell json (1)\n", "")
    site.night(99)
    for _ in range(2):
        shown, _ = told(capfd, "--dry-run", code=ExitCode.FINDINGS)
        text = f"REGRESSED (1)\n{REGRESSED.replace('01-02', '01-03')}\n"
        assert f"would tell json (1):\n\nhardener: 1 regressed on web\n\n{text}" in shown
    assert webhook.posted == []


def test_what_was_told_and_could_not_be_kept_is_told_again(
    site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_arguments: object) -> None:
        raise StoreError("runs: database or disk is full")

    site.night(99)
    with site.patched.context() as patched:
        patched.setattr(Store, "remember", full)
        told(capfd, code=ExitCode.BAD_CONFIG)
    told(capfd, code=ExitCode.FINDINGS)
    assert len(webhook.posted) == 2


def test_an_audit_that_no_baseline_fits_does_not_stop_the_others(
    site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    main(["baseline", "set", "latest"])
    told(capfd)
    site.store.save(night(50, result("web", alpha_one=5), profile="cis-level2", scope=site.scope))
    site.night(99)
    told(capfd, code=ExitCode.FINDINGS)
    assert REGRESSED in webhook.posted[0]["message"]


def test_recipients_can_be_tried(site: Site, webhook: Webhook, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["notify", "test"]) == ExitCode.COMPLIANT
    assert capfd.readouterr() == ("", "")
    assert [body["title"] for body in webhook.posted] == ["hardener: a test"]
    site.tells(refusing_port(), webhook.port)
    assert main(["notify", "test"]) == ExitCode.INCOMPLETE
    assert capfd.readouterr().err.startswith("hardener: json (1) could not be told: ")


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--notify", "--from", "latest"], ABOUT_EVERYTHING),
        (["--notify", "-l", "web"], ABOUT_EVERYTHING),
        (["--dry-run"], "goes with --notify"),
        (["--notify", "--silent-nights", "0"], "--silent-nights"),
    ],
)
def test_words_that_do_not_go_together(
    arguments: list[str], cause: str, site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cause in refused(capfd, "drift", *arguments, code=ExitCode.USAGE)
    assert site.nights == 1


def test_recipients_that_cannot_be_used_stop_the_command_at_once(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    site.night(99)
    site.patched.delenv("ALERTS_HOOK")
    line = f"hardener: {site.folder}/hardener.yml:2: notify 1: the environment has no ALERTS_HOOK\n"
    assert refused(capfd, "drift", "--notify", code=ExitCode.BAD_CONFIG) == line
    assert refused(capfd, "notify", "test", code=ExitCode.BAD_CONFIG) == line
    (site.folder / "hardener.yml").write_text("store: runs.sqlite\n")
    line = "hardener: notify: the project file names nobody to tell\n"
    assert refused(capfd, "drift", "--notify", code=ExitCode.BAD_CONFIG) == line
    assert main(["drift"]) == ExitCode.FINDINGS
