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

AUDIT_NUMBERS = {"nist-800-53": ("AU-12", "CM-6"), "cis-controls-8": "8.2", "pci-dss-4": "10.2.1"}


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
    declared: dict[str, Any] = {"level": 1, "severity": Severity.MEDIUM, "title": _title(packages), "why": why}
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
        level=1,
        severity=Severity.MEDIUM,
        references={"cis-debian12": "1.2.1.1", "nist-800-53": ("SI-2", "CM-14"), "cis-controls-8": "7.3"},
    ),
    review(
        "apt-sources",
        _sources,
        title="apt takes packages only from where the site wants them",
        why="A source nobody looks after delivers old bugs, or whatever its new owner likes.",
        level=1,
        severity=Severity.MEDIUM,
        references={"cis-debian12": "1.2.1.2", "nist-800-53": ("SI-2", "CM-11"), "cis-controls-8": "7.3"},
    ),
    _installed(
        "apparmor",
        *("apparmor", "apparmor-utils"),
        enables=("apparmor-*",),
        hazards=[hazards.selinux_in_charge],
        why="Without them the kernel's confinement of programs has no profiles and nobody can change one.",
        references={"cis-debian12": "1.3.1.1", "nist-800-53": ("AC-3", "SC-3"), "cis-controls-8": "3.3"},
        unless=HOST_KERNEL,
    ),
    _installed(
        "nftables",
        "nftables",
        enables=("firewall-*",),
        why="Without its command nobody can load or look at the packet filter of the host.",
        references={"cis-debian12": "4.3.1", "nist-800-53": ("CA-9", "SC-7"), "cis-controls-8": "4.4"},
    ),
    _installed(
        "sudo",
        "sudo",
        instead=("sudo-ldap",),
        enables=("sudo-pty", "sudo-log"),
        why="Administrators who share root's password leave no trace of who did what.",
        references={
            "cis-debian12": "5.2.1",
            "cis-debian13": "5.2.1",
            "nist-800-53": ("AC-2", "AC-6"),
            "cis-controls-8": "5.4",
        },
    ),
    recent_package(
        "libpam-runtime",
        broken="1.5.2-5",
        title="The PAM configuration tools are recent",
        why="Older ones do not know all the modules that hardened login stacks are made of.",
        level=1,
        severity=Severity.MEDIUM,
        references={"cis-debian12": "5.3.1.1", "cis-debian13": "5.3.1.1", "nist-800-53": ("IA-5", "SI-2")},
    ),
    recent_package(
        "libpam-modules",
        broken="1.5.2-5",
        title="The PAM modules are recent",
        why="pam_faillock and its successors have had bugs that let locked accounts in.",
        level=1,
        severity=Severity.MEDIUM,
        references={"cis-debian12": "5.3.1.2", "nist-800-53": ("IA-5", "SI-2")},
    ),
    _installed(
        "libpam-pwquality",
        "libpam-pwquality",
        enables=("pam-pwquality", "pam-pwhistory-token"),
        why="It is the module that refuses passwords which are easy to guess.",
        references={"cis-debian12": "5.3.1.3", "nist-800-53": "IA-5", "cis-controls-8": "5.2", "pci-dss-4": "8.3.6"},
    ),
    _installed(
        "timesyncd",
        "systemd-timesyncd",
        enables=("time-ntp", "time-fallbackntp", "time-timesyncd"),
        why="The way chosen to keep the clock right is not there without it.",
        references={"nist-800-53": "AU-8", "cis-controls-8": "8.4", "pci-dss-4": "10.6.1"},
        chosen={"time_choice.daemon": "timesyncd"},
        unless=HOST_KERNEL,
    ),
    _installed(
        "chrony",
        "chrony",
        enables=("time-chrony*",),
        why="The way chosen to keep the clock right is not there without it.",
        references={"nist-800-53": "AU-8", "cis-controls-8": "8.4", "pci-dss-4": "10.6.1"},
        chosen={"time_choice.daemon": "chrony"},
        unless=HOST_KERNEL,
    ),
    _installed(
        "journal-remote",
        "systemd-journal-remote",
        enables=("logging-upload*",),
        why="It sends the journal elsewhere, where whoever takes over this host cannot rewrite it.",
        severity=Severity.LOW,
        references={"cis-debian12": "6.1.2.1.1", "cis-debian13": "6.1.1.2.1", **AUDIT_NUMBERS},
        chosen={"logging_choice.system": "journald"},
    ),
    _installed(
        "rsyslog",
        "rsyslog",
        enables=("logging-rsyslog*",),
        why="The way chosen to keep logs is not there without it.",
        references={"cis-debian12": "6.1.3.1", "cis-debian13": "6.1.2.1", **AUDIT_NUMBERS},
        chosen={"logging_choice.system": "rsyslog"},
    ),
    _installed(
        "auditd",
        *("auditd", "audispd-plugins"),
        enables=("auditd-*",),
        why="They write down what the kernel sees of every user's actions.",
        level=2,
        references={"cis-debian12": "6.2.1.1", "cis-debian13": "6.2.1.1", **AUDIT_NUMBERS},
        unless=HOST_KERNEL,
    ),
    _installed(
        "aide",
        *("aide", "aide-common"),
        enables=("integrity-*",),
        why="Without a tool that compares files with how they were, a changed program goes unnoticed.",
        references={
            "cis-debian12": "6.3.1",
            "cis-debian13": "6.3.1",
            "nist-800-53": ("SI-7", "CM-3"),
            "pci-dss-4": "11.5.2",
        },
    ),
    _installed(
        "unattended-upgrades",
        "unattended-upgrades",
        enables=("patching-unattended-upgrades",),
        why="Security updates that wait for a person wait too long.",
        references={"nist-800-53": "SI-2", "cis-controls-8": "7.3", "pci-dss-4": "6.3.3"},
    ),
]
