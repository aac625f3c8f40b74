"""Clients of services that nobody should use any more."""

from __future__ import annotations

from hardener.catalogue.control import Control
from hardener.catalogue.kinds import absent_packages
from hardener.controls.services.shared import declared
from hardener.model import Severity


def _client(
    subject: str, packages: list[str], *, number: str, severity: Severity = Severity.LOW, **words: str
) -> Control:
    """A client nobody should use; its number is the same for Debian 12 and 13."""
    return absent_packages(subject, *packages, **declared((number, number), severity, words))


CONTROLS = [
    _client(
        "nis-client",
        ["nis", "ypbind-mt"],
        title="No NIS client is installed",
        why="A NIS client believes accounts from any server that answers first.",
        number="2.2.1",
        severity=Severity.HIGH,
    ),
    _client(
        "rsh-client",
        ["rsh-client"],
        title="No rsh client is installed",
        why="The r-commands send everything readable, and prove nobody's identity.",
        number="2.2.2",
        severity=Severity.HIGH,
    ),
    _client(
        "talk-client",
        ["talk"],
        title="No talk client is installed",
        why="Its messages travel readable and unauthenticated, and writing to terminals can be abused to run commands.",
        number="2.2.3",
        severity=Severity.MEDIUM,
    ),
    _client(
        "telnet-client",
        ["telnet", "inetutils-telnet"],
        title="No telnet client is installed",
        why="Whoever logs in by telnet shows the password to everybody on the way; without a client nobody tries.",
        number="2.2.4",
    ),
    _client(
        "ldap-client",
        ["ldap-utils"],
        title="No LDAP client tools are installed",
        why="They help an intruder to list the directory's people and groups; logging in by LDAP works without them.",
        number="2.2.5",
    ),
    _client(
        "ftp-client",
        ["ftp", "tnftp"],
        title="No FTP client is installed",
        why="Files and passwords sent by FTP can be read and changed on the way; encrypted copying exists.",
        number="2.2.6",
    ),
]
