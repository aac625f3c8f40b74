"""What the controls of mounts see and say: live, and in what the next boot mounts."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
import yaml

from hardener.catalogue import observations as seen
from hardener.catalogue.control import CouldNotLook, NotApplicable
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import mounts
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "mounts" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("mounts", mounts.CONTROLS)])
LIVE = "findmnt --json --list --output TARGET,SOURCE,FSTYPE,OPTIONS"
UNITS = (
    "systemctl cat --no-pager $(systemctl list-unit-files --no-legend --no-pager --plain --state=enabled,static "
    "'*.mount' | cut -d ' ' -f 1)"
)
PACKAGED_TMP = "# /usr/lib/systemd/system/tmp.mount\n[Mount]\nWhere=/tmp\nOptions=mode=1777,nosuid,nodev\n"


def host(live: Mapping[str, str], fstab: str, units: str = "") -> RecordedHost:
    rows = [{"target": path, "source": "x", "fstype": "ext4", "options": text} for path, text in live.items()]
    return RecordedHost(
        {
            LIVE: (0, json.dumps({"filesystems": rows}), ""),
            UNITS: (0, units, ""),
            "cat /etc/fstab": (0, fstab, ""),
        }
    )


def complaints(identifier: str, on: RecordedHost) -> list[str]:
    control = CATALOGUE[identifier]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return list(expectation.complaints(control.observe(on)))


HOME = "LABEL=home /home ext4 defaults,nodev 0 0\n"


@pytest.mark.parametrize(
    ("live", "fstab", "said"),
    [
        ({"/home": "rw,nodev"}, HOME, []),
        ({"/home": "rw"}, HOME, ["now is no"]),
        ({"/home": "rw,nodev"}, HOME.replace(",nodev", ""), ["after reboot is no"]),
        ({"/home": "rw,nodev"}, "# " + HOME, ["after reboot is not mounted"]),
        ({}, HOME, ["now is not mounted"]),
    ],
)
def test_an_option_has_to_hold_now_and_after_a_reboot(live: Mapping[str, str], fstab: str, said: list[str]) -> None:
    assert complaints("mounts-home-nodev", host(live, fstab)) == said


def test_whatever_others_are_called_that_are_mounted() -> None:
    odd = r"""{"filesystems": [{"target": "/home", "source": "x", "fstype": "ext4", "options": "rw"},
        {"target": "/home/eve/q\"\n\\x\xff", "source": "\xff", "fstype": "fuse", "options": "rw"}]}"""
    on = RecordedHost({**host({}, HOME).answers, LIVE: (0, odd, "")})
    assert complaints("mounts-home-nodev", on) == ["now is no"]
    assert '/home/eve/q"\n\\x\\xff' in seen.mounted(on)


def test_a_directory_that_is_no_file_system_has_no_options() -> None:
    with pytest.raises(NotApplicable, match="/home is not a separate file system"):
        complaints("mounts-home-nodev", host({"/": "rw"}, ""))


@pytest.mark.parametrize(
    ("live", "fstab", "said"),
    [
        ({"/var": "rw"}, "x /var ext4 defaults 0 0\n", []),
        ({"/": "rw"}, "x /var ext4 defaults 0 0\n", ["now is no"]),
        ({"/var": "rw"}, "x /var ext4 defaults,noauto 0 0\n", ["after reboot is no"]),
    ],
)
def test_a_partition_has_to_be_there_now_and_after_a_reboot(
    live: Mapping[str, str], fstab: str, said: list[str]
) -> None:
    assert complaints("mounts-var-separate", host(live, fstab)) == said


@pytest.mark.parametrize(
    ("fstab", "units", "options"),
    [
        ("", PACKAGED_TMP, ["mode=1777", "nosuid", "nodev"]),
        ("tmpfs /tmp tmpfs noexec 0 0\n", PACKAGED_TMP, ["noexec"]),
        ("tmpfs /tmp tmpfs noexec 0 0\n", PACKAGED_TMP.replace("/usr/lib", "/etc"), ["mode=1777", "nosuid", "nodev"]),
        ("", f"{PACKAGED_TMP}\n# /etc/systemd/system/tmp.mount.d/hardener.conf\n[Mount]\nOptions=noexec\n", ["noexec"]),
    ],
)
def test_units_of_the_administrator_win_over_fstab_and_fstab_over_packages(
    fstab: str, units: str, options: list[str]
) -> None:
    assert list(seen.mounted_at_boot(host({}, fstab, units))["/tmp"]) == options


def test_systemd_mounts_shared_memory_by_itself() -> None:
    assert complaints("mounts-dev-shm-separate", host({"/dev/shm": "rw"}, "")) == []
    assert complaints("mounts-dev-shm-noexec", host({"/dev/shm": "rw,noexec"}, "")) == ["after reboot is no"]


def test_a_findmnt_that_fails_is_no_answer() -> None:
    with pytest.raises(CouldNotLook, match="findmnt failed with status 1"):
        CATALOGUE["mounts-home-nodev"].observe(RecordedHost({LIVE: (1, "", "")}))
