"""What changed last on a target: what the questions make of its logs, and how their answers read."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue import recent
from hardener.catalogue.recent import (
    FILES,
    PACKAGES,
    WRITERS,
    FileChange,
    PackageChange,
    Writing,
    file_changes,
    package_changes,
    writings,
)
from hardener.model import Answer
from tests.unit.builders import answer

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STAMP = int(NOON.timestamp())
RAW = r"""
type=SYSCALL msg=audit(STAMP.243:24287): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=55d2 a2=241 \
a3=1b6 items=2 ppid=2686 pid=3538 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 \
comm="vim" exe="/usr/bin/vim.basic" subj=unconfined key="sshd"
type=CWD msg=audit(STAMP.243:24287): cwd="/etc/ssh"
type=PATH msg=audit(STAMP.243:24287): item=0 name="/etc/ssh" inode=400 dev=fd:00 mode=040755 ouid=0 ogid=0 \
rdev=00:00 nametype=PARENT cap_fp=0 cap_fi=0
type=PATH msg=audit(STAMP.243:24287): item=1 name="sshd_config" inode=409 dev=fd:00 mode=0100600 ouid=0 ogid=0 \
rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0
type=PROCTITLE msg=audit(STAMP.243:24287): proctitle=76696D00737368645F636F6E666967
""".replace("\\\n", "").replace("STAMP", str(STAMP))


def ran(command: str, *replaced: tuple[str, Path], zone: str = "UTC") -> Answer:
    """What a question answers here, with logs of the test's own in place of this machine's."""
    for original, own in replaced:
        command = command.replace(original, str(own))
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": zone}
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, env=environment, check=False)
    assert done.stderr == b""
    return Answer(exit_status=done.returncode, stdout=done.stdout)


# --- files ------------------------------------------------------------------------------------------------------------


def test_the_files_that_changed_last_are_told_with_their_moments(tmp_path: Path) -> None:
    (tmp_path / "two\nlines").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").touch()
    os.utime(tmp_path / "two\nlines", (0, 0))
    began = (tmp_path / "two\nlines").stat().st_ctime
    told = file_changes({}, {FILES: ran(FILES, ("/etc /boot", tmp_path), ("/var/spool/cron", tmp_path))})
    (change,) = told
    assert change.path == str(tmp_path / "two\nlines")
    assert abs(change.moment.timestamp() - began) < 1, "the moment is the inode's, which nobody can set"


def test_only_so_many_files_are_told_the_latest_last(tmp_path: Path) -> None:
    for number in range(80):
        (tmp_path / f"file{number}").touch()
    listing = ran(FILES, ("/etc /boot", tmp_path), ("/var/spool/cron", tmp_path)).stdout
    stamps = [float(entry.split(b" ")[0]) for entry in listing.split(b"\0") if entry]
    assert len(stamps) == 50
    assert stamps == sorted(stamps)


def test_entries_that_are_none_are_left_out() -> None:
    listing = f"{STAMP}.5 /etc/a b\0garbage\0-1 /etc/before\x001e99 /etc/late\x0099999999999 /etc/late\0{STAMP} etc\0"
    moment = datetime.fromtimestamp(STAMP + 0.5, UTC)
    told = file_changes({}, {FILES: answer(listing)})
    assert FileChange(moment, "/etc/a b") in told
    assert {item.path for item in told} == {"/etc/a b", "/etc/late"}


@pytest.mark.parametrize(
    "missing", [None, Answer(exit_status=None, problem="timed out after 5 s"), answer("", 127)], ids=str
)
def test_who_does_not_answer_tells_nothing(missing: Answer | None) -> None:
    answers = {} if missing is None else dict.fromkeys(recent.COMMANDS, missing)
    assert not any(recent.has_said(answers, command) for command in recent.COMMANDS)
    assert not any((file_changes({}, answers), package_changes({}, answers), writings(answers)))


# --- packages ---------------------------------------------------------------------------------------------------------

DPKG = """\
2026-11-20 13:00:00 startup packages configure
2026-11-20 13:00:00 upgrade openssh-server:amd64 1:9.2p1-2 1:9.2p1-3
2026-11-20 13:00:00 status half-configured openssh-server:amd64 1:9.2p1-2
2026-11-20 13:00:00 install tree:amd64 <none> 2.1.0-1
2026-11-20 13:00:00 remove nis:all 4.4 <none>
"""


def dpkg(folder: Path, *, now: str = "", rotated: str = "", zone: str = "Europe/Berlin") -> Answer:
    for name, text in (("dpkg.log", now), ("dpkg.log.1", rotated)):
        if text:
            (folder / name).write_text(text)
    return ran(PACKAGES, ("/var/log/dpkg.log", folder / "dpkg.log"), zone=zone)


def test_what_dpkg_did_is_told_in_universal_time(tmp_path: Path) -> None:
    changes = [
        PackageChange(NOON, "openssh-server", "1:9.2p1-2", "1:9.2p1-3"),
        PackageChange(NOON, "tree", "absent", "2.1.0-1"),
        PackageChange(NOON, "nis", "4.4", "absent"),
    ]
    assert package_changes({}, {PACKAGES: dpkg(tmp_path, now=DPKG)}) == frozenset(changes)


def test_the_log_that_was_rotated_counts_as_well_and_both_are_bounded(tmp_path: Path) -> None:
    line = "2026-11-20 13:00:00 install p{}:all <none> 1\n"
    listing = dpkg(tmp_path, now=DPKG, rotated="".join(line.format(number) for number in range(30_000)))
    told = package_changes({}, {PACKAGES: listing})
    assert len(told) == 100
    assert {"openssh-server", "p29999"} < {item.package for item in told}


def test_without_a_log_nothing_was_done_and_garbage_is_left_out(tmp_path: Path) -> None:
    assert package_changes({}, {PACKAGES: dpkg(tmp_path)}) == frozenset()
    garbage = "\0\xff\n2026-11-20 13:00:00 install ../x:all <none> 1\n2026-11-20 13:00:00 install a b c d e\n"
    assert package_changes({}, {PACKAGES: dpkg(tmp_path, now=garbage)}) == frozenset()


def test_moments_that_do_not_belong_to_the_lines_tell_nothing(tmp_path: Path) -> None:
    (tmp_path / "dpkg.log").write_text("2026-99-99 13:00:00 install a:all <none> 1\n" + DPKG)
    command = PACKAGES.replace("/var/log/dpkg.log", str(tmp_path / "dpkg.log"))
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)
    assert package_changes({}, {PACKAGES: Answer(exit_status=done.returncode, stdout=done.stdout)}) == frozenset()


# --- writers ----------------------------------------------------------------------------------------------------------


def audit(folder: Path, log: str) -> frozenset[Writing]:
    (folder / "audit.log").write_bytes(log.encode("utf-8", "surrogateescape"))
    return writings({WRITERS: ran(WRITERS, ("/var/log/audit/audit.log", folder / "audit.log"))})


def written(
    *, path: str = "/etc/ssh/sshd_config", user: str = "uid 1000", program: str = "/usr/bin/vim.basic"
) -> Writing:
    return Writing(datetime.fromtimestamp(STAMP + 0.243, UTC), path, user, program)


def test_who_wrote_is_told_by_the_one_who_logged_in(tmp_path: Path) -> None:
    assert audit(tmp_path, RAW) == frozenset({written()})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            'key="sshd"',
            'key="sshd"\035ARCH=x86_64 SYSCALL=openat AUID="ann" UID="root"',
            written(user="uid 1000 (ann)"),
        ),
        ("auid=1000", "auid=4294967295", written(user="uid 0")),
        ('name="sshd_config"', 'name="/etc/fstab"', written(path="/etc/fstab")),
        ('name="sshd_config"', 'name="../a/./b"', written(path="/etc/a/b")),
        ('name="sshd_config"', "name=2F6574632F610A62", written(path="/etc/a\nb")),
        ('cwd="/etc/ssh"', "cwd=2F6574632F61FF", written(path="/etc/a\\xff/sshd_config")),
        ("\ntype=", "\nnode=web1 type=", written()),
    ],
)
def test_every_form_of_a_record_is_read(tmp_path: Path, before: str, after: str, expected: Writing) -> None:
    assert audit(tmp_path, RAW.replace(before, after)) == frozenset({expected})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("success=yes", "success=no"),
        ('name="sshd_config"', 'name="/home/ann/x"'),
        ('cwd="/etc/ssh"', 'cwd="/home/ann"'),
        ("nametype=NORMAL", "nametype=UNKNOWN"),
        ('exe="/usr/bin/vim.basic"', "exe=(null)"),
        ("type=SYSCALL", "type=USER_CMD"),
    ],
)
def test_what_was_no_writing_to_configuration_is_left_out(tmp_path: Path, before: str, after: str) -> None:
    assert audit(tmp_path, RAW.replace(before, after)) == frozenset()


def test_of_a_large_log_only_the_end_is_read_and_told(tmp_path: Path) -> None:
    other = RAW.replace("sshd_config", "x" * 50).replace(f"audit({STAMP}", f"audit({STAMP - 60}")
    told = audit(tmp_path, RAW.replace("sshd_config", "lost") + other * 4000 + RAW)
    assert {Path(item.path).name for item in told} == {"x" * 50, "sshd_config"}


def test_without_a_log_or_the_right_to_read_it_nobody_wrote(tmp_path: Path) -> None:
    answers = {WRITERS: ran(WRITERS, ("/var/log/audit/audit.log", tmp_path / "audit.log"))}
    assert writings(answers) == frozenset()


@given(some.binary(max_size=300) | some.text(max_size=300).map(str.encode))
def test_whatever_a_target_answers_can_be_read(output: bytes) -> None:
    answers = dict.fromkeys(recent.COMMANDS, Answer(exit_status=0, stdout=output))
    assert all(item.moment.tzinfo is UTC for item in file_changes({}, answers))
    assert all(item.moment.tzinfo is UTC for item in package_changes({}, answers))
    assert all(item.moment.tzinfo is UTC for item in writings(answers))
    assert not file_changes(answers, answers)
    assert not package_changes(answers, answers)


WORDS = some.sampled_from(['"/etc/x"', '"x"', "2F657463", "2F65746", "?", "(null)", '""', '"unset"', "FF", "0", "1000"])


@given(some.lists(WORDS, min_size=6, max_size=6))
def test_whatever_a_record_says_is_a_path_a_user_and_a_program_or_nothing(words: list[str]) -> None:
    line = f"msg=audit({STAMP}.0:1): {' '.join(words)}\n"
    for item in writings({WRITERS: answer(line)}):
        assert item.path.startswith("/")
        assert item.program
        assert item.user.startswith("uid ")
