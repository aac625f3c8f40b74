"""Network services that a server does not need."""

from __future__ import annotations

from hardener.catalogue.control import Control
from hardener.catalogue.kinds import absent_packages, unneeded_service
from hardener.controls.services.needed import masked_or_needed, serves_what_is_open
from hardener.model import Disruption, Severity, Trait


def _server(subject: str, units: list[str], *, title: str, why: str, severity: Severity = Severity.MEDIUM) -> Control:
    """A network service nobody needs."""
    return unneeded_service(
        subject,
        *units,
        judge=masked_or_needed,
        title=title,
        why=why,
        severity=severity,
        disruption=Disruption.RESTART,
        hazards=[serves_what_is_open(*units)],
    )


CONTROLS = [
    _server(
        "autofs",
        ["autofs.service"],
        title="No automounter runs",
        why="An automounter attaches any medium or share that somebody offers it, without anybody deciding to.",
    ),
    _server(
        "avahi",
        ["avahi-daemon.socket", "avahi-daemon.service"],
        title="No mDNS responder runs",
        why="It tells the whole network what this host is called and offers, and parses whatever comes back.",
    ),
    _server(
        "dhcp-server",
        ["kea-dhcp4-server.service", "kea-dhcp6-server.service", "isc-dhcp-server6.service", "isc-dhcp-server.service"],
        title="No DHCP server runs",
        why="A second DHCP server on a network hands out wrong addresses and routes to every host that asks.",
    ),
    _server(
        "dns-server",
        ["named.service"],
        title="No DNS server runs",
        why="A name server nobody looks after serves stale or forged names and amplifies attacks on others.",
    ),
    _server(
        "dnsmasq",
        ["dnsmasq.service"],
        title="No dnsmasq runs",
        why="It answers DNS, DHCP and TFTP at once: three services to attack where none is needed.",
    ),
    _server(
        "ftp-server",
        ["vsftpd.service"],
        title="No FTP server runs",
        why="FTP sends passwords and files readable to everybody on the way.",
        severity=Severity.HIGH,
    ),
    _server(
        "ldap-server",
        ["slapd.service"],
        title="No LDAP server runs",
        why="A directory holds accounts and password hashes, which belong on hosts dedicated to it.",
    ),
    _server(
        "mailbox-server",
        ["dovecot.socket", "dovecot.service"],
        title="No POP or IMAP server runs",
        why="A mailbox server accepts logins from anywhere and is a target for password guessing.",
    ),
    _server(
        "nfs-server",
        ["nfs-server.service"],
        title="No NFS server runs",
        why="An NFS export trusts the user numbers its clients claim; mounting NFS volumes does not need the server.",
    ),
    _server(
        "nis-server",
        ["ypserv.service"],
        title="No NIS server runs",
        why="NIS gives its maps, password hashes among them, to any client that knows the domain's name.",
        severity=Severity.HIGH,
    ),
    _server(
        "print-server",
        ["cups.path", "cups.socket", "cups.service"],
        title="No print server runs",
        why="It runs filters over documents from the network, a repeated way into hosts that never print.",
    ),
    _server(
        "rpcbind",
        ["rpcbind.socket", "rpcbind.service"],
        title="No RPC port mapper runs",
        why="It lists the RPC services of a host to strangers and amplifies traffic. NFS version 3 volumes need it: "
        "waive this control on nodes that mount them, Kubernetes nodes included.",
    ),
    _server(
        "rsync-server",
        ["rsync.service"],
        title="No rsync daemon runs",
        why="The daemon serves directories without encryption; copying over ssh does not need it.",
    ),
    _server(
        "smb-server",
        ["smbd.service"],
        title="No SMB file server runs",
        why="File shares are what ransomware and worms travel by.",
    ),
    _server(
        "snmp-server",
        ["snmpd.service"],
        title="No SNMP daemon runs",
        why="Older SNMP versions protect a host's inventory, and sometimes its settings, by a word sent in the clear.",
    ),
    _server(
        "tftp-server",
        ["tftpd-hpa.service"],
        title="No TFTP server runs",
        why="TFTP knows no login: whoever reaches the port reads the files, boot configurations with secrets included.",
        severity=Severity.HIGH,
    ),
    _server(
        "web-proxy",
        ["squid.service"],
        title="No web proxy runs",
        why="A forgotten proxy lets others reach internal networks, or the world, in this host's name.",
    ),
    _server(
        "web-server",
        ["apache2.socket", "apache2.service", "nginx.service"],
        title="No web server runs",
        why="A web server nobody asked for offers its default pages, modules and bugs to everybody who scans the port.",
    ),
    _server(
        "xinetd",
        ["xinetd.service"],
        title="No xinetd runs",
        why="It starts old clear-text services on demand, so that none of them shows in a list of processes.",
    ),
    absent_packages(
        "x-server",
        "xserver-common",
        title="No X server is installed",
        why="A graphical server is large and privileged, and every program on a display can read the others' keys.",
        severity=Severity.MEDIUM,
        unless={Trait.GUI: "people work at this host's screen"},
    ),
    _server(
        "bluetooth",
        ["bluetooth.service"],
        title="No Bluetooth service runs",
        why="A radio that pairs with devices nearby is a way in that no firewall sees.",
        severity=Severity.LOW,
    ),
]
