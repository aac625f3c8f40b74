"""Whom changes would disturb, from what a host says of its connections, programs and sessions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from hardener.effects import PROGRAMS, QUESTIONS, SESSIONS, SOCKETS, UNITS, touches
from hardener.model import Answer, Change, ChangeKind
from tests.unit.builders import answer

HOST = {
    SOCKETS: answer(
        'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=9,fd=3))\n'
        'tcp LISTEN 0 32 *:21 *:* users:(("vsftpd",pid=20,fd=3))\n'
        'tcp LISTEN 0 32 *:80 *:* users:(("nginx",pid=30,fd=3))\n'
        'tcp ESTAB 0 0 10.0.0.2:22 10.0.0.1:40000 users:(("sshd",pid=10,fd=4))\n'
        'tcp ESTAB 0 0 [::ffff:10.0.0.2]:21 [::ffff:10.0.0.7]:5000 users:(("vsftpd",pid=21,fd=0))\n'
        'tcp ESTAB 0 0 [::ffff:10.0.0.2]:21 [::ffff:10.0.0.8]:5001 users:(("vsftpd",pid=22,fd=0))\n'
        'tcp ESTAB 0 0 127.0.0.1:80 127.0.0.1:6000 users:(("nginx",pid=30,fd=9))\n'
        'tcp ESTAB 0 0 10.0.0.2:33000 10.0.0.9:443 users:(("curl",pid=40,fd=5))\n'
        "tcp TIME-WAIT 0 0 10.0.0.2:33001 10.0.0.9:443\n"
        'tcp ESTAB 0 0 10.0.0.2:33002 10.0.0.5:6514 users:(("rsyslogd",pid=60,fd=5))\n'
        'udp ESTAB 0 0 10.0.0.2:33003 [2001:db8::5]:514 users:(("rsyslogd",pid=60,fd=6))\n'
        'udp UNCONN 0 0 0.0.0.0:161 0.0.0.0:* users:(("snmpd",pid=70,fd=6))\n'
        'udp UNCONN 0 0 127.0.0.1:323 0.0.0.0:* users:(("snmpd",pid=70,fd=7))\n'
    ),
    UNITS: answer(
        "10 session-3.scope sshd\n  21 vsftpd.service vsftpd\n  22 vsftpd.service vsftpd\n  50 a.service build tool\n"
        "30 nginx.service nginx\n 60 rsyslog.service rsyslogd\n 70 snmpd.service snmpd\n"
    ),
    PROGRAMS: answer("/proc/50/maps /tmp/build tool\n/proc/51/maps /tmpfiles/x\n/proc/52/maps /tmp/gone\n"),
    SESSIONS: answer("3 1000 admin - pts/0\n4 1000 admin - pts/1\n5 0 root - -\n6 0 root - 77 manager -\n"),
}


def told(kind: ChangeKind, subject: str, before: str, after: str, **changes: Any) -> Sequence[str]:
    fields = {"role": "alpha", "task": "t", "module": "m", "controls": ("alpha-one",)}
    item = Change(**{**fields, "kind": kind, "subject": subject, "before": before, "after": after, **changes})
    return touches([item], HOST).get("alpha-one", [])


def test_a_unit_that_stops_has_the_connections_of_its_processes() -> None:
    sentences = ["vsftpd.service serves 2 connections on port 21 (10.0.0.7, 10.0.0.8)"]
    assert told(ChangeKind.UNIT, "vsftpd.service", "enabled, active", "masked, inactive") == sentences
    assert told(ChangeKind.UNIT, "vsftpd.service", "enabled, active", "restarted") == []
    assert told(ChangeKind.UNIT, "cups.service", "enabled, active", "masked, inactive") == []


@pytest.mark.parametrize(
    ("unit", "sentences"),
    [
        ("snmpd.service", ["snmpd.service can be reached at udp 161"]),
        ("nginx.service", ["nginx.service can be reached at tcp 80"]),
        ("rsyslog.service", ["rsyslog.service is connected to 10.0.0.5:6514 (tcp), 2001:db8::5:514 (udp)"]),
    ],
)
def test_a_unit_that_stops_is_missed_by_whom_it_sends_to_and_who_may_come(unit: str, sentences: list[str]) -> None:
    assert told(ChangeKind.UNIT, unit, "enabled, active", "masked, inactive") == sentences


@pytest.mark.parametrize(
    ("ports", "closed", "there"),
    [
        ("22", 21, "2 connections now (10.0.0.7, 10.0.0.8)"),
        ("20-22, 80", None, ""),
        ("21", 22, "1 connection now (10.0.0.1)"),
    ],
)
def test_a_firewall_that_closes_a_port_is_missed_by_whom_is_connected_to_it(
    ports: str, closed: int | None, there: str
) -> None:
    rules = (
        f"chain input {{\n tcp dport {{ {ports} }} accept\n}}\nchain output {{\n tcp dport {{ 21, 22 }} accept\n}}\n"
    )
    sentences = [f"the firewall would let no new connection in to port {closed}, which has {there}"]
    assert told(ChangeKind.FILE, "/etc/hardener/firewall.nft", "", rules) == (sentences if closed else [])


def test_a_mount_that_becomes_noexec_has_the_programs_below_it() -> None:
    sentences = ["2 processes run from /tmp (build tool, process 52)"]
    assert told(ChangeKind.MOUNT, "/tmp", "rw", "rw,noexec") == sentences
    assert told(ChangeKind.MOUNT, "/tmp", "rw,noexec", "rw,noexec,nodev") == []
    assert told(ChangeKind.MOUNT, "/var", "rw", "rw,noexec") == []


def test_who_is_logged_in_is_told_where_ways_in_change() -> None:
    assert told(ChangeKind.SETTING, "/etc/ssh/x", "", "y", role="sshd") == ["logged in: admin 2 times, root"]
    assert told(ChangeKind.SETTING, "/etc/x", "", "y") == []


def test_a_host_that_does_not_answer_disturbs_nobody_we_know_of() -> None:
    item = Change(role="sshd", task="t", module="m", kind=ChangeKind.UNIT, subject="a", after="masked, inactive")
    lost = Answer(exit_status=None, problem="timed out")
    assert touches([item], {}) == {}
    assert touches([item], {question.command: lost for question in QUESTIONS}) == {}


@pytest.mark.parametrize("port", ["9" * 5000, "65536", "ssh", "-1", ""])
def test_ports_that_are_none_disturb_nobody(port: str) -> None:
    answers = {
        SOCKETS: answer(f"tcp LISTEN 0 128 0.0.0.0:{port} 0.0.0.0:*\ntcp ESTAB 0 0 10.0.0.2:{port} 10.0.0.1:40000\n"),
        PROGRAMS: answer("odd /tmp/x\n"),
    }
    rules = f"chain input {{ tcp dport {{ 22, {port}, 1-{port}, 9-1 }} accept }}\n"
    fields = {"role": "alpha", "task": "t", "module": "m", "controls": ("alpha-one",)}
    item = Change(**fields, kind=ChangeKind.FILE, subject="/etc/x.nft", after=rules)
    assert touches([item], answers) == {}


def test_as_many_ports_as_there_are_connections_are_told_in_one_go() -> None:
    rows = range(60_000)
    listening = "".join(f"tcp LISTEN 0 128 0.0.0.0:{port} 0.0.0.0:*\n" for port in rows)
    connected = "".join(f"tcp ESTAB 0 0 10.0.0.2:{port} 10.0.0.1:9\n" for port in rows)
    answers = {SOCKETS: answer(listening + connected)}
    item = Change(
        role="alpha", task="t", module="m", controls=("alpha-one",), kind=ChangeKind.FILE, subject="/etc/x.nft"
    )
    began = time.process_time()
    assert len(touches([item], answers)["alpha-one"]) == len(rows)
    assert time.process_time() - began < 20, "not a measure: each port over all connections takes minutes"
