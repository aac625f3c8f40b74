"""Clients of services that nobody should use any more."""

from __future__ import annotations

from hardener.catalogue.kinds import absent_packages
from hardener.model import Severity

CONTROLS = [
    absent_packages(
        "nis-client",
        *("nis", "ypbind-mt"),
        title="No NIS client is installed",
        why="A NIS client believes accounts from any server that answers first.",
        severity=Severity.HIGH,
    ),
    absent_packages(
        "rsh-client",
        "rsh-client",
        title="No rsh client is installed",
        why="The r-commands send everything readable, and prove nobody's identity.",
        severity=Severity.HIGH,
    ),
    absent_packages(
        "talk-client",
        "talk",
        title="No talk client is installed",
        why="Its messages travel readable and unauthenticated, and writing to terminals can be abused to run commands.",
        severity=Severity.MEDIUM,
    ),
    absent_packages(
        "telnet-client",
        *("telnet", "inetutils-telnet"),
        title="No telnet client is installed",
        why="Whoever logs in by telnet shows the password to everybody on the way; without a client nobody tries.",
        severity=Severity.LOW,
    ),
    absent_packages(
        "ldap-client",
        "ldap-utils",
        title="No LDAP client tools are installed",
        why="They help an intruder to list the directory's people and groups; logging in by LDAP works without them.",
        severity=Severity.LOW,
    ),
    absent_packages(
        "ftp-client",
        *("ftp", "tnftp"),
        title="No FTP client is installed",
        why="Files and passwords sent by FTP can be read and changed on the way; encrypted copying exists.",
        severity=Severity.LOW,
    ),
]
