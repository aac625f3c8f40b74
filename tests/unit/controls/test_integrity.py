"""What the controls of integrity see and say, from answers of Debian nodes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.control import CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import integrity
from tests.unit.controls.recorded import Result

VALUES = yaml.safe_load((roles_directory() / "integrity" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("integrity", integrity.CONTROLS)])
STRONG = "p+i+n+u+g+s+b+acl+xattrs+sha512"
GUARDED = "".join(f"/usr/sbin/{tool} {STRONG}\n" for tool in integrity.AUDIT_TOOLS)
TIMER = "dailyaidecheck.timer"


class Answering:
    """Answers questions by how they begin; the questions about packages and units as a hardened node would."""

    def __init__(self, answers: dict[str, str | int], packages: str = "aide installed\n") -> None:
        self.answers: dict[str, str | int] = {
            "dpkg-query": packages,
            "systemctl list-unit-files": f"{TIMER} enabled enabled\n",
            "units=$(systemctl list-units": f"{TIMER} active\n",
            **answers,
        }

    def run(self, command: str, *_: str, seconds: int | None = None) -> Result:
        del seconds
        answer = next(answer for start, answer in self.answers.items() if command.startswith(start))
        return Result(answer, "", "it broke") if isinstance(answer, int) else Result(0, answer)


def complaints(name: str, host: Answering) -> Any:
    control = CATALOGUE[f"integrity-{name}"]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(host))


@pytest.mark.parametrize(
    ("rules", "packages", "said"),
    [
        (GUARDED, "aide installed\n", 0),
        (GUARDED, "curl installed\n", 6),
        ("", "aide installed\n", 6),
        (GUARDED.replace("+sha512", "", 1), "aide installed\n", 1),
        ("/usr/sbin/auditctl p+sha512\n" + GUARDED, "aide installed\n", 1),
        (GUARDED.replace("/usr/sbin/auditd ", "/usr/sbin/auditd$ f "), "aide installed\n", 0),
    ],
)
def test_each_audit_tool_has_a_strong_rule_of_its_own(rules: str, packages: str, said: int) -> None:
    assert len(complaints("audit-tools", Answering({"for file": rules}, packages))) == said


def test_what_a_rule_lacks_is_named() -> None:
    rules = GUARDED.replace("/usr/sbin/auditd " + STRONG, "/usr/sbin/auditd p+i+n+u+g+s+b+acl+md5")
    assert complaints("audit-tools", Answering({"for file": rules})) == ("auditd lacks xattrs, sha512",)


@given(some.sets(some.sampled_from(STRONG.split("+"))), some.sets(some.sampled_from(["m", "c", "sha256", "ftype"])))
def test_more_attributes_are_welcome_and_fewer_are_not(missing: set[str], more: set[str]) -> None:
    observed = "+".join([*(name for name in STRONG.split("+") if name not in missing), *more])
    assert integrity.at_least_attributes(STRONG).accepts(observed) == (not missing)


@pytest.mark.parametrize(
    ("rules", "left_out"),
    [
        (["!/var/lib/docker/"], True),
        (["!/var/lib/docker d"], True),
        (["!/var/lib/docker(/.*)?$"], True),
        (["!/var/lib/dockerish/"], False),
        (["!/var/lib/docker/tmp"], False),
        (["/var/lib/docker p"], False),
        (["!@@{RUN}/x"], False),
        ([], False),
    ],
)
def test_whether_aide_stays_out_of_a_directory(rules: list[str], left_out: bool) -> None:
    assert integrity.leaves_out("/var/lib/docker", rules) is left_out


def test_only_storage_that_exists_has_to_be_left_out() -> None:
    existing = Answering({"for path": "/var/lib/docker\n/run/containerd\n", "for file": "!/run/containerd/\n"})
    assert complaints("container-storage", existing) == ("has /var/lib/docker",)
    assert complaints("container-storage", Answering({"for path": "", "for file": ""})) == ()


@pytest.mark.parametrize(
    ("database", "packages", "said"),
    [
        ("/var/lib/aide/aide.db\n", "aide installed\n", ()),
        ("", "aide installed\n", ("database is unset",)),
        ("/var/lib/aide/aide.db\n", "curl installed\n", ("aide is absent",)),
    ],
)
def test_a_baseline_needs_its_database_and_aide(database: str, packages: str, said: tuple[str, ...]) -> None:
    assert complaints("baseline", Answering({"file=": database}, packages)) == said


CRON = "/etc/cron.d/aide: 5 4 * * * root /usr/bin/aide --check\n"


def test_no_user_schedules_the_comparison_by_a_line_in_his_own_crontab(tmp_path: Path) -> None:
    asked: list[str] = []

    class Noting(Answering):
        def run(self, command: str, *arguments: str, seconds: int | None = None) -> Result:
            asked.append(command)
            return super().run(command, *arguments, seconds=seconds)

    CATALOGUE["integrity-schedule"].observe(Noting({"find": ""}))
    (command,) = [text for text in asked if text.startswith("find")]
    spool = tmp_path / "crontabs"
    spool.mkdir()
    (spool / "eve").write_text("0 5 * * * echo aide --check\n")
    run = ["/bin/sh", "-c", command.replace("/var/spool/cron/crontabs", str(spool)).replace("/etc/cron", "/gone")]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == ""
    (spool / "root").write_text("0 5 * * * aide --check\n")
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "0 5 * * * aide --check\n"


@pytest.mark.parametrize(
    ("units", "cron", "said"),
    [
        (f"{TIMER} enabled enabled\n", "", ()),
        (f"{TIMER} disabled enabled\n", "", ("timer after reboot is disabled",)),
        (f"{TIMER} disabled enabled\n", CRON, ()),
        ("", "", ("timer after reboot is absent",)),
    ],
)
def test_a_timer_or_a_crontab_starts_the_comparison(units: str, cron: str, said: tuple[str, ...]) -> None:
    assert complaints("schedule", Answering({"find": cron, "systemctl list-unit-files": units})) == said


def test_a_question_that_fails_is_no_pass() -> None:
    with pytest.raises(CouldNotLook, match="it broke"):
        complaints("audit-tools", Answering({"for file": 2}))


@pytest.mark.parametrize(
    ("checksums", "is_accepted"),
    [("sha512", True), ("sha256+sha3_512", True), ("", True), ("H", False), ("sha512+md5", False)],
)
def test_a_site_chooses_strong_checksums_or_leaves_the_packages(checksums: str, is_accepted: bool) -> None:
    _, parameter = CATALOGUE["integrity-baseline"].parameters
    assert parameter.judge("sha512").accepts(checksums) == is_accepted
