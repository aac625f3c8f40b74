"""What the controls of services see and say, from answers of a Debian 12 node."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from hardener.catalogue.control import Control, CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.catalogue.kinds import unneeded_service
from hardener.catalogue.observations import active_units_question, unit_files_question
from hardener.content import roles_directory
from hardener.controls import services
from hardener.controls.services import ports
from hardener.model import Severity
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "services" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("services", services.CONTROLS)])

UNIT_FILES = unit_files_question()
UNITS = active_units_question()
PACKAGES = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"
SOCKETS = "ss -H -l -n -t"
PROGRAMS = "ss -H -l -n -t -u -p"
POSTCONF = "postconf -h inet_interfaces"

SOFT_UNIT_FILES = """\
autofs.service                         enabled         enabled
avahi-daemon.service                   enabled         enabled
rsync.service                          disabled        enabled
tftpd-hpa.service                      generated       -
avahi-daemon.socket                    enabled         enabled
"""
SOFT_UNITS = """\
autofs.service active
avahi-daemon.service active
nfs-server.service inactive
tftpd-hpa.service active
avahi-daemon.socket active
"""
HARD_UNIT_FILES = (
    "avahi-daemon.service masked enabled\navahi-daemon.socket masked enabled\nrsync.service masked enabled\n"
)
SOFT_SOCKETS = """\
LISTEN 0      128          0.0.0.0:22         0.0.0.0:*
LISTEN 0      100          0.0.0.0:25         0.0.0.0:*
LISTEN 0      100                *:587              *:*
LISTEN 0      100             [::]:25            [::]:*
"""
HARD_SOCKETS = """\
LISTEN 0      128          0.0.0.0:22         0.0.0.0:*
LISTEN 0      100        127.0.0.1:25         0.0.0.0:*
LISTEN 0      100            [::1]:25            [::]:*
"""
LISTENERS = """\
udp UNCONN 0      0        0.0.0.0:111   0.0.0.0:* users:(("rpcbind",pid=49,fd=5),("systemd",pid=1,fd=27))
tcp LISTEN 0      128         [::]:22       [::]:* users:(("sshd",pid=121,fd=4))
tcp LISTEN 0      100    127.0.0.1:25    0.0.0.0:*
"""


def units(files: str, active: str) -> dict[str, tuple[int, str, str]]:
    return {UNIT_FILES: (0, files, ""), UNITS: (0, active, "")}


def complaints(control: Control, host: RecordedHost) -> Any:
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(host))


def test_every_service_control_passes_on_a_host_without_services() -> None:
    for control in CATALOGUE.values():
        if control.parameters and control.parameters[0].name == "units":
            assert complaints(control, RecordedHost(units("ssh.service enabled enabled\n", ""))) == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("autofs", ("autofs.service now is active", "autofs.service after reboot is enabled")),
        ("tftp-server", ("tftpd-hpa.service now is active", "tftpd-hpa.service after reboot is generated")),
        ("rsync-server", ()),
        ("nfs-server", ()),
    ],
)
def test_running_and_starting_at_boot_are_told_apart(name: str, said: tuple[str, ...]) -> None:
    assert complaints(CATALOGUE[f"services-{name}"], RecordedHost(units(SOFT_UNIT_FILES, SOFT_UNITS))) == said


def test_a_socket_counts_as_much_as_its_service() -> None:
    control = CATALOGUE["services-avahi"]
    assert len(complaints(control, RecordedHost(units(SOFT_UNIT_FILES, SOFT_UNITS)))) == 4
    assert complaints(control, RecordedHost(units(HARD_UNIT_FILES, ""))) == ()


def test_a_masked_unit_that_still_runs_fails_now_only() -> None:
    running = "avahi-daemon.service active\n"
    host = RecordedHost(units(HARD_UNIT_FILES, running))
    assert complaints(CATALOGUE["services-avahi"], host) == ("avahi-daemon.service now is active",)


def test_a_systemctl_that_fails_is_no_pass() -> None:
    host = RecordedHost({UNIT_FILES: (1, "", "Failed to connect to bus: No such file or directory")})
    with pytest.raises(CouldNotLook, match="Failed to connect to bus"):
        CATALOGUE["services-autofs"].observe(host)


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        ("telnet installed\ninetutils-telnet half-installed\n", ("telnet is present", "inetutils-telnet is present")),
        ("telnet config-files\ncurl installed\n", ()),
    ],
)
def test_clients(listing: str, said: tuple[str, ...]) -> None:
    assert complaints(CATALOGUE["services-telnet-client"], RecordedHost({PACKAGES: (0, listing, "")})) == said


def mail(sockets: str, packages: str, interfaces: str = "") -> RecordedHost:
    return RecordedHost({SOCKETS: (0, sockets, ""), PACKAGES: (0, packages, ""), POSTCONF: (0, interfaces, "")})


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (mail(HARD_SOCKETS, "postfix installed\n", "loopback-only\n"), ()),
        (mail(HARD_SOCKETS, "postfix installed\n", "localhost\n"), ()),
        (mail(HARD_SOCKETS, "postfix installed\n", "all\n"), ("after reboot is all",)),
        (mail(SOFT_SOCKETS, "postfix installed\n", "loopback-only\n"), ("now has *:587, 0.0.0.0:25, :::25",)),
        (mail(SOFT_SOCKETS, "exim4 installed\n"), ("now has *:587, 0.0.0.0:25, :::25",)),
        (mail("", "curl installed\n"), ()),
    ],
)
def test_mail_ports_now_and_after_a_reboot(host: RecordedHost, said: tuple[str, ...]) -> None:
    assert complaints(CATALOGUE["services-mta-loopback"], host) == said


def test_postconf_is_asked_only_where_postfix_is() -> None:
    host = mail(HARD_SOCKETS, "exim4 installed\n")
    CATALOGUE["services-mta-loopback"].observe(host)
    assert POSTCONF not in host.asked


def test_listeners_are_evidence_for_a_person_and_never_pass() -> None:
    control = CATALOGUE["services-listeners"]
    assert control.is_manual
    assert control.observe(RecordedHost({PROGRAMS: (0, LISTENERS, "")})) == {
        "tcp 127.0.0.1:25": ["unknown"],
        "tcp [::]:22": ["sshd"],
        "udp 0.0.0.0:111": ["rpcbind", "systemd"],
    }


def test_a_violation_unmasks_all_units_and_starts_the_service() -> None:
    violation = CATALOGUE["services-rpcbind"].violation
    assert violation is not None
    assert "unmask rpcbind.socket rpcbind.service;" in violation.commands[0]
    assert violation.commands[0].endswith("start rpcbind.service")


LISTENING = """\
tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=9,fd=3)) cgroup:/system.slice/ssh.service
tcp LISTEN 0 100 127.0.0.1:25 0.0.0.0:* users:(("master",pid=5,fd=1)) cgroup:/system.slice/postfix.service
tcp LISTEN 0 128 [::1]:25 [::]:* users:(("master",pid=5,fd=2)) cgroup:/system.slice/postfix.service
tcp LISTEN 0 128 *:21 *:* users:(("vsftpd",pid=7,fd=3)) cgroup:/system.slice/vsftpd.service
udp UNCONN 0 0 0.0.0.0:111 0.0.0.0:* users:(("rpcbind",pid=4,fd=5),("systemd",pid=1,fd=2)) cgroup:/init.scope
udp UNCONN 0 0 10.0.0.5%eth0:68 0.0.0.0:* users:(("systemd-network",pid=3,fd=9)) cgroup:/system.slice/networkd.service
tcp LISTEN 0 9 [fe80::1]%eth0:8080 [::]:* users:(("python3",pid=8,fd=3)) cgroup:/user.slice/session-1.scope
"""


def test_sockets_are_named_with_program_and_unit_and_loopback_is_nobodys_business() -> None:
    assert ports.read_sockets(LISTENING) == {
        "tcp 0.0.0.0:22": "sshd of ssh.service",
        "tcp *:21": "vsftpd of vsftpd.service",
        "tcp [fe80::1]%eth0:8080": "python3 of session-1.scope",
        "udp 0.0.0.0:111": "rpcbind of init.scope",
        "udp 10.0.0.5%eth0:68": "systemd-network of networkd.service",
    }


def test_a_program_with_a_line_break_in_its_name_is_one_program_and_hides_no_other() -> None:
    odd = 'tcp LISTEN 0 128 127.0.0.1:60043 0.0.0.0:* users:(("x\n"sshd",pid=4587,fd=3)) cgroup:/user.slice/a.scope\n'
    assert ports.read_sockets(odd + LISTENING) == ports.read_sockets(LISTENING)
    seen = CATALOGUE["services-listeners"].observe(RecordedHost({PROGRAMS: (0, odd + LISTENERS, "")}))
    plain = CATALOGUE["services-listeners"].observe(RecordedHost({PROGRAMS: (0, LISTENERS, "")}))
    assert isinstance(plain, dict)
    assert seen == {**plain, "tcp 127.0.0.1:60043": ["unknown"]}


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        (["tcp * sshd", "udp 68 *"], ["tcp *:21", "tcp [fe80::1]%eth0:8080", "udp 0.0.0.0:111"]),
        (["tcp * *", "udp * *"], []),
        (["tcp 22 *", "tcp 21 vsftpd", "tcp 80* python*", "udp 111 rpcbind", "udp 68 systemd-*"], []),
        (["tcp 2 sshd"], list(ports.read_sockets(LISTENING))),
    ],
)
def test_what_is_not_to_be_served_is_named(allowed: list[str], said: list[str]) -> None:
    control = next(item for item in services.CONTROLS if item.subject == "ports")
    assert control.expect is not None
    complaints = control.expect([allowed]).complaints(ports.read_sockets(LISTENING))
    assert [text.rpartition(": ")[0] for text in complaints] == said


def test_a_unit_that_only_a_site_knows_is_asked_for_with_ours() -> None:
    control = unneeded_service("site", "site-agent.service", title="t", why="w", severity=Severity.LOW)
    units = ("site-agent.service",)
    answers = {
        unit_files_question(units): (0, "site-agent.service enabled enabled\n", ""),
        active_units_question(units): (0, "site-agent.service failed\n", ""),
    }
    seen = control.observe(RecordedHost(answers))
    assert seen == {"site-agent.service": {"now": "failed", "after reboot": "enabled"}}
