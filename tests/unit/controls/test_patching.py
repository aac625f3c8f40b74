"""What the controls of patching see and say, from answers of Debian nodes."""

from __future__ import annotations

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
UPGRADABLE = "LC_ALL=C apt list --upgradable 2>/dev/null"
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
        "Listing...\n"
        "openssl/stable-security 3.0.17-1~deb12u3 amd64 [upgradable from: 3.0.17-1~deb12u2]\n"
        "tzdata/stable-updates 2025b-0+deb12u2 all [upgradable from: 2025b-0+deb12u1]\n"
    )
    answers = {
        UPGRADABLE: listing,
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
