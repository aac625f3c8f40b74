"""The firewall on a real node: what gets through, what does not, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hardener import lab
from hardener.errors import ExitCode
from tests.integration import talkers
from tests.integration.proving import Bench, failing
from tests.integration.test_bad_input import run

pytestmark = pytest.mark.lab

NAMED = 12345
"""Where a program of an ordinary user listens that is called sshd."""
FOREIGN = "table ip site { chain kept { tcp dport 9 drop; }; }"
CONNECT = (
    "ip netns exec peer python3 -c 'import socket, sys; "
    "socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2)'"
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A node with our firewall, a foreign table, and a neighbour of its own behind a cable of each family."""
    lab.down("filter12")
    node = lab.up("filter12", kind="container", release="12", progress=print)
    try:
        lab.run(
            node,
            f"""nft '{FOREIGN}'
            ip netns add peer
            ip link add four type veth peer name far4 netns peer
            ip link add six type veth peer name far6 netns peer
            ip address add 198.51.100.1/24 dev four; ip link set four up
            ip address add fd00:51::1/64 dev six nodad; ip link set six up
            ip -n peer address add 198.51.100.2/24 dev far4; ip -n peer link set far4 up
            ip -n peer address add fd00:51::2/64 dev far6 nodad; ip -n peer link set far6 up
            systemd-run --quiet --unit=lab-served python3 -m http.server 8098 --bind ::
            systemd-run --quiet --unit=lab-closed python3 -m http.server 8099 --bind ::
            install --mode=0755 "$(readlink --canonicalize /usr/bin/python3)" /opt/sshd
            systemd-run --quiet --unit=lab-named --uid=nobody /opt/sshd -m http.server {NAMED} --bind ::
            until [ "$(ss -Hltn | grep --count --extended-regexp ':(8098|8099|{NAMED}) ')" = 3 ]; do :; done""",
        )
        whole = Bench.of(node)
        selection = replace(whole.conductor.selection, pattern="firewall-*")
        inbound = {
            "web": {"protocol": "tcp", "ports": [8098, talkers.OPEN], "networks": ["198.51.100.0/24", "fd00:51::/64"]}
        }
        services = {**whole.target.values["firewall_services"], "inbound": inbound}
        target = whole.target.model_copy(update={"values": {**whole.target.values, "firewall_services": services}})
        bench = replace(whole, target=target, conductor=replace(whole.conductor, selection=selection))
        assert not failing(bench.apply())
        lab.run(node, "cp /etc/hardener/firewall.nft /root/firewall.kept")
        yield bench
    finally:
        lab.down("filter12")


def gets_through(bench: Bench, address: str, port: int) -> bool:
    answer = lab.run(bench.node, f"{CONNECT} {address} {port} 2>/dev/null && echo yes || echo no")
    return answer.stdout.split()[-1] == "yes"


@pytest.mark.parametrize("address", ["198.51.100.1", "fd00:51::1"])
def test_each_family_gets_to_ssh_and_to_what_is_served_and_no_further(bench: Bench, address: str) -> None:
    assert gets_through(bench, address, 22)
    assert gets_through(bench, address, 8098)
    assert not gets_through(bench, address, 8099)
    assert not gets_through(bench, address, NAMED)
    assert lab.run(bench.node, f"ip netns exec peer ping -c 1 -W 5 {address} >/dev/null && echo yes").stdout == "yes\n"


def test_other_tables_are_left_alone(bench: Bench) -> None:
    assert "tcp dport 9 drop" in lab.run(bench.node, "nft list table ip site").stdout
    lab.run(bench.node, "systemctl stop hardener-firewall.service")
    tables = lab.run(bench.node, "nft list tables").stdout
    lab.run(bench.node, "systemctl start hardener-firewall.service")
    assert tables == "table ip site\n"


def test_each_violation_alone_is_seen(bench: Bench) -> None:
    for name in bench.conductor.selection.catalogue.matching("firewall-*"):
        control = bench.conductor.selection.catalogue[name]
        if control.violation is None or name in {"firewall-single-engine", "firewall-ufw"}:
            continue  # those two start units; the proof has them
        bench.violate([name])
        assert name in failing(bench.audit())
        lab.run(
            bench.node,
            "cp /root/firewall.kept /etc/hardener/firewall.nft; nft --file /etc/hardener/firewall.nft; "
            "systemctl --quiet enable hardener-firewall.service",
        )
        assert not failing(bench.audit())


def test_nobody_shuts_himself_out(bench: Bench, tmp_path: Path) -> None:
    lab.run(bench.node, "nft delete table inet hardener")
    try:
        values = json.dumps({"firewall_ssh": {"networks": ["192.0.2.0/24"]}})
        arguments = (
            "-i",
            bench.node.inventory,
            "-p",
            "beyond-cis",
            "--controls",
            "firewall-*",
            "--store",
            tmp_path / "runs",
            "-e",
            values,
        )
        finished = run("apply", "--yes", *arguments)
        assert finished.returncode == ExitCode.FINDINGS
        assert "from where you came, is in none of firewall_ssh.networks: 192.0.2.0/24; to go on: " in finished.stdout
        assert lab.run(bench.node, "nft list tables").stdout == "table ip site\n"
    finally:
        lab.run(bench.node, "systemctl restart hardener-firewall.service")


@pytest.mark.parametrize(("node", "neighbour"), [("198.51.100.1", "198.51.100.2"), ("fd00:51::1", "fd00:51::2")])
def test_what_is_connected_when_the_table_is_first_loaded_goes_on(bench: Bench, node: str, neighbour: str) -> None:
    script = f"cat > /root/talkers.py <<'PYTHON'\n{Path(talkers.__file__).read_text()}\nPYTHON\n"
    lab.run(
        bench.node,
        f"""{script}
        systemctl stop hardener-firewall.service
        rm --recursive --force /run/talkers && mkdir /run/talkers && mkfifo /run/talkers/go
        systemd-run --quiet --unit=lab-talkers python3 /root/talkers.py {node} {neighbour} /run/talkers
        until [ -e /run/talkers/connected ] || ! systemctl is-active --quiet lab-talkers; do :; done""",
    )
    assert not failing(bench.apply())
    lab.run(bench.node, "echo now > /run/talkers/go")
    waiting = "until [ -e /run/talkers/told ] || ! systemctl is-active --quiet lab-talkers; do :; done"
    told = lab.run(bench.node, f"{waiting}; cat /run/talkers/told")
    assert (told.returncode, told.stdout) == (0, "")
