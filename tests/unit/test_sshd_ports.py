"""Which ports are ssh's: what the units of the system's own sshd listen on, never what is called sshd."""

from __future__ import annotations

import pytest

from hardener.audit import examine
from hardener.catalogue.control import CouldNotLook
from hardener.catalogue.observations import SSHD_OPTIONS
from hardener.catalogue.sshd_ports import LISTENERS, UNITS, sshd_ports
from hardener.facts import CONNECTION
from hardener.model import Answer
from hardener.transcript import host_of
from tests.unit.builders import answer, facts_answers, selection, target

SERVICE = """\
MainPID=144
Id=ssh.service
ActiveState=active

MainPID=144
Id=ssh.service
ActiveState=active

Listen=[::]:22 (Stream)
Id=ssh.socket
ActiveState=inactive

Id=sshd.socket
ActiveState=inactive
"""
"""As Debian 12 and 13 show them."""
SOCKET = """\
MainPID=0
Id=ssh.service
ActiveState=inactive

Listen=0.0.0.0:2222 (Stream)
Listen=[fe80::1]:2223 (Stream)
Listen=/run/ssh.sock (Stream)
Listen=vsock:4294967295:24 (Stream)
Id=ssh.socket
ActiveState=active
"""
CONFIGURED = "port 22\nlistenaddress [::]:2022\nlistenaddress 192.0.2.1:2023\npermitrootlogin no\n"


def row(port: int, owners: str, address: str = "0.0.0.0") -> str:
    return f"LISTEN 0      128    {address}:{port} 0.0.0.0:* users:({owners})   \n"


def ports(units: Answer, listeners: str = "", configured: Answer | None = None) -> set[int]:
    answers = {UNITS: units, LISTENERS: answer(listeners), SSHD_OPTIONS: configured or answer("", 255)}
    return set(sshd_ports(host_of(answers)[0]))


OURS = row(22, '("sshd",pid=144,fd=3)') + row(22, '("sshd",pid=144,fd=4)', "[::]")


def test_they_are_those_of_the_main_process_of_sshs_service() -> None:
    assert ports(answer(SERVICE), OURS + row(2200, '("sshd",pid=144,fd=5)', "[fe80::1%eth0]")) == {22, 2200}


@pytest.mark.parametrize(
    "owners",
    [
        '("sshd",pid=9999,fd=3)',
        '("sshd",pid=1440,fd=3)',
        # Names have at most 15 characters, and may be anything.
        '("a",pid=144,fd=3)",pid=9999,fd=3)',
        '("",pid=144,fd=3)",pid=9999,fd=3)',
        '("pid=144,fd=3),(",pid=9999,fd=3)',
        '("a",pid=144,fd=3',
    ],
)
def test_a_program_of_a_user_opens_no_port_whatever_it_is_called(owners: str) -> None:
    assert ports(answer(SERVICE), OURS + row(12345, owners)) == {22}


def test_a_name_with_a_line_break_makes_no_row() -> None:
    assert ports(answer(SERVICE), OURS + row(12345, '("\nL 0 0 a:9 b u",pid=9999,fd=3)')) == {22}


def test_without_a_main_process_there_is_none() -> None:
    assert ports(answer(SERVICE.replace("144", "0")), row(22, '("sshd",pid=0,fd=3)')) == set()


def test_a_socket_of_systemd_counts_where_it_is_active_and_only_its_ports() -> None:
    assert ports(answer(SOCKET), row(2222, '("systemd",pid=1,fd=24)') + row(80, '("systemd",pid=1,fd=25)')) == {
        2222,
        2223,
    }
    assert ports(answer(SOCKET.replace("=active", "=failed"))) == set()


@pytest.mark.parametrize("units", [answer("", 127), answer("", 1)], ids=["no systemctl", "no systemd"])
def test_where_systemd_is_not_in_charge_sshd_says_what_it_is_configured_for(units: Answer) -> None:
    assert ports(units, row(12345, '("sshd",pid=9999,fd=3)'), answer(CONFIGURED)) == {2022, 2023}
    assert ports(units, OURS, answer("", 127)) == set()


@pytest.mark.parametrize(
    "broken",
    [{UNITS: answer("", 1), SSHD_OPTIONS: answer("", 255)}, {UNITS: answer(SERVICE), LISTENERS: answer("", 127)}],
)
def test_what_cannot_be_seen_is_no_empty_list_and_costs_no_other_fact(broken: dict[str, Answer]) -> None:
    with pytest.raises(CouldNotLook):
        sshd_ports(host_of(broken)[0])
    facts = examine(selection(), target(), facts_answers() | broken).facts
    assert facts is not None
    assert facts.ssh_ports == (2222,)


@pytest.mark.parametrize("number", ["0", "65536", "99999", "9" * 5000])
def test_a_number_that_is_no_port_is_none(number: str) -> None:
    odd = OURS.replace(":22 ", f":{number} ")
    assert ports(answer(SERVICE), odd) == set()
    assert ports(answer(SOCKET.replace("2222", number))) == {2223}


def test_the_port_that_the_operator_came_to_is_one_of_them() -> None:
    answers = facts_answers() | {UNITS: answer(SERVICE), LISTENERS: answer(OURS)}
    facts = examine(selection(), target(), answers).facts
    assert facts is not None
    assert facts.ssh_ports == (22, 2222)


def test_all_that_is_asked_for_them_comes_with_the_first_round_trip() -> None:
    missing = {question.command for question in examine(selection(), target(), {}).missing}
    assert missing >= {UNITS, LISTENERS, CONNECTION}
