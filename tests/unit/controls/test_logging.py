"""What the controls of logging see and say, from answers of Debian nodes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hardener.catalogue.control import CouldNotLook, NotApplicable
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import logging
from hardener.controls.logging import files, logs, rsyslog
from hardener.documents import merged
from tests.unit.controls.recorded import Result

VALUES = yaml.safe_load((roles_directory() / "logging" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("logging", logging.CONTROLS)])
RSYSLOG = {"logging_choice": {"system": "rsyslog"}}
JOURNAL = "/var/log/journal/0c72ecfd758d410f95e08c47cfa4ad1c"
DEBIAN = """\
module(load="imuxsock") # provides support for local system logging
#module(load="imudp")
$FileOwner root
$FileCreateMode 0640
$IncludeConfig /etc/rsyslog.d/*.conf
$AddUnixListenSocket /var/spool/postfix/dev/log

*.*;auth,authpriv.none\t\t-/var/log/syslog
auth,authpriv.*\t\t\t/var/log/auth.log
*.emerg\t\t\t\t:omusrmsg:*
"""


END = f"{rsyslog.END_OF_CONFIGURATION}\n"


class SearchedBelow:
    """This machine, whose logs are below a directory of the test's own; nothing is declared there.

    ``also``: what else is said where its processes are looked at.
    """

    def __init__(self, top: Path, also: str = "true") -> None:
        self.top, self.also = top, also

    def run(self, command: str, *_: str, seconds: int | None = None) -> Result:
        del seconds
        if command != logs.SEARCH:
            return Result(0, "")
        command = command.replace('find "$@"', f"find {self.top}")
        command = command.replace("find /proc/", f"{self.also}; find /proc/")
        environment = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False, env=environment)
        return Result(done.returncode, done.stdout, done.stderr)


class Answering:
    """Answers questions by how they begin; nothing is installed and no unit is there, unless told."""

    def __init__(self, answers: dict[str, str | int]) -> None:
        nothing: dict[str, str | int] = {"dpkg-query": "", "systemctl list-unit-files": "", "units=": ""}
        nothing["declared="] = "_aide\npostgres\n"
        nothing["find /etc/logrotate"] = ""
        self.answers = {**answers, **{start: text for start, text in nothing.items() if start not in answers}}

    def run(self, command: str, *_: str, seconds: int | None = None) -> Result:
        del seconds
        answer = next(answer for start, answer in self.answers.items() if command.startswith(start))
        return Result(answer, "", "it broke") if isinstance(answer, int) else Result(0, answer)


def complaints(name: str, answers: dict[str, str | int], **site: Any) -> Any:
    control = CATALOGUE[f"logging-{name}"]
    expectation = control.expectation(merged(VALUES, site))
    assert expectation is not None
    return expectation.complaints(control.observe(Answering(answers)))


def daemons(**states: tuple[str, str]) -> dict[str, str | int]:
    names = {name: name.replace("_", "-") for name in states}
    return {
        "systemctl list-unit-files": "".join(f"{names[name]}.service {item[1]} x\n" for name, item in states.items()),
        "units=$(systemctl list-units": "".join(f"{names[name]}.service {item[0]}\n" for name, item in states.items()),
    }


ON, MASKED = ("active", "enabled"), ("inactive", "masked")


@pytest.mark.parametrize(
    ("system", "answers", "said"),
    [
        ("journald", daemons(), 0),
        ("journald", daemons(rsyslog=MASKED, syslog=("inactive", "alias")), 0),
        ("journald", daemons(rsyslog=ON), 2),
        ("rsyslog", daemons(rsyslog=ON), 0),
        ("rsyslog", daemons(), 1),
        ("rsyslog", daemons(rsyslog=ON, syslog_ng=ON), 2),
        ("rsyslog", daemons(rsyslog=MASKED, syslog_ng=ON), 4),
    ],
)
def test_one_system_is_in_charge(system: str, answers: dict[str, str | int], said: int) -> None:
    assert len(complaints("one-system", answers, logging_choice={"system": system})) == said


def test_there_is_no_other_choice() -> None:
    acceptable = CATALOGUE["logging-one-system"].parameters[0].judge("journald")
    assert [name for name in ("journald", "rsyslog", "syslog-ng", ["journald", "rsyslog"]) if acceptable.accepts(name)]
    assert not acceptable.accepts("syslog-ng")
    assert not acceptable.accepts(["journald", "rsyslog"])


@pytest.mark.parametrize(
    ("setting", "on_disk", "said"),
    [
        ("persistent", "yes", ()),
        ("volatile", "no", ("Storage is volatile", "on disk now is no")),
        ("persistent", "no", ("on disk now is no",)),
    ],
)
def test_what_is_set_and_what_is_on_disk(setting: str, on_disk: str, said: tuple[str, ...]) -> None:
    answers: dict[str, str | int] = {"systemd-analyze": f"[Journal]\nStorage={setting}\n", "[ -f": f"{on_disk}\n"}
    assert complaints("storage", answers) == said


@pytest.mark.parametrize(("value", "said"), [("yes", ()), ("1", ()), ("no", ("is no",)), ("", ("is ",))])
def test_switches_have_many_spellings(value: str, said: tuple[str, ...]) -> None:
    assert complaints("compress", {"systemd-analyze": f"[Journal]\nCompress={value}\n"}) == said


def test_the_two_ways_to_forward_are_opposites() -> None:
    forwarding: dict[str, str | int] = {"systemd-analyze": "[Journal]\nForwardToSyslog=yes\n"}
    assert complaints("forwardtosyslog", forwarding) == ("is yes",)
    assert complaints("journald-forwards", forwarding) == ()


UPLOADING = {
    "dpkg-query": "systemd-journal-remote installed\n",
    "systemd-analyze": "[Upload]\nURL=https://logs\n",
    "systemctl list-unit-files": "systemd-journal-upload.service enabled enabled\n",
    "units=$(systemctl list-units": "systemd-journal-upload.service active\n",
}


def test_a_journal_goes_where_the_site_says_and_an_empty_name_never_passes() -> None:
    assert complaints("upload", {**UPLOADING}, logging_upload={"URL": "https://logs"}) == ()
    assert complaints("upload", {**UPLOADING}, logging_upload={"URL": "https://other"}) == ("URL is https://logs",)
    assert complaints("upload", {**UPLOADING}) == ("URL is not named in logging_upload",)
    assert len(complaints("upload", {}, logging_upload={"URL": "https://logs"})) == 3


def test_without_the_package_nobody_can_judge_certificates() -> None:
    with pytest.raises(NotApplicable, match="not installed"):
        CATALOGUE["logging-upload-identity"].observe(Answering({}))


@pytest.mark.parametrize(
    ("lines", "modes"),
    [
        (DEBIAN, ["0640"]),
        (DEBIAN.replace("0640", "0644"), ["0644"]),
        (DEBIAN.replace("$FileCreateMode 0640\n", ""), ["0644"]),
        (DEBIAN + "$FileCreateMode 0600\nkern.* /var/log/kern.log\n", ["0640", "0600"]),
        ("$FileCreateMode 0666\n$FileCreateMode 0640\n" + DEBIAN, ["0640"]),
        ('*.* action(type="omfile" file="/x" fileCreateMode="0666")\n', ["0666"]),
        ('module(load="builtin:omfile" fileCreateMode="0600")\n*.* /var/log/x\n', ["0600"]),
        ("$FileCreateMode 0640\n*.* @@loghost:514\n", ["0640"]),
    ],
)
def test_a_mode_holds_for_the_rules_that_follow_it(lines: str, modes: list[str]) -> None:
    assert rsyslog.file_modes(rsyslog.configuration_lines(lines)) == modes


def test_new_files_are_closed() -> None:
    assert complaints("rsyslog-file-mode", {"rsyslogd": DEBIAN + END}) == ()
    assert complaints("rsyslog-file-mode", {"rsyslogd": DEBIAN.replace("0640", "0644") + END}) == ("is 0644",)
    assert complaints("rsyslog-file-mode", {"rsyslogd": 127}) == ("is not known: rsyslog is not installed",)
    with pytest.raises(CouldNotLook):
        complaints("rsyslog-file-mode", {"rsyslogd": DEBIAN})


@pytest.mark.parametrize(
    "line",
    [
        'module(load="imtcp")',
        'module( load = "imptcp" )',
        'input(type="imudp" port="514")',
        'module(load="imrelp")',
        "$ModLoad imtcp",
        "$InputTCPServerRun 514",
        "$UDPServerRun 514",
    ],
)
def test_every_way_to_listen_is_seen(line: str) -> None:
    sockets = 'udp UNCONN 0 0 0.0.0.0:514 0.0.0.0:* users:(("rsyslogd",pid=49,fd=5))\n'
    assert complaints("rsyslog-receiver", {"rsyslogd": DEBIAN + END, "ss": ""}) == ()
    assert complaints("rsyslog-receiver", {"rsyslogd": f"{DEBIAN}{line}\n{END}", "ss": ""}) == (
        f"after reboot has {line}",
    )
    assert complaints("rsyslog-receiver", {"rsyslogd": DEBIAN + END, "ss": sockets}) == ("now has udp 0.0.0.0:514",)


def test_rules_and_other_hosts_are_evidence() -> None:
    answers: dict[str, str | int] = {"rsyslogd": f'{DEBIAN}*.* @@loghost:6514\naction(type="omfwd" target="b")\n{END}'}
    assert CATALOGUE["logging-rsyslog-remote"].observe(Answering(answers)) == [
        "*.* @@loghost:6514",
        'action(type="omfwd" target="b")',
    ]
    found = CATALOGUE["logging-rsyslog-rules"].observe(Answering(answers))
    assert isinstance(found, list)
    assert len(found) == 5


LOOSE = f"""\
closed 0640 0 101 - root:systemd-journal:{JOURNAL}/user-1000@0005fa1b2c3d4e5f-a1b2c3d4e5f60718.journal
open 0664 0 43 - root:utmp:/var/log/wtmp
open 0660 0 43 - root:utmp:/var/log/btmp.1
open 0644 0 0 - root:root:/var/log/apt/eipp.log.xz
closed 0640 110 110 - postgres:postgres:/var/log/postgresql/postgresql-15-main.log
"""
LOGS_END = "ended logs 0\nended uses 0\n"


def said_of(name: str, more: str, **answers: str | int) -> Any:
    return complaints(name, {logs.SEARCH: LOOSE + more + LOGS_END, **answers})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", ()),
        ("open 0644 0 0 - root:root:/var/log/dpkg.log\n", ("/var/log/dpkg.log mode is 0644",)),
        ("open 0644 111 4 - _aide:adm:/var/log/aide/aideinit.log\n", ("/var/log/aide/aideinit.log mode is 0644",)),
        ("open 0664 0 43 - root:utmp:/var/log/btmp\n", ("/var/log/btmp mode is 0664",)),
        (
            "open 0666 0 43 - root:utmp:/var/log/wtmp.1\nopen 0664 0 43 - root:utmp:/var/log/wtmp.2\n",
            ("/var/log/wtmp.* mode is 0666",),
        ),
        (
            "open 0664 0 43 - root:utmp:/var/log/wtmp.1\nopen 0666 0 43 - root:utmp:/var/log/wtmp.2\n",
            ("/var/log/wtmp.2 mode is 0666",),
        ),
        ("more open 7 /var/log/app/x\n", ("/var/log/app/x was not looked at, like 6 more",)),
        ("open 0644 0 0 - root:root:/var/log/a\\x0ab:c\n", ("/var/log/a\\x0ab:c mode is 0644",)),
    ],
)
def test_log_files_are_judged_by_their_kind(more: str, said: tuple[str, ...]) -> None:
    assert said_of("files", more) == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", ()),
        ("closed 0640 65534 4 - nobody:adm:/var/log/a b.log\n", ("/var/log/a b.log owner is nobody",)),
        ("closed 0640 0 100 - root:users:/var/log/x.log\n", ("/var/log/x.log group is users",)),
        ("closed 0640 0 900 - root:domain users:/var/log/x.log\n", ("/var/log/x.log group is domain users",)),
        (
            "closed 0640 1234 1234 - 1234:1234:/var/log/gone.log\n",
            ("/var/log/gone.log owner is 1234", "/var/log/gone.log group is 1234"),
        ),
        ("more closed 7 /var/log/app/x\n", ("/var/log/app/x was not looked at, like 6 more",)),
        ("open 0644 0 0 - root:root:/var/log/dpkg.log\n", ()),
    ],
)
def test_an_owner_nobody_knows_is_for_a_person(more: str, said: tuple[str, ...]) -> None:
    assert said_of("file-owners", more) == said
    assert not CATALOGUE["logging-file-owners"].is_remediable


APP = "closed 0640 1000 1000 {} app:app:/var/log/app/app.log\n"
STRANGE = ("/var/log/app/app.log owner is app", "/var/log/app/app.log group is app")


@pytest.mark.parametrize(
    ("uses", "answers", "said"),
    [
        ("-", {}, STRANGE),
        ("2:1000:1000", {}, ()),
        ("4:1000:1000", {}, STRANGE),
        ("2:1001:1000", {}, STRANGE),
        ("-", {"declared=": "app\npostgres\n"}, ()),
        ("-", {"find /etc/logrotate": "/var/log/app/*.log {\n create 0640 app app\n}\n"}, ()),
        ("-", {"find /etc/logrotate": "/var/log/app/*.log {\n\tsu app adm\n}\n"}, ()),
        ("-", {"find /etc/logrotate": "/var/log/app/*.log {\n create app\n}\n"}, ()),
        ("-", {"find /etc/logrotate": "/var/log/app/*.log {\n create 0640 root app\n su root app\n}\n"}, STRANGE),
    ],
)
def test_a_log_is_a_services_where_something_says_so(uses: str, answers: Any, said: tuple[str, ...]) -> None:
    assert said_of("file-owners", APP.format(uses), **answers) == said


def test_of_one_log_of_nobodys_nothing_follows_for_another_one() -> None:
    lines = [
        "closed 0640 65534 0 2:65534:65534 nobody:root:/var/log/pod/a.log",
        "closed 0640 65534 0 - nobody:root:/var/log/pod/a.log.1.gz",
        "closed 0640 65534 0 - nobody:root:/var/log/pod/b.log",
        "closed 0640 2000 0 2:2000:2000 2000:root:/var/log/pod/c.log",
        "closed 0640 2000 0 - 2000:root:/var/log/pod/d.log",
    ]
    assert said_of("file-owners", "\n".join(lines) + "\n") == ("/var/log/pod/b.log owner is nobody",)
    declared = {"find /etc/logrotate": "/var/log/pod/*.log {\n create 0640 nobody root\n}\n"}
    assert said_of("file-owners", "\n".join(lines) + "\n", **declared) == ("/var/log/pod/b.log owner is nobody",)


@pytest.mark.parametrize(
    ("line", "loose", "strange"),
    [
        # Who writes it does so by the permissions of others.
        (
            "open 0666 0 0 2:65534:65534 root:root:{}",
            (),
            ("{} mode is 0666 for user 65534, who may need it",),
        ),
        ("open 0644 0 0 4:1000:1000+27 root:root:{}", (), ("{} mode is 0644 for user 1000, who may need it",)),
        # What it was opened with before it gave up root's rights it does not need again.
        ("open 0644 0 0 2:1000:1000 root:root:{}", ("{} mode is 0644",), ()),
        # Nobody knows who else is in that group.
        (
            "open 0660 0 1000 - root:app:{}",
            (),
            ("{} group is app", "{} mode is 0660 for group app, who may need it"),
        ),
        (
            "open 0666 110 110 - postgres:postgres:{}",
            ("{} mode is 0666",),
            ("{} mode is 0660 for group postgres, who may need it",),
        ),
        ("open 0660 110 4 2:110:110 postgres:adm:{}", ("{} mode is 0660",), ()),
        ("open 0660 110 4 2:1000:1000+4 postgres:adm:{}", (), ("{} mode is 0660 for user 1000, who may need it",)),
        ("open 0646 0 0 2:7:7,* root:root:{}", (), ("{} mode is 0646 for user 7, user unknown, who may need it",)),
    ],
)
def test_nobody_loses_what_a_running_process_uses(line: str, loose: Any, strange: Any) -> None:
    path = "/var/log/x.log"
    for name, said in (("files", loose), ("file-owners", strange)):
        assert said_of(name, f"{line.format(path)}\n") == tuple(text.format(path) for text in said)


@pytest.mark.parametrize("name", ["files", "file-owners"])
def test_log_files_that_could_not_be_looked_at_are_no_pass(name: str) -> None:
    unseen = f"{LOOSE}unseen Input/output error\t/var/log/x\n{LOGS_END}"
    with pytest.raises(CouldNotLook, match=r"/var/log/x \(Input/output error\)"):
        complaints(name, {logs.SEARCH: unseen})
    found = f"open 0666 0 9 - root:users:/var/log/dpkg.log\n{unseen}"
    assert complaints(name, {logs.SEARCH: found})
    for end in ("", "ended logs 0\n", "ended logs 0\nended uses 1\n"):
        with pytest.raises(CouldNotLook, match="cut short"):
            complaints(name, {logs.SEARCH: LOOSE + end})


def test_no_name_below_var_log_makes_or_hides_a_finding(tmp_path: Path) -> None:
    odd = "a\nopen 0666 0 0 - root:root:b"
    blanks = "x  2:0:0  y "
    for name in ("plain", odd, blanks, "-----BEGIN RSA PRIVATE KEY", "z"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o666 if name != "z" else 0o600)
    found = logs.logs_of(SearchedBelow(tmp_path))
    shown = [log.path.rpartition("/")[2] for log in found.loose]
    assert shown == sorted([r"\x2d----BEGIN RSA PRIVATE KEY", odd.replace("\n", r"\x0a"), "plain", blanks])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{JOURNAL}/system@1234567890abcdef1234567890abcdef-0000000000000001-0005.journal", "system@*.journal"),
        ("/var/log/postgresql/postgresql-15-main.log.2.gz", "postgresql-15-main.log.*"),
        ("/var/log/syslog-20261121", "syslog.*"),
        ("/var/log/nginx/access.log", "access.log"),
    ],
)
def test_rotation_changes_no_name(path: str, name: str) -> None:
    assert files.steady(path).rsplit("/", 1)[-1] == name


CREATED = "/var/log/dpkg.log {\n\tmonthly\n\tcreate 644 root root\n}\n/var/log/wtmp {\n create 0664 root utmp\n}\n"


CLOSING = "ExecStopPost={{ path=/usr/bin/chmod ; argv[]=/usr/bin/chmod --quiet g-wx,o-rwx {}"
UPDATES = "/var/log/unattended-upgrades/unattended-upgrades"


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("ExecStopPost=\n", ("/var/log/dpkg.log is 0644",)),
        (CLOSING.format("/var/log/dpkg.log.1\n"), ("/var/log/dpkg.log is 0644",)),
        (CLOSING.format("/var/log/dpkg.log\n"), ()),
        (CLOSING.format("/var/log/dpkg.log\n").replace("g-wx,o-rwx", "0640"), ()),
        (CLOSING.format("/var/log/dpkg.log\n").replace("g-wx,o-rwx", "0644"), ("/var/log/dpkg.log is 0644",)),
        (CLOSING.format("/var/log/dpkg.log\n").replace("g-wx,o-rwx", "a+r"), ("/var/log/dpkg.log is 0644",)),
    ],
)
def test_a_rotated_log_stays_closed(service: str, said: tuple[str, ...]) -> None:
    assert complaints("rotated-files", {"find /etc/logrotate": CREATED, "ends=": service}) == said


def test_the_role_takes_what_the_audit_understands() -> None:
    assert {*VALUES["logging_rotated"].values(), *VALUES["logging_updates"].values()} == {files.TAKEN}


def test_the_logs_of_updates_are_closed_once_they_are_made() -> None:
    both = [CLOSING.format(f"{UPDATES}{name}.log\n") for name in ("", "-dpkg")]
    assert complaints("update-files", {"ends=": "\n"}) == (f"{UPDATES}-dpkg.log is 0644", f"{UPDATES}.log is 0644")
    assert complaints("update-files", {"ends=": both[0]}) == (f"{UPDATES}-dpkg.log is 0644",)
    assert complaints("update-files", {"ends=": "".join(both)}) == ()
    with pytest.raises(CouldNotLook):
        complaints("update-files", {"ends=": 1})
