"""What the controls of the kernel see and say: now, after a reboot, and on hosts that need what others must not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, CouldNotLook, NotApplicable
from hardener.catalogue.discovery import catalogue_of
from hardener.content import roles_directory
from hardener.controls import kernel
from hardener.model import Trait
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "kernel" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("kernel", kernel.CONTROLS)])
BOOT = "/usr/lib/systemd/systemd-sysctl --cat-config"
SETTINGS = "modprobe --showconfig | sed -n -e '/^install /p' -e '/^blacklist /p'"
BUILT_IN = 'cat "/lib/modules/$(uname -r)/modules.builtin"'
COREDUMP = "systemd-analyze --no-pager cat-config systemd/coredump.conf"
PACKAGES = "dpkg-query --show --showformat='${Package} ${db:Status-Status}\\n'"

Answers = Mapping[str, tuple[int, str, str]]


def complaints(identifier: str, answers: Answers) -> list[str]:
    control = CATALOGUE[identifier]
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return list(expectation.complaints(control.observe(RecordedHost(answers))))


def aslr(running: str, boot: str) -> Answers:
    return {
        "sysctl --ignore kernel.randomize_va_space": (0, running, ""),
        BOOT: (0, boot, ""),
    }


RIGHT = "# /etc/sysctl.d/zz-hardener.conf\nkernel.randomize_va_space = 2\n"


@pytest.mark.parametrize(
    ("running", "boot", "said"),
    [
        ("kernel.randomize_va_space = 2\n", RIGHT, []),
        ("kernel.randomize_va_space = 0\n", RIGHT, ["now is 0"]),
        ("kernel.randomize_va_space = 2\n", "", ["after reboot is set by no file"]),
        (
            "kernel.randomize_va_space = 2\n",
            RIGHT + "# /etc/sysctl.d/zzz.conf\nkernel/randomize_va_space=1\n",
            ["after reboot is 1"],
        ),
        ("kernel.randomize_va_space = 1\n", "# /x\n-kernel.*=0\n", ["now is 1", "after reboot is 0"]),
    ],
)
def test_a_setting_has_to_hold_now_and_after_a_reboot(running: str, boot: str, said: list[str]) -> None:
    found = complaints("kernel-randomize-va-space", aslr(running, boot))
    assert found == [f"kernel.randomize_va_space {text}" for text in said]


def test_a_setting_the_kernel_does_not_have_is_not_applicable_and_a_failing_sysctl_is_no_answer() -> None:
    control = CATALOGUE["kernel-randomize-va-space"]
    with pytest.raises(NotApplicable, match="this kernel has no kernel"):
        control.observe(RecordedHost(aslr("", "")))
    refused = {"sysctl --ignore kernel.randomize_va_space": (1, "", "sysctl: permission denied on key")}
    with pytest.raises(CouldNotLook, match="permission denied"):
        control.observe(RecordedHost(refused))


def test_a_stricter_scope_of_tracing_passes() -> None:
    answers = {
        "sysctl --ignore kernel.yama.ptrace_scope": (0, "kernel.yama.ptrace_scope = 3\n", ""),
        BOOT: (0, "# /etc/sysctl.d/x.conf\nkernel.yama.ptrace_scope = 2\n", ""),
    }
    assert complaints("kernel-yama-ptrace-scope", answers) == []


@pytest.mark.parametrize(
    ("boot", "found"),
    [
        ("# /a\nnet.ipv4.conf.*.rp_filter = 1\n# /b\nnet/ipv4/conf/all/rp_filter = 2\n", ("2", "/b")),
        ("# /a\nnet.ipv4.conf.all.rp_filter = 0\n# /b\nnet.ipv4.conf.*.rp_filter = 1\n", ("0", "/a")),
        ("# /a\nnet.ipv4.conf.*.rp_filter = 1\n", ("1", "/a")),
        ("# /a\nnet.ipv4.conf.*.rp_filter = 1\n-net.ipv4.conf.all.rp_filter\n", None),
        ("; net.ipv4.conf.all.rp_filter = 1\n", None),
    ],
)
def test_what_names_a_key_wins_over_a_pattern_and_the_last_file_over_earlier_ones(
    boot: str, found: tuple[str, str] | None
) -> None:
    settings = seen.sysctl_at_boot(RecordedHost({BOOT: (0, boot, "")}))
    assert seen.setting_at_boot(settings, "net.ipv4.conf.all.rp_filter") == found


def driver(loaded: str, settings: str, built_in: str = "kernel/fs/ext4/ext4.ko\n") -> Answers:
    return {SETTINGS: (0, settings, ""), "cat /proc/modules": (0, loaded, ""), BUILT_IN: (0, built_in, "")}


BLOCKED = "install usb-storage /bin/false\nblacklist usb_storage\n"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (driver("", BLOCKED), []),
        (driver("", BLOCKED.replace("/bin/false", "/usr/bin/true")), []),
        (driver("usb_storage 86016 0 - Live 0x0\n", BLOCKED), ["loaded is yes"]),
        (driver("", "blacklist usb-storage\n"), ["loads as is itself"]),
        (driver("", "install usb_storage /bin/false\n"), ["blacklisted is no"]),
        (driver("", BLOCKED, "kernel/drivers/usb/storage/usb-storage.ko\n"), ["built into the kernel is yes"]),
    ],
)
def test_a_driver_is_neither_loaded_nor_loadable(answers: Answers, said: list[str]) -> None:
    assert complaints("kernel-module-usb-storage", answers) == said


def core_limit(text: str) -> Answers:
    listing = "cat /etc/security/limits.conf && find /etc/security/limits.d -name '*.conf' | LC_ALL=C sort"
    return {f"{listing} | xargs --no-run-if-empty cat": (0, text, "")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("* hard core 0\n", []),
        ("* - core 0\n", []),
        ("* hard core 0\n*  hard  core  unlimited\n", ["is unlimited"]),
        ("# * hard core 0\n* soft core 0\nroot hard core 0\n", ["is unset"]),
    ],
)
def test_the_last_limit_on_cores_counts(text: str, said: list[str]) -> None:
    assert complaints("kernel-core-limit", core_limit(text)) == said


def test_collected_cores_are_thrown_away_where_they_are_collected() -> None:
    installed = {PACKAGES: (0, "systemd-coredump installed\n", "")}
    text = "[Coredump]\n#Storage=external\nStorage=none\nProcessSizeMax=0\n"
    assert complaints("kernel-core-collector", {**installed, COREDUMP: (0, text, "")}) == []
    told = complaints("kernel-core-collector", {**installed, COREDUMP: (0, text + "Storage=external\n", "")})
    assert told == ["Storage is external"]
    with pytest.raises(NotApplicable, match="not installed"):
        complaints("kernel-core-collector", {PACKAGES: (0, "systemd-coredump config-files\n", "")})


def wireless(identifier: Control) -> str:
    host = RecordedHost({})
    with pytest.raises(KeyError):
        identifier.observe(host)
    return host.asked[0]


def test_a_wireless_interface_is_named() -> None:
    question = wireless(CATALOGUE["kernel-wireless"])
    assert complaints("kernel-wireless", {question: (0, "wlan0\n", "")}) == ["has wlan0"]
    assert complaints("kernel-wireless", {question: (0, "", "")}) == []


@pytest.mark.parametrize("trait", [Trait.KUBERNETES_WORKER, Trait.KUBERNETES_CONTROL_PLANE])
def test_a_kubernetes_node_keeps_what_its_pods_need(trait: Trait) -> None:
    spared: dict[str, Any] = {item.id: item.unless[trait] for item in CATALOGUE.values() if trait in item.unless}
    assert set(spared) >= {"kernel-ip-forwarding", "kernel-module-overlay", "kernel-reverse-path"}
    assert all(spared.values())
