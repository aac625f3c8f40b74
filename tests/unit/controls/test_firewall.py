"""What the controls of the firewall see in nft's listings, and when they would refuse to change anything."""

from __future__ import annotations

from typing import Any

import pytest

from hardener.catalogue.control import CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.catalogue.sshd_ports import LISTENERS, UNITS
from hardener.content import roles_directory
from hardener.controls import firewall
from hardener.controls.firewall import probes
from hardener.inventory import role_defaults
from hardener.model import Facts, Platform
from tests.unit.controls.recorded import RecordedHost

CATALOGUE = catalogue_of([("firewall", firewall.CONTROLS)])
VALUES = role_defaults(roles_directory())
LOADED = "nft --stateless --terse list table inet hardener"
AT_BOOT = (
    "[ -e /etc/hardener/firewall.nft ] || exit 4; command -v nft >/dev/null || exit 4; "
    "unshare --net sh -c 'nft --file /etc/hardener/firewall.nft && nft --stateless --terse list table inet hardener'"
)
TABLE = """\
table inet hardener {
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ip saddr 127.0.0.0/8 drop
		ip6 saddr ::1 drop
		ct state established,related accept
		ip saddr 0.0.0.0/0 tcp dport { 22, 2222 } ct state new accept comment "ssh"
		ip6 saddr ::/0 tcp dport { 22, 2222 } ct state new accept comment "ssh"
		limit rate 5/minute burst 10 packets log prefix "hardener input: "
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
	}

	chain output {
		type filter hook output priority filter; policy drop;
		oif "lo" accept
		ct state new accept comment "everything"
	}
}
"""
SOCKETS = 'LISTEN 0 128 0.0.0.0:2222 0.0.0.0:* users:(("sshd",pid=9,fd=3))\n'


def host(loaded: tuple[int, str, str] = (0, TABLE, ""), at_boot: tuple[int, str, str] = (0, TABLE, "")) -> RecordedHost:
    sockets = {UNITS: (0, "MainPID=9\nId=ssh.service\n", ""), LISTENERS: (0, SOCKETS, "")}
    return RecordedHost({LOADED: loaded, AT_BOOT: at_boot, **sockets})


def complaints(name: str, on: RecordedHost) -> Any:
    control = CATALOGUE[f"firewall-{name}"]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return list(expectation.complaints(control.observe(on)))


TABLE_CONTROLS = ["table", "chains", "loopback", "input-policy", "output-policy", "forward-policy", "ssh", "kept"]


@pytest.mark.parametrize("name", TABLE_CONTROLS)
def test_our_table_loaded_and_on_disk_is_what_is_wanted(name: str) -> None:
    assert complaints(name, host()) == []


@pytest.mark.parametrize("name", TABLE_CONTROLS)
@pytest.mark.parametrize(
    "on",
    [
        host(loaded=(1, "", "Error: No such file or directory\n")),
        host(loaded=(127, "", "nft: not found\n")),
        host(at_boot=(4, "", "")),
        host(at_boot=(1, "", "/etc/hardener/firewall.nft:1:1-3: Error: syntax error\n")),
    ],
    ids=["not loaded", "no nft", "no file", "a file nft refuses"],
)
def test_half_of_it_is_not_enough(name: str, on: RecordedHost) -> None:
    assert complaints(name, on)


@pytest.mark.parametrize("on", [host(loaded=(1, "", "denied")), host(at_boot=(1, "", "unshare failed"))])
def test_what_cannot_be_asked_is_no_verdict(on: RecordedHost) -> None:
    with pytest.raises(CouldNotLook):
        complaints("table", on)


@pytest.mark.parametrize(
    ("name", "line", "other"),
    [
        ("input-policy", "hook input priority filter; policy drop;", "hook input priority filter; policy accept;"),
        ("output-policy", "hook output priority filter; policy drop;", "hook output priority filter;"),
        ("loopback", "\t\tip6 saddr ::1 drop\n", ""),
        (
            "loopback",
            '\t\tiif "lo" accept\n\t\tip saddr 127.0.0.0/8 drop\n',
            '\t\tip saddr 127.0.0.0/8 drop\n\t\tiif "lo" accept\n',
        ),
        ("ssh", "{ 22, 2222 }", "22"),
        ("chains", "chain output {\n\t\ttype filter hook output priority filter; policy drop;", "chain output {\n"),
        ("kept", "policy drop;", "policy accept;"),
    ],
)
def test_one_line_makes_the_difference(name: str, line: str, other: str) -> None:
    assert line in TABLE
    changed = (0, TABLE.replace(line, other), "")
    assert complaints(name, host(loaded=changed))
    assert complaints(name, host(at_boot=changed))


def test_ports_are_those_sshd_listens_on_and_not_22() -> None:
    assert complaints("ssh", host(loaded=(0, TABLE.replace("{ 22, 2222 }", "22"), ""))) == [
        "port 2222 is not accepted now"
    ]


def facts(address: str | None) -> Facts:
    return Facts(
        platform=Platform(family="debian", release="12"),
        kernel="6.1",
        machine_id="0",
        operator="admin",
        operator_address=address,
        is_root=True,
        has_python=True,
    )


@pytest.mark.parametrize(
    ("address", "networks", "is_held_back"),
    [
        ("192.0.2.7", ["0.0.0.0/0", "::/0"], False),
        ("192.0.2.7", ["192.0.2.0/24"], False),
        ("::ffff:192.0.2.7", ["192.0.2.0/24"], False),
        ("fe80::1%eth0", ["fe80::/10"], False),
        (None, ["192.0.2.0/24"], False),
        ("198.51.100.7", ["192.0.2.0/24"], True),
        ("2001:db8::7", ["0.0.0.0/0"], True),
    ],
)
def test_nobody_shuts_himself_out(address: str | None, networks: list[str], is_held_back: bool) -> None:
    lock_out, *_ = CATALOGUE["firewall-input-policy"].hazards
    assert (
        lock_out(RecordedHost({}), facts(address), {"firewall_ssh": {"networks": networks}}) is not None
    ) is is_held_back


def test_a_listing_reads_as_chains_with_their_rules() -> None:
    chains = probes.read_table(TABLE)
    assert {name: chain["policy"] for name, chain in chains.items()} == dict.fromkeys(
        ("input", "forward", "output"), "drop"
    )
    assert chains["output"]["rules"] == ['oif "lo" accept', 'ct state new accept comment "everything"']
