"""What GRUB's menu asks for, what the kernel is told, and what of a password is ever repeated."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hardener.catalogue.control import CouldNotLook, NotApplicable
from hardener.catalogue.discovery import catalogue_of
from hardener.catalogue.kinds.bootloader import GRUB_MENU, KERNEL_LINES, argument_of
from hardener.catalogue.observations import number_or_text
from hardener.content import roles_directory
from hardener.controls import bootloader
from hardener.lab.access import grub_hash
from tests.unit.controls.recorded import RecordedHost

VALUES = yaml.safe_load((roles_directory() / "bootloader" / "defaults" / "main.yml").read_text())
CATALOGUE = catalogue_of([("bootloader", bootloader.CONTROLS)])
HASH = grub_hash("secret")
ENTRY = (
    "menuentry 'Debian' --class os{} $menuentry_id_option 'x' {{\n\tlinux\t/boot/vmlinuz-6.1 root=/dev/vda1 ro{}\n}}\n"
)
OPEN = " --unrestricted"
PROTECTED = f'set superusers="root"\nexport superusers\npassword_pbkdf2 root {HASH}\n'
DEBIAN = 'if [ x"${feature_menuentry_id}" = xy ]; then\n  menuentry_id_option="--id"\nfi\n'


def menu(tmp_path: Path, question: str, text: str) -> str:
    """What a question says of a menu, asked by the shell as on a host."""
    file = tmp_path / "grub.cfg"
    file.write_text(text)
    done: subprocess.CompletedProcess[str] = subprocess.run(
        ["sh", "-c", question.replace(GRUB_MENU, str(file))], capture_output=True, text=True, check=True
    )
    return done.stdout


def superuser(tmp_path: Path, text: str, values: Any = VALUES) -> Any:
    answer = menu(tmp_path, bootloader.PROTECTION, text)
    assert HASH.split(".")[4] not in answer
    assert HASH.split(".")[5] not in answer
    host = RecordedHost({bootloader.LOADERS: (0, f"{GRUB_MENU}\n", ""), bootloader.PROTECTION: (0, answer, "")})
    control = CATALOGUE["bootloader-superuser"]
    expectation = control.expectation(values)
    assert expectation is not None
    return expectation.complaints(control.observe(host))


def configured() -> Any:
    return {**VALUES, "bootloader_superuser": {"name": "root", "password_pbkdf2": HASH}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DEBIAN + PROTECTED + ENTRY.format(OPEN, ""), ()),
        (DEBIAN + ENTRY.format("", ""), ("root is no superuser of GRUB",)),
        (PROTECTED.replace("root", "boss") + ENTRY.format(OPEN, ""), ("root is no superuser of GRUB",)),
        ("set superusers=root\npassword root secret\n" + ENTRY.format(OPEN, ""), ("the password of root is readable",)),
        ('set superusers="admin, root"\n' + ENTRY.format(OPEN, ""), ("the password of root is unset",)),
        (PROTECTED + ENTRY.format("", "") * 2, ("2 entries ask for a password before they start",)),
    ],
)
def test_editing_asks_and_starting_does_not(tmp_path: Path, text: str, said: tuple[str, ...]) -> None:
    found = superuser(tmp_path, text, configured())
    assert [full.startswith(start) for full, start in zip(found, said or (), strict=False)] == [True] * len(said)
    assert bool(found) == bool(said)


def test_without_a_hash_the_finding_says_what_to_set(tmp_path: Path) -> None:
    (complaint,) = superuser(tmp_path, ENTRY.format("", ""))
    assert "bootloader_superuser.password_pbkdf2" in complaint


def test_an_entry_without_password_does_not_count_as_asking_while_nobody_is_superuser(tmp_path: Path) -> None:
    assert len(superuser(tmp_path, ENTRY.format("", ""), configured())) == 1


def test_another_boot_loader_is_a_finding_and_none_is_nothing_to_judge() -> None:
    control = CATALOGUE["bootloader-superuser"]
    observed = control.observe(RecordedHost({bootloader.LOADERS: (0, "/boot/loader/entries\n", "")}))
    expectation = control.expectation(VALUES)
    assert expectation is not None
    assert "another boot loader" in expectation.complaints(observed)[0]
    with pytest.raises(NotApplicable, match="no boot loader"):
        control.observe(RecordedHost({bootloader.LOADERS: (0, "", "")}))


def test_a_hash_is_taken_or_refused_and_never_repeated() -> None:
    judge = CATALOGUE["bootloader-superuser"].parameters[1].judge("")
    assert judge.accepts(HASH)
    assert judge.accepts("")
    assert judge.complaints("hunter2") == ("is neither",)
    assert not judge.accepts(HASH.replace("10000", "10"))


def arguments(name: str, running: str, entries: str) -> Any:
    control = CATALOGUE[f"bootloader-argument-{name}"]
    host = RecordedHost({"cat /proc/cmdline": (0, running, ""), KERNEL_LINES: (0, entries, "")})
    expectation = control.expectation(VALUES)
    assert expectation is not None
    return expectation.complaints(control.observe(host))


@pytest.mark.parametrize(
    ("name", "running", "entries", "said"),
    [
        ("audit", "ro quiet audit=1\n", " ro audit=1\n ro single audit=1\n", ()),
        ("audit", "ro quiet\n", " ro audit=1\n", ("now is unset",)),
        ("audit", "ro audit=1\n", " ro audit=1\n ro single\n", ("after reboot is 1, unset",)),
        ("audit", "ro audit=1 audit=0\n", " ro audit=0 audit=1\n", ("now is 0",)),
        ("audit", "ro audit=1\n", "", ("after reboot is in no boot entry, for there is none",)),
        ("audit-backlog-limit", "audit_backlog_limit=8191\n", " audit_backlog_limit=16384\n", ("now is 8191",)),
        ("security", "security=apparmor\n", " security=selinux\n", ("after reboot is selinux",)),
    ],
)
def test_arguments_now_and_after_a_reboot(name: str, running: str, entries: str, said: tuple[str, ...]) -> None:
    assert arguments(name, running, entries) == said


def test_every_kernel_of_the_menu_counts_and_no_other_program(tmp_path: Path) -> None:
    memory_test = "menuentry 'Memory test' {\n\tlinux /boot/memtest86+x64.bin\n}\n"
    text = DEBIAN + ENTRY.format("", " audit=1") + ENTRY.format("", " single") + memory_test
    assert menu(tmp_path, KERNEL_LINES, text) == " root=/dev/vda1 ro audit=1\n root=/dev/vda1 ro single\n"


def test_a_menu_that_cannot_be_read_is_no_pass() -> None:
    host = RecordedHost({"cat /proc/cmdline": (0, "", ""), KERNEL_LINES: (4, "", "sed: Permission denied")})
    with pytest.raises(CouldNotLook):
        CATALOGUE["bootloader-argument-audit"].observe(host)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20), st.text())
def test_an_argument_is_found_wherever_it_stands(value: str, other: str) -> None:
    assert argument_of(f"{other} audit={value}", "audit") == number_or_text(value)
