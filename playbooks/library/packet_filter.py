"""Loads a table of nftables, and lets the connections that are there go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.secure_paths import write
from ansible.module_utils.telling import finish, output_of

DOCUMENTATION = r"""
module: packet_filter
short_description: Load a table of nftables without losing what is connected
description:
  - Loads a file that replaces one table, in one transaction, so that packets meet the old table or the new one.
  - The kernel tracks no connection before there is a rule that asks for its state. Therefore it first tracks, then asks
    ss which TCP connections there are, and loads them with the table, in the sets connected4 and connected6.
options:
  file: {description: What nft loads; it declares both sets and includes the other file., type: path, required: true}
  connected: {description: The file for the connections, where no boot finds it any more., type: path, required: true}
  table: {description: Family and name of the table., type: str, required: true}
author: The hardener project
"""
EXAMPLES = r"""
- name: Load the table
  packet_filter:
    file: /etc/hardener/firewall.nft
    connected: /run/hardener-connected.nft
    table: inet hardener
"""
RETURN = r"""#"""

SOCKETS = ("ss", "--no-header", "--numeric", "--tcp", "state", "connected")


def tracking(table: str) -> str:
    """What nft loads to have connections tracked; it lets everything through."""
    chains = "".join(
        f"chain {hook} {{ type filter hook {hook} priority filter; policy accept; ct state new; }}\n"
        for hook in ("input", "output")
    )
    return f"table {table} {{\n{chains}}}\n"


def connected(table: str, sockets: str) -> str:
    """What nft loads after the table: the connections that ``ss`` tells, without those that never leave the host."""
    four, six = list[str](), list[str]()
    for line in sockets.splitlines():
        ends = [_end(word) for word in line.split()[3:5]]
        if len(ends) == 2 and not any(address.is_loopback for address, _ in ends):
            elements = four if ends[0][0].version == 4 else six
            elements.append(" . ".join(f"{address} . {port}" for address, port in ends))
    return "".join(_added(table, {"connected4": four, "connected6": six}.items()))


def _added(table: str, sets: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    for name, elements in sets:
        if elements:
            yield f"add element {table} {name} {{ {', '.join(elements)} }}\n"


def _end(word: str) -> tuple[IPv4Address | IPv6Address, int]:
    """Address and port; IPv4 over a socket of IPv6 is IPv4 on the wire, and an interface is no part of a packet."""
    host, _, port = word.rpartition(":")
    address = ip_address(host.partition("%")[0].strip("[]"))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address, int(port)


def load(module: AnsibleModule, file: str, others: str, table: str) -> None:
    """Track, ask, load: what begins after the question is tracked from its beginning."""
    if table not in {line.removeprefix("table ") for line in output_of(module, "nft", "list", "tables").splitlines()}:
        output_of(module, "nft", "--file", "-", stdin=tracking(table))
    write(others, connected(table, output_of(module, *SOCKETS)).encode())
    output_of(module, "nft", "--file", file)


def main() -> None:
    """Ansible's entry point."""
    specs = {name: {"type": "path", "required": True} for name in ("file", "connected")}
    module = AnsibleModule(
        argument_spec={**specs, "table": {"type": "str", "required": True}}, supports_check_mode=True
    )
    chosen = module.params
    if not module.check_mode:
        load(module, chosen["file"], chosen["connected"], chosen["table"])
    table = chosen["table"]
    finish(module, [{"kind": "ruleset", "subject": f"table {table}", "before": "", "after": "loaded anew"}])


if __name__ == "__main__":
    main()
