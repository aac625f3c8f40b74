"""What the controls of patching see and say, from answers of Debian nodes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from hardener.catalogue.control import Control, CouldNotLook
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import patching
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "patching" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("patching", patching.CONTROLS)])

CONFIGURATION = "apt-config dump"
PACKAGES = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"
KERNELS = "find /boot -maxdepth 1 -name 'vmlinuz-*' -printf '%f\\n' | sort -V | tail -n 1"
REBOOT = "[ ! -e /run/reboot-required ] || { echo yes; cat /run/reboot-required.pkgs 2>/dev/null || true; }"

DEBIAN = """\
APT "";
APT::Periodic "";
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::NeverAutoRemove:: "^firmware-linux.*";
Unattended-Upgrade "";
Unattended-Upgrade::Origins-Pattern "";
Unattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename},label=Debian";
Unattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename},label=Debian-Security";
Unattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
"""
SECURITY = """\
Unattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
"""
INSTALLED = "unattended-upgrades installed\n"


def host(configuration: str, packages: str = INSTALLED) -> RecordedHost:
    return RecordedHost({CONFIGURATION: (0, configuration, ""), PACKAGES: (0, packages, "")})


def complaints(name: str, host: RecordedHost) -> Any:
    control: Control = CATALOGUE[f"patching-{name}"]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(host))


@pytest.mark.parametrize(
    ("configuration", "packages", "said"),
    [
        (DEBIAN, INSTALLED, ()),
        (DEBIAN, "curl installed\n", ("unattended-upgrades is absent",)),
        (
            'APT::Periodic::Update-Package-Lists "0";\n',
            INSTALLED,
            ("APT::Periodic::Update-Package-Lists is 0", "APT::Periodic::Unattended-Upgrade is 0"),
        ),
        (
            DEBIAN + 'APT::Periodic::Unattended-Upgrade "always";\n',
            INSTALLED,
            ("APT::Periodic::Unattended-Upgrade is always",),
        ),
    ],
)
def test_how_often(configuration: str, packages: str, said: tuple[str, ...]) -> None:
    assert complaints("unattended-upgrades", host(configuration, packages)) == said


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        (SECURITY, ()),
        (DEBIAN, ("also takes origin=Debian,codename=${distro_codename},label=Debian",)),
        ("", ("names no archive",)),
        ('Unattended-Upgrade::Allowed-Origins:: "Debian:stable";\n' + SECURITY, ("also takes Debian:stable",)),
    ],
)
def test_only_archives_of_security_updates(configuration: str, said: tuple[str, ...]) -> None:
    assert complaints("security-updates-only", host(configuration)) == said


@pytest.mark.parametrize(("value", "said"), [("false", ()), ("0", ()), ("true", ("is true",))])
def test_no_automatic_reboot(value: str, said: tuple[str, ...]) -> None:
    assert complaints("automatic-reboot", host(f'Unattended-Upgrade::Automatic-Reboot "{value}";\n')) == said
    assert complaints("automatic-reboot", host("")) == ()


def test_an_apt_that_fails_is_no_pass() -> None:
    broken = RecordedHost({CONFIGURATION: (100, "", "E: Syntax error"), PACKAGES: (0, INSTALLED, "")})
    with pytest.raises(CouldNotLook, match="Syntax error"):
        CATALOGUE["patching-automatic-reboot"].observe(broken)


def test_pending_updates_are_evidence() -> None:
    listing = (
        "openssl 3.0.17-1~deb12u2 3.0.17-1~deb12u3 bookworm-security/main\n"
        "tzdata 2025b-0+deb12u1 2025b-0+deb12u2 bookworm-updates/main\n"
    )
    answers = {
        patching.UPGRADABLE: listing,
        patching.LISTS_AND_HOLDS: "list 2026-11-20\nlist 2026-11-21\nhold kubelet\nhold containerd.io\n",
    }
    control = CATALOGUE["patching-pending-updates"]
    assert control.is_manual
    assert control.observe(RecordedHost({question: (0, answer, "") for question, answer in answers.items()})) == {
        "security updates": {"openssl": "3.0.17-1~deb12u2 → 3.0.17-1~deb12u3"},
        "other updates": {"tzdata": "2025b-0+deb12u1 → 2025b-0+deb12u2"},
        "on hold": ["kubelet", "containerd.io"],
        "package lists of": "2026-11-20",
    }


POLICY = """\
openssl:
  Installed: 3.0.17-1~deb12u2
  Candidate: 3.0.17-1~deb12u3
  Version table:
     3.0.17-1~deb12u3 500 (phased 10%)
        500 http://mirror.example/debian bookworm/main amd64 Packages
        500 http://security.example/debian-security bookworm-security/main amd64 Packages
 *** 3.0.17-1~deb12u2 500
        500 http://old.example/debian bookworm-old/main amd64 Packages
        100 /var/lib/dpkg/status
libc6:i386:
  Installed: 2.36-9
  Candidate: 2.36-10
  Version table:
     2.36-10 990
        990 http://mirror.example/debian ./ Packages
 *** 2.36-9 100
        100 /var/lib/dpkg/status
removed:
  Installed: (none)
  Candidate: 2
  Version table:
     2 500
        500 http://mirror.example/debian bookworm/main amd64 Packages
own:
  Installed: 5
  Candidate: 5
  Version table:
 *** 5 100
        100 /var/lib/dpkg/status
     4 500
        500 http://mirror.example/debian bookworm/main amd64 Packages
downloaded:
  Installed: 5
  Candidate: 6
  Version table:
     6 100
        100 /var/lib/apt/other
 *** 5 100
        100 /var/lib/dpkg/status
"""


def asked_of(folder: Path, apt_cache: str) -> subprocess.CompletedProcess[str]:
    """The question about updates, put to a machine whose apt-cache is this program."""
    for name, program in (("dpkg-query", "echo openssl; echo libc6:i386"), ("apt-cache", apt_cache)):
        (folder / name).write_text(f"#!/bin/sh\n{program}\n")
        (folder / name).chmod(0o755)
    words = ["/bin/sh", "-c", patching.UPGRADABLE]
    path = {"PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run(words, capture_output=True, text=True, env=path, check=False)


def test_what_apt_would_install_instead_is_read_from_its_policy(tmp_path: Path) -> None:
    answered = asked_of(tmp_path, f"[ \"$*\" = 'policy openssl libc6:i386' ] && cat <<'END'\n{POLICY}END")
    assert (answered.returncode, answered.stderr) == (0, "")
    assert patching.upgradable(answered.stdout) == {
        "openssl": {
            "from": "3.0.17-1~deb12u2",
            "to": "3.0.17-1~deb12u3",
            "suites": "bookworm/main,bookworm-security/main",
        },
        "libc6:i386": {"from": "2.36-9", "to": "2.36-10", "suites": "./"},
        "downloaded": {"from": "5", "to": "6", "suites": "-"},
    }


def test_an_apt_cache_that_fails_is_no_host_without_updates(tmp_path: Path) -> None:
    assert asked_of(tmp_path, "echo openssl:; echo broken >&2; exit 100").returncode == 100


@pytest.mark.parametrize(
    ("asked", "reasons"),
    [("", []), ("yes\n", []), ("yes\nlinux-image-amd64\nlibc6\nlibc6\n", ["libc6", "linux-image-amd64"])],
)
def test_a_pending_reboot_is_evidence(asked: str, reasons: list[str]) -> None:
    answers = {REBOOT: asked, KERNELS: "vmlinuz-6.1.0-40-amd64\n", "uname -r": "6.1.0-39-amd64\n"}
    seen = CATALOGUE["patching-reboot"].observe(RecordedHost({key: (0, text, "") for key, text in answers.items()}))
    assert seen == {
        "asked for": bool(asked),
        "by": reasons,
        "running kernel": "6.1.0-39-amd64",
        "newest kernel installed": "6.1.0-40-amd64",
    }


NAMES = some.from_regex(r"\A[A-Za-z][A-Za-z0-9:-]{0,20}\Z")
SETTING = some.text(some.characters(exclude_categories=("C", "Zl", "Zp")), max_size=20)


@given(some.dictionaries(NAMES, some.lists(SETTING, min_size=1, max_size=3), max_size=5))
def test_every_setting_that_apt_prints_is_read_back(settings: dict[str, list[str]]) -> None:
    dump = "".join(f'{name} "{value}";\n' for name, values in settings.items() for value in values)
    assert patching.apt_settings(dump) == settings


@given(some.text())
def test_no_listing_is_too_strange(listing: str) -> None:
    patching.upgradable(listing)
    patching.apt_settings(listing)
