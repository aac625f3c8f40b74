"""Gives a container node a network of its own with a way to the package mirror, and undoes all of it."""

import ipaddress
import json
from collections.abc import Iterable
from pathlib import Path

from hardener.errors import LabError
from hardener.lab.node import Node
from hardener.lab.tools import locked, run_tool, tolerate

NETWORK = ipaddress.ip_network("10.213.0.0/16")
_RUNTIME = Path("/run/hardener-lab")
"""Shared by all users' labs and gone with the next boot of this machine, like the setting it remembers."""
CHOICE = _RUNTIME / "choice.lock"
"""Held by whoever chooses a subnet, until its link is there."""
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_TABLE = "hardener_lab"
_LINK_PREFIX = "hlab"


def subnet_addresses(subnet: int) -> tuple[str, str]:
    """The addresses of this machine and of the node in the lab's subnet with that number (a /30 each)."""
    base = NETWORK.network_address + 256 * subnet
    return str(base + 1), str(base + 2)


def free_subnet(taken: Iterable[int]) -> int:
    """The first subnet number that neither a node, a link nor an address of this machine uses.

    Raises LabError where all are taken.
    """
    used = {*taken, *_used_subnets(json.loads(run_tool(["ip", "-json", "address"])))}
    for subnet in range(256):
        if subnet not in used:
            return subnet
    raise LabError(f"lab: every subnet of {NETWORK} is in use")


def namespace(node: Node) -> str:
    """The name of the node's network namespace."""
    return f"hardener-lab-{node.subnet}"


def connect(node: Node) -> None:
    """Make the node's namespace, its link to this machine and the way out; what is left of an older one goes first."""
    host, guest = subnet_addresses(_number(node))
    link, space = f"{_LINK_PREFIX}{node.subnet}", namespace(node)
    with locked(_RUNTIME / "lock"):
        _remove_link(node)
        run_tool(["ip", "netns", "add", space])
        run_tool(["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space])
        run_tool(["ip", "address", "add", f"{host}/30", "dev", link])
        run_tool(["ip", "link", "set", link, "up"])
        inside = ["ip", "-netns", space]
        run_tool([*inside, "link", "set", "lo", "up"])
        run_tool([*inside, "address", "add", f"{guest}/30", "dev", "eth0"])
        run_tool([*inside, "link", "set", "eth0", "up"])
        run_tool([*inside, "route", "add", "default", "via", host])
        _open_way_out()


def disconnect(node: Node) -> None:
    """Remove what :func:`connect` made; with the last link of any lab goes the way out. Safe to repeat."""
    with locked(_RUNTIME / "lock"):
        _remove_link(node)
        if not _lab_links(json.loads(run_tool(["ip", "-json", "link"]))):
            _close_way_out()


def masquerade_rules() -> str:
    """The lab's one nftables table: only the lab's own addresses are rewritten, on their way out of the lab."""
    return f"""table inet {_TABLE} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {NETWORK} oifname != "{_LINK_PREFIX}*" masquerade
    }}
}}
"""


def nameservers(etc_resolv: str, behind_stub: str) -> list[str]:
    """The name servers a node can reach: the machine's own, or those behind a resolver on its loopback."""
    own = _servers(etc_resolv)
    return own or _servers(behind_stub)


def resolv_conf() -> str:
    """The resolv.conf of a container node."""
    texts = [_text(Path("/etc/resolv.conf")), _text(Path("/run/systemd/resolve/resolv.conf"))]
    return "".join(f"nameserver {server}\n" for server in nameservers(*texts))


def _open_way_out() -> None:
    """Forward and masquerade the lab's addresses, remembering how forwarding was; the caller holds the lock."""
    remembered = _RUNTIME / "ip_forward"
    if not remembered.exists():
        remembered.write_text(_FORWARDING.read_text())
    rules = _RUNTIME / "masquerade.nft"
    rules.write_text(f"table inet {_TABLE}\ndelete table inet {_TABLE}\n{masquerade_rules()}")
    run_tool(["nft", "-f", str(rules)])
    if _FORWARDING.read_text().strip() != "1":
        _FORWARDING.write_text("1\n")


def _close_way_out() -> None:
    """Undo :func:`_open_way_out`; the caller holds the lock."""
    tolerate(["nft", "delete", "table", "inet", _TABLE])
    remembered = _RUNTIME / "ip_forward"
    if remembered.exists():
        if _FORWARDING.read_text() != remembered.read_text():
            _FORWARDING.write_text(remembered.read_text())
        remembered.unlink()


def _remove_link(node: Node) -> None:
    """Remove the node's link and namespace if they are there."""
    tolerate(["ip", "link", "delete", f"{_LINK_PREFIX}{_number(node)}"])
    tolerate(["ip", "netns", "delete", namespace(node)])


def _number(node: Node) -> int:
    """The node's subnet; a node description without one was not written by the lab."""
    if node.subnet is None:
        raise LabError(f"lab: {node.name} has no subnet")
    return node.subnet


def _lab_links(links: Iterable[dict[str, object]]) -> list[str]:
    """The names of the lab's own links among ``ip -json link``."""
    names = [str(link.get("ifname", "")) for link in links]
    return [name for name in names if name.removeprefix(_LINK_PREFIX).isdigit() and name.startswith(_LINK_PREFIX)]


def _used_subnets(links: Iterable[dict[str, object]]) -> set[int]:
    """The subnet numbers taken by links or addresses among ``ip -json address``."""
    entries = list(links)
    used = {int(name.removeprefix(_LINK_PREFIX)) for name in _lab_links(entries)}
    for link in entries:
        infos = link.get("addr_info", [])
        for info in infos if isinstance(infos, list) else []:
            address = ipaddress.ip_address(str(info.get("local", "::")))
            if address in NETWORK:
                used.add(address.packed[2])
    return used


def _servers(text: str) -> list[str]:
    """The name servers of a resolv.conf that are not on the loopback interface."""
    words = (line.split() for line in text.splitlines())
    servers = [parts[1] for parts in words if len(parts) > 1 and parts[0] == "nameserver"]
    return [server for server in servers if not server.startswith("127.") and server != "::1"]


def _text(path: Path) -> str:
    """A file's text; nothing where there is no file."""
    try:
        return path.read_text()
    except OSError:
        return ""
