"""Why a value became another: the last change in between that touches what the finding rests on, or silence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.observations import unit_files_question
from hardener.catalogue.reads import reading
from hardener.catalogue.recent import FILES, PACKAGES, WRITERS
from hardener.causes import cause
from hardener.model import Answer, Around, Finding, Outcome
from tests.unit.builders import answer

BEGAN = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ENDED = BEGAN + timedelta(days=1)
SSHD = "sshd -T -C user=root,host=localhost,addr=0.0.0.0"
PACKAGE_LIST = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"
UNIT_LIST = unit_files_question()


def stamp(hours: float) -> str:
    return str(int((BEGAN + timedelta(hours=hours)).timestamp()))


def files(*changes: tuple[float, str]) -> Answer:
    """Files that changed so many hours after the earlier view."""
    return answer("".join(f"{stamp(hours)}.25 {path}\0" for hours, path in changes))


def packages(*changes: tuple[float, str]) -> Answer:
    if not changes:
        return answer()
    return answer("\n".join([" ".join(stamp(hours) for hours, _ in changes), *(deed for _, deed in changes)]) + "\n")


def writers(*calls: tuple[float, str]) -> Answer:
    return answer("".join(f"msg=audit({stamp(hours)}.250:7): {words}\n" for hours, words in calls))


def answers(**said: Answer) -> Mapping[str, Answer]:
    return {
        FILES: said.get("files", files()),
        PACKAGES: said.get("packages", packages()),
        WRITERS: said.get("writers", writers()),
    }


def around(before: Mapping[str, Answer] | None = None, **after: Answer) -> Around:
    return Around(before=answers() if before is None else before, after=answers(**after), began=BEGAN, ended=ENDED)


def finding(observed: Any, *questions: str) -> Finding:
    return Finding(control="c", outcome=Outcome.FAIL, observed=observed, questions=questions)


def told(known: Around, *questions: str, old: Any = 1, new: Any = 2) -> str:
    """The cause of a finding that rests on some questions."""
    return cause(finding(old, *questions), finding(new, *questions), known)


UPGRADE = "upgrade openssh-server:amd64 1:9.2p1-2 1:9.2p1-3"
CONFIG = "/etc/ssh/sshd_config"


def test_a_package_is_a_cause_with_its_versions() -> None:
    expected = "package openssh-server 1:9.2p1-2 -> 1:9.2p1-3 at 2026-11-20 05:00 UTC (dpkg)"
    assert told(around(packages=packages((2, UPGRADE))), SSHD) == expected
    assert told(around(packages=packages((2, UPGRADE))), "cvtsudoers -e -f json /etc/sudoers") == ""


def test_a_file_is_a_cause_with_its_last_change() -> None:
    assert told(around(files=files((3, CONFIG))), SSHD) == f"{CONFIG} changed at 2026-11-20 06:00 UTC"
    assert told(around(files=files((3, "/etc/ssh/ssh_config"))), SSHD) == ""


def test_a_file_is_told_before_the_directory_it_was_written_to_and_that_where_a_file_went() -> None:
    folder, written = "/etc/ssh/sshd_config.d", "/etc/ssh/sshd_config.d/own.conf"
    both = around(files=files((2, CONFIG), (3, written), (3 + 1 / 3600, folder)))
    assert told(both, SSHD) == f"{written} changed at 2026-11-20 06:00 UTC"
    assert told(around(files=files((2, CONFIG), (3, folder))), SSHD) == f"{folder} changed at 2026-11-20 06:00 UTC"


def test_the_last_writer_is_told_where_the_audit_log_has_him() -> None:
    mine = f'1000 0 "ann" "/usr/bin/vim" "/root" "{CONFIG}"'
    known = around(files=files((3, CONFIG)), writers=writers((2, mine.replace("vim", "ed")), (3, mine)))
    assert told(known, SSHD) == f"{CONFIG} changed at 2026-11-20 06:00 UTC by uid 1000 (ann) with /usr/bin/vim (auditd)"
    another = around(files=files((3, CONFIG)), writers=writers((3, mine.replace(CONFIG, "/etc/fstab"))))
    assert told(another, SSHD) == f"{CONFIG} changed at 2026-11-20 06:00 UTC"


@pytest.mark.parametrize(
    ("file_hours", "package_hours", "begins"),
    [(3, 2, CONFIG), (2, 3, "package"), (2.05, 2, "package"), (2, 2, "package")],
    ids=["file later", "package later", "file written by the package", "at once"],
)
def test_the_last_change_is_told_and_files_of_a_package_are_its_own(
    file_hours: float, package_hours: float, begins: str
) -> None:
    known = around(files=files((file_hours, CONFIG)), packages=packages((package_hours, UPGRADE)))
    assert told(known, SSHD).startswith(begins)


@pytest.mark.parametrize("hours", [-1, 25, 24 * 365], ids=["before", "after", "from the future"])
def test_what_does_not_lie_in_between_is_no_cause(hours: float) -> None:
    known = around(files=files((hours, CONFIG)), packages=packages((hours, UPGRADE)))
    assert told(known, SSHD) == ""


def test_what_was_told_before_is_no_cause_whatever_the_clock_says() -> None:
    said = {"files": files((3, CONFIG)), "packages": packages((3, UPGRADE))}
    assert told(around(answers(**said), **said), SSHD) == ""


def test_without_both_answers_nothing_is_known() -> None:
    said = {"files": files((3, CONFIG)), "packages": packages((3, UPGRADE))}
    assert told(around({}, **said), SSHD) == ""
    lost = Answer(exit_status=None, problem="timed out after 5 s")
    assert told(around({FILES: lost, PACKAGES: answer("", 127)}, **said), SSHD) == ""
    assert cause(finding(1, SSHD), finding(2, SSHD), None) == ""


def test_what_was_observed_the_same_has_no_cause_on_the_target() -> None:
    known = around(files=files((3, CONFIG)))
    assert told(known, SSHD, old=2, new=2) == ""
    assert cause(None, finding(2, SSHD), known) == ""
    assert cause(finding(2, SSHD), None, known) == ""


def test_a_package_list_touches_the_packages_that_were_observed_by_name() -> None:
    known = around(packages=packages((2, "install nis:all <none> 4.4"), (3, "install tree:amd64 <none> 2")))
    expected = "package nis absent -> 4.4 at 2026-11-20 05:00 UTC (dpkg)"
    assert told(known, PACKAGE_LIST, old={"nis": "absent"}, new={"nis": "present"}) == expected
    assert told(known, PACKAGE_LIST, old={"ftp": "absent"}, new={"ftp": "present"}) == ""


def test_a_unit_list_touches_the_units_that_were_observed_by_name() -> None:
    link = "/etc/systemd/system/multi-user.target.wants/cups.service"
    running = {"cups.service": {"now": "active", "after reboot": "enabled"}}
    assert told(around(files=files((3, link))), UNIT_LIST, old={}, new=running).startswith(f"{link} changed")
    drop_in = "/etc/systemd/system/cups.service.d/own.conf"
    assert told(around(files=files((3, drop_in))), UNIT_LIST, old={}, new=running).startswith(f"{drop_in} changed")
    other = "/etc/systemd/system/multi-user.target.wants/ftpd.service"
    assert told(around(files=files((3, other))), UNIT_LIST, old={}, new=running) == ""
    installed = around(packages=packages((3, "install cups:amd64 <none> 2.4")))
    assert told(installed, UNIT_LIST, old={}, new=running).startswith("package cups absent -> 2.4")


def test_a_walk_touches_the_files_that_were_observed_by_name() -> None:
    known = around(files=files((3, "/etc/crontab"), (4, "/etc/fstab")))
    expected = "/etc/crontab changed at 2026-11-20 06:00 UTC"
    assert told(known, "find /", old=[], new=["/etc/crontab (0777 0:0)"]) == expected
    assert told(known, "find /", old=[], new=["/srv/open (0777 0:0)"]) == ""


def test_live_state_has_no_cause_of_its_own() -> None:
    known = around(files=files((3, "/etc/sysctl.d/own.conf"), (4, "/etc/fstab")), packages=packages((3, UPGRADE)))
    assert told(known, "sysctl --ignore kernel.randomize_va_space") == ""
    assert told(known, "findmnt --json --list --output TARGET,SOURCE,FSTYPE,OPTIONS") == ""


def test_a_hostile_name_stays_on_one_line() -> None:
    path = "/etc/ssh/sshd_config.d/\x1b[2J\nhardener: all is well"
    words = told(around(files=files((3, path))), SSHD)
    assert words == "/etc/ssh/sshd_config.d/\\x1b[2J\\nhardener: all is well changed at 2026-11-20 06:00 UTC"


@given(some.binary(max_size=200), some.binary(max_size=200))
def test_whatever_a_target_answers_is_one_line_or_silence(before: bytes, after: bytes) -> None:
    said = (
        dict.fromkeys((FILES, PACKAGES, WRITERS), Answer(exit_status=0, stdout=output)) for output in (before, after)
    )
    known = Around(before=next(said), after=next(said), began=BEGAN, ended=ENDED)
    assert "\n" not in told(known, SSHD)


@pytest.mark.parametrize(
    ("command", "touched", "untouched"),
    [
        ("cat /etc/fstab", "/etc/fstab", "/etc/fstab.old"),
        ("cd /etc/pam.d && grep -H '' common-auth", "/etc/pam.d/common-auth", "/etc/pam.conf"),
        ("for file in /etc/security/*.conf; do :; done", "/etc/security/a.conf", "/etc/security/limits"),
        ('for path in /etc/cron.d/; do stat -c "%a" "$path"; done', "/etc/cron.d", "/etc/cron.d/job"),
        (
            "systemd-analyze --no-pager cat-config systemd/coredump.conf",
            "/etc/systemd/coredump.conf.d/a.conf",
            "/etc/x",
        ),
        ("/usr/lib/systemd/systemd-sysctl --cat-config", "/etc/sysctl.d/99-own.conf", "/etc/sysctl.conf.bak"),
        ("cat /usr/etc/fstab", "/usr/etc/fstab", "/etc/fstab"),
        ("sed -n p /boot/grub/grub.cfg", "/boot/grub/grub.cfg", "/boot/grub/fonts"),
    ],
)
def test_a_question_touches_the_files_it_names_and_those_its_program_reads(
    command: str, touched: str, untouched: str
) -> None:
    found = reading(command)
    assert found.touches(touched) or not touched.startswith(("/etc/", "/boot/"))
    assert not found.touches(untouched)


def test_the_version_of_a_package_rests_on_that_package() -> None:
    assert reading("dpkg-query --show --showformat='${Version}' libpam-modules").packages == {"libpam-modules"}
