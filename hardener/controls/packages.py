"""Packages: what hardening itself needs is installed, and apt takes packages only from where the site wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from hardener.catalogue import hazards
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, Host
from hardener.catalogue.kinds import HOST_KERNEL, installed_packages, recent_package, review
from hardener.model import Severity


def _lines(listing: str) -> JsonValue:
    return [*dict.fromkeys(line.strip() for line in listing.splitlines() if line.strip())]


def _keys(host: Host) -> JsonValue:
    """The files that hold keys apt trusts, each with its package and its digest, and the keys each source names."""
    files = seen.ask(
        host,
        "for file in /etc/apt/trusted.gpg /etc/apt/trusted.gpg.d/* /etc/apt/keyrings/* /usr/share/keyrings/*; do "
        '[ ! -f "$file" ] || sha256sum "$file"; done',
    )
    named = seen.ask(
        host,
        r"find /etc/apt -name '*.list' -exec grep -ho 'signed-by=[^] ]*' {} + | sort -u; "
        r"find /etc/apt -name '*.sources' -exec grep -hi '^Signed-By:' {} + | sort -u",
    )
    return {"files": _lines(files), "named by sources": _lines(named)}


def _sources(host: Host) -> JsonValue:
    """Every place apt takes packages from, with its priority."""
    return _lines(seen.ask(host, "apt-cache policy | grep -E '^ *-?[0-9]+ '"))


def _installed(subject: str, *packages: str, why: str, **more: Any) -> Control:
    declared: dict[str, Any] = {"severity": Severity.MEDIUM, "title": _title(packages), "why": why}
    return installed_packages(subject, *packages, **{**declared, **more})


def _title(packages: Sequence[str]) -> str:
    verb = "are" if len(packages) > 1 else "is"
    return f"{' and '.join(packages)} {verb} installed"


CONTROLS = [
    review(
        "apt-keys",
        _keys,
        title="The keys that apt trusts are known and wanted",
        why="Whoever holds one of these keys can install anything as root on this host.",
        severity=Severity.MEDIUM,
    ),
    review(
        "apt-sources",
        _sources,
        title="apt takes packages only from where the site wants them",
        why="A source nobody looks after delivers old bugs, or whatever its new owner likes.",
        severity=Severity.MEDIUM,
    ),
    _installed(
        "apparmor",
        *("apparmor", "apparmor-utils"),
        enables=("apparmor-*",),
        hazards=[hazards.selinux_in_charge],
        why="Without them the kernel's confinement of programs has no profiles and nobody can change one.",
        unless=HOST_KERNEL,
    ),
    _installed(
        "nftables",
        "nftables",
        enables=("firewall-*",),
        why="Without its command nobody can load or look at the packet filter of the host.",
    ),
    _installed(
        "sudo",
        "sudo",
        instead=("sudo-ldap",),
        enables=("sudo-pty", "sudo-log"),
        why="Administrators who share root's password leave no trace of who did what.",
    ),
    recent_package(
        "libpam-runtime",
        broken="1.5.2-5",
        title="The PAM configuration tools are recent",
        why="Older ones do not know all the modules that hardened login stacks are made of.",
        severity=Severity.MEDIUM,
    ),
    recent_package(
        "libpam-modules",
        broken="1.5.2-5",
        title="The PAM modules are recent",
        why="pam_faillock and its successors have had bugs that let locked accounts in.",
        severity=Severity.MEDIUM,
    ),
    _installed(
        "libpam-pwquality",
        "libpam-pwquality",
        enables=("pam-pwquality", "pam-pwhistory-token"),
        why="It is the module that refuses passwords which are easy to guess.",
    ),
    _installed(
        "timesyncd",
        "systemd-timesyncd",
        enables=("time-ntp", "time-fallbackntp", "time-timesyncd"),
        why="The way chosen to keep the clock right is not there without it.",
        chosen={"time_choice.daemon": "timesyncd"},
        unless=HOST_KERNEL,
    ),
    _installed(
        "chrony",
        "chrony",
        enables=("time-chrony*",),
        why="The way chosen to keep the clock right is not there without it.",
        chosen={"time_choice.daemon": "chrony"},
        unless=HOST_KERNEL,
    ),
    _installed(
        "journal-remote",
        "systemd-journal-remote",
        enables=("logging-upload*",),
        why="It sends the journal elsewhere, where whoever takes over this host cannot rewrite it.",
        severity=Severity.LOW,
        chosen={"logging_choice.system": "journald"},
    ),
    _installed(
        "rsyslog",
        "rsyslog",
        enables=("logging-rsyslog*",),
        why="The way chosen to keep logs is not there without it.",
        chosen={"logging_choice.system": "rsyslog"},
    ),
    _installed(
        "auditd",
        *("auditd", "audispd-plugins"),
        enables=("auditd-*",),
        why="They write down what the kernel sees of every user's actions.",
        unless=HOST_KERNEL,
    ),
    _installed(
        "aide",
        *("aide", "aide-common"),
        enables=("integrity-*",),
        why="Without a tool that compares files with how they were, a changed program goes unnoticed.",
    ),
    _installed(
        "unattended-upgrades",
        "unattended-upgrades",
        enables=("patching-unattended-upgrades",),
        why="Security updates that wait for a person wait too long.",
    ),
]
