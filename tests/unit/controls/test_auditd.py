"""What the controls of auditd see and say, from answers of a Debian 12 node."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hardener.catalogue import audit_rules, walk
from hardener.catalogue.control import Control, CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import auditd
from hardener.model import Trait
from tests.unit.controls.audit_listings import LISTED
from tests.unit.controls.recorded import RecordedHost
from tests.unit.test_walk import END

VALUES = yaml.safe_load((roles_directory() / "auditd" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("auditd", auditd.CONTROLS)])
RULES = [control for name, control in CATALOGUE.items() if control.disruption == "reboot" and "locked" not in name]
LISTS = VALUES["auditd_rules"]
PROGRAMS = ("/usr/bin/su", "/usr/sbin/mount.nfs")

PACKAGES = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"
MOUNTS = "findmnt --json --list --output TARGET,SOURCE,FSTYPE,OPTIONS"
SETTINGS = "cat /etc/audit/auditd.conf"
LOGS = 'for path in %s; do [ ! %s "$path" ] || stat -L -c "%%a %%U %%G %%n" "$path"; done'
SOFT_SETTINGS = """\
# comment = 1
log_file = /var/log/audit/audit.log
log_group = adm
max_log_file = 8
max_log_file_action = ROTATE
space_left_action = SYSLOG
admin_space_left_action = SUSPEND
disk_full_action = SUSPEND
disk_error_action = SUSPEND
"""
HARD_SETTINGS = (
    SOFT_SETTINGS
    + """\
Max_Log_File_Action = keep_logs
space_left_action = EMAIL
admin_space_left_action = single
disk_full_action = HALT
disk_error_action = syslog
"""
)
ON_DISK = [
    line.replace("{program}", program)
    for lines in LISTS.values()
    for line in lines
    for program in (PROGRAMS if "{program}" in line else PROGRAMS[:1])
]


def answer(loaded: str = LISTED, on_disk: str = "\n".join(ON_DISK), enabled: int = 2) -> str:
    names = {name for line in ON_DISK if " -S " in line for name in line.split(" -S ")[1].split()[0].split(",")}
    tables = "".join(f"=== {arch}\n" + "\n".join(sorted(names)) + "\n" for arch in ("b64", "b32"))
    return f"=== status\nenabled {enabled}\nfailure 1\n=== loaded\n{loaded}=== files\n#\n{on_disk}\n{tables}"


def host(
    answered: str = "", settings: str = SOFT_SETTINGS, packages: str = "auditd installed\n", programs: str = ""
) -> RecordedHost:
    listed = "".join(f"set-id 04755 0 0 f {path}\n" for path in PROGRAMS)
    return RecordedHost(
        {
            PACKAGES: (0, packages, ""),
            SETTINGS: (0, settings, ""),
            MOUNTS: (0, '{"filesystems": [{"target": "/", "source": "a", "fstype": "ext4", "options": "rw"}]}', ""),
            walk.COMMAND: (0, programs or f"{listed}{END}\n", ""),
            audit_rules._QUESTION: (0, answered or answer(), ""),
        }
    )


def complaints(control: Control, seen: RecordedHost) -> Any:
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(seen))


def test_there_is_a_control_for_every_list_of_rules() -> None:
    assert {control.subject.removeprefix("rules-") for control in RULES} == set(LISTS) - {"finalize"}


@pytest.mark.parametrize("control", RULES, ids=lambda control: control.subject)
def test_the_rules_of_a_hardened_host_hold(control: Control) -> None:
    assert complaints(control, host()) == ()


@pytest.mark.parametrize("control", RULES, ids=lambda control: control.subject)
def test_a_host_without_rules_lacks_them_now_and_after_a_reboot(control: Control) -> None:
    said = complaints(control, host(answer("No rules\n", "-D", 1)))
    assert len(said) == 1
    assert said[0].startswith("now and after reboot lacks ")
    assert "locked" not in said[0]


@pytest.mark.parametrize("control", RULES, ids=lambda control: control.subject)
def test_rules_that_wait_for_a_reboot_say_so(control: Control) -> None:
    (said,) = complaints(control, host(answer("-w /elsewhere -p wa -k k\n")))
    assert said.startswith("now lacks ")
    assert said.endswith("(the running rules are locked: only a reboot loads others)")


@pytest.mark.parametrize("control", RULES, ids=lambda control: control.subject)
def test_rules_that_are_in_no_file_are_gone_after_a_reboot(control: Control) -> None:
    (said,) = complaints(control, host(answer(on_disk="-D\n-e 2")))
    assert said.startswith("after reboot lacks ")
    assert "locked" not in said


def test_a_program_without_a_rule_is_named() -> None:
    listing = "".join(line for line in LISTED.splitlines(keepends=True) if "mount.nfs" not in line)
    (said,) = complaints(CATALOGUE["auditd-rules-privileged-programs"], host(answer(listing, enabled=1)))
    assert said == "now lacks /usr/sbin/mount.nfs"


def test_a_program_with_an_odd_name_is_a_finding_and_no_error() -> None:
    odd = host(programs=f"set-id 04755 0 0 f /home/x\\x0a-e 0\n{END}\n")
    assert complaints(CATALOGUE["auditd-rules-privileged-programs"], odd)[0].startswith("now and after reboot lacks")


def test_programs_that_nobody_looked_at_are_no_pass() -> None:
    control = CATALOGUE["auditd-rules-privileged-programs"]
    listed = "".join(f"set-id 04755 0 0 f {path}\n" for path in PROGRAMS)
    cut = host(programs=f"{listed}more set-id 93000 /home/x/y\n{END}\n")
    assert complaints(control, cut) == ("has programs nobody looked at: and 93000 more, such as /home/x/y",)
    unseen = f"{listed}unseen Input/output error\t/srv/x\n{END}\n"
    with pytest.raises(CouldNotLook, match="/srv/x"):
        complaints(control, host(programs=unseen))
    (said,) = complaints(control, host(answer("-w /elsewhere -p wa -k k\n"), programs=unseen))
    assert said.startswith("now lacks")


def test_only_what_a_control_is_about_is_evidence() -> None:
    observed = CATALOGUE["auditd-rules-mounts"].observe(host())
    assert observed == {
        "now": [
            "-a always,exit -F arch=b64 -S mount -F auid>=1000 -F auid!=-1 -F key=mounts",
            "-a always,exit -F arch=b32 -S mount -F auid>=1000 -F auid!=-1 -F key=mounts",
        ],
        "after reboot": LISTS["mounts"],
        "locked": True,
    }


def test_a_machine_without_old_system_calls_does_not_need_rules_about_them() -> None:
    answered = answer().replace("\nrename\n", "\n").replace("\nunlink\n", "\n")
    answered = answered.replace("rename,", "").replace("unlink,", "")
    control = CATALOGUE["auditd-rules-deletions"]
    assert control.observe(host(answered))["unknown system calls"] == [  # type: ignore[index, call-overload]
        *("b64 unlink", "b64 rename", "b32 unlink", "b32 rename")
    ]
    assert complaints(control, host(answered)) == ()


@pytest.mark.parametrize(
    ("enabled", "files", "said"),
    [
        (2, "-e 2", ()),
        (1, "-e 2", ("now is changeable",)),
        (2, "-e 2\n-e 1", ("after reboot is changeable",)),
        (0, "-D", ("now is off", "after reboot is unset")),
    ],
)
def test_the_lock_is_seen_now_and_after_a_reboot(enabled: int, files: str, said: tuple[str, ...]) -> None:
    assert complaints(CATALOGUE["auditd-rules-locked"], host(answer(on_disk=files, enabled=enabled))) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("log-size", ()),
        ("log-retention", ("max_log_file_action is rotate",)),
        ("disk-full", ("disk_full_action is suspend", "disk_error_action is suspend")),
        ("space-left", ("space_left_action is syslog", "admin_space_left_action is suspend")),
        ("log-group", ()),
    ],
)
def test_settings_as_auditd_reads_them(name: str, said: tuple[str, ...]) -> None:
    control = CATALOGUE[f"auditd-{name}"]
    assert complaints(control, host()) == said
    assert complaints(control, host(settings=HARD_SETTINGS)) == ()


def test_a_setting_without_blanks_is_none_to_auditd() -> None:
    assert complaints(CATALOGUE["auditd-log-size"], host(settings="max_log_file=8\n")) == ("max_log_file is unset",)


def test_neither_a_stopping_host_nor_a_log_that_only_grows_is_for_kubernetes() -> None:
    for name in ("disk-full", "space-left", "log-retention"):
        assert {Trait.KUBERNETES_WORKER, Trait.KUBERNETES_CONTROL_PLANE} <= set(CATALOGUE[f"auditd-{name}"].unless)


@pytest.mark.parametrize(
    ("mode", "group", "said"),
    [
        ("640 root adm", "adm", ()),
        ("644 root adm", "adm", ("/srv/audit.log mode is 0644",)),
        ("600 plain users", "adm", ("/srv/audit.log owner is plain", "/srv/audit.log group is users")),
        ("640 root splunk", "splunk", ()),
        ("640 root users", "splunk", ("/srv/audit.log group is users",)),
    ],
)
def test_the_log_is_looked_for_where_auditd_writes_it(mode: str, group: str, said: tuple[str, ...]) -> None:
    target = host(settings=f"log_file = /srv/audit.log\nlog_group = {group}\n")
    question = (LOGS % ("/srv/audit.log*", "-f")).replace("%%", "%")
    there = RecordedHost({**target.answers, question: (0, f"{mode} /srv/audit.log\n", "")})
    assert complaints(CATALOGUE["auditd-log-files"], there) == said


def test_who_reads_the_log_as_one_of_a_group_is_cut_off_by_nobody_but_a_person() -> None:
    control = CATALOGUE["auditd-log-group"]
    assert complaints(control, host(settings="log_group = splunk\n")) == ("log_group is splunk",)
    assert not control.is_remediable


@pytest.mark.parametrize("name", [name for name, control in CATALOGUE.items() if not control.is_manual])
def test_nothing_holds_where_auditd_is_not_installed(name: str) -> None:
    assert complaints(CATALOGUE[name], host(packages="curl installed\n")) == ("auditd is not installed",)


def test_a_file_without_an_end_spoils_the_line_after_it_as_it_does_for_augenrules() -> None:
    spoilt = "\n".join(ON_DISK).replace("\n-w /etc/sudoers.d", "-w /etc/sudoers.d")
    (said,) = complaints(CATALOGUE["auditd-rules-sudoers"], host(answer(on_disk=spoilt)))
    assert said.startswith("after reboot lacks -w /etc/sudoers")


def test_an_auditctl_that_fails_is_no_pass() -> None:
    broken = RecordedHost({**host().answers, audit_rules._QUESTION: (1, "", "Operation not permitted")})
    with pytest.raises(CouldNotLook, match="not permitted"):
        CATALOGUE["auditd-rules-mounts"].observe(broken)


def test_what_a_site_may_want_instead() -> None:
    (parameter,) = CATALOGUE["auditd-rules-mounts"].parameters
    acceptable = parameter.judge(LISTS["mounts"])
    assert not acceptable.complaints([*LISTS["mounts"], "-w /etc/fstab -p wa -k mounts"])
    assert acceptable.complaints(LISTS["mounts"][:1]) == (f"lacks {LISTS['mounts'][1]}",)
    with pytest.raises(ValueError, match="not an audit rule"):
        acceptable.complaints([*LISTS["mounts"], "--everything"])


def test_the_log_of_sudo_may_be_elsewhere() -> None:
    (parameter,) = CATALOGUE["auditd-rules-sudo-log"].parameters
    acceptable = parameter.judge(LISTS["sudo-log"])
    assert not acceptable.complaints(["-w /srv/sudo.log -p wa -k sudo_log_file"])
    assert acceptable.complaints(["-w /srv/sudo.log -p wa -k other"])


def test_a_difference_is_evidence_for_a_person() -> None:
    there = RecordedHost({**host().answers, "augenrules --check": (0, "/usr/sbin/augenrules: No change\n", "")})
    assert CATALOGUE["auditd-rules-difference"].observe(there) == {
        "augenrules": "No change",
        "loaded rules": len(LISTED.splitlines()),
        "rules on disk": len(ON_DISK) - 1,
    }
