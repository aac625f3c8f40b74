"""What the module ``mount_options`` makes of fstab, of mount units, and of what is mounted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playbooks.library.mount_options import added, diff, drop_in, entry_changes, flags, remounts

FSTAB = """\
# <file system> <mount point>   <type>  <options>
LABEL=root           /               ext4  defaults  0  1
LABEL=home\t/home\text4\tdefaults,suid,dev\t0\t0
LABEL=var-tmp        /var/tmp        ext4  defaults,nodev  0  0
"""
TMPFS = {"source": "tmpfs", "fstype": "tmpfs", "options": "mode=1777"}


def test_missing_options_are_added_and_their_opposites_taken_out() -> None:
    assert added(["defaults", "suid", "noatime"], ["nosuid", "nodev"]) == ["defaults", "noatime", "nosuid", "nodev"]
    assert added(["rw", "nodev"], ["nodev"]) == ["rw", "nodev"]


def test_only_the_options_of_the_named_entry_change() -> None:
    text = diff(FSTAB, {"/home": ["nodev", "nosuid"]}, {})
    assert text == FSTAB.replace("defaults,suid,dev\t0", "defaults,nodev,nosuid\t0")


def test_a_compliant_fstab_stays_byte_for_byte() -> None:
    assert diff(FSTAB, {"/var/tmp": ["nodev"]}, {}) == FSTAB


def test_an_entry_is_added_once_with_the_wanted_options() -> None:
    once = diff(FSTAB, {"/tmp": ["nodev"]}, {"/tmp": TMPFS})
    assert once == FSTAB + "tmpfs /tmp tmpfs mode=1777,nodev 0 0\n"
    assert diff(once, {"/tmp": ["nodev"]}, {"/tmp": TMPFS}) == once


def test_changes_are_told_by_mount_point() -> None:
    text = diff(FSTAB, {"/home": ["nodev"], "/tmp": ["nodev"]}, {"/tmp": TMPFS})
    assert entry_changes(FSTAB, text) == [
        (
            "/etc/fstab",
            "/home",
            "LABEL=home\t/home\text4\tdefaults,suid,dev\t0\t0",
            "LABEL=home\t/home\text4\tdefaults,suid,nodev\t0\t0",
        ),
        ("/etc/fstab", "/tmp", "", "tmpfs /tmp tmpfs mode=1777,nodev 0 0"),
    ]


def test_a_comment_is_no_entry() -> None:
    text = "#tmpfs /tmp tmpfs defaults 0 0\n"
    assert diff(text, {}, {"/tmp": TMPFS}) == text + "tmpfs /tmp tmpfs mode=1777 0 0\n"


def test_a_drop_in_repeats_the_units_own_options() -> None:
    unit = "[Mount]\nWhat=tmpfs\nOptions=mode=1777,strictatime,nosuid,nodev,size=50%%\n"
    assert drop_in(unit, ["noexec", "nosuid"]) == (
        "[Mount]\nOptions=mode=1777,strictatime,nosuid,nodev,size=50%%,noexec\n"
    )


def test_a_remount_repeats_the_flags_it_would_drop() -> None:
    mounted = {"/dev/shm": {"options": "rw,nosuid,nodev,inode64"}, "/home": {"options": "rw,nodev"}}
    wanted = {"/dev/shm": ["noexec"], "/home": ["nodev"], "/absent": ["nodev"]}
    assert remounts(mounted, wanted) == {"/dev/shm": "rw,nosuid,nodev,noexec"}
    assert flags(mounted["/dev/shm"]) == ["rw", "nosuid", "nodev"]


@given(options=st.lists(st.sampled_from(["nodev", "nosuid", "noexec"]), min_size=1, unique=True))
def test_twice_is_once_and_other_lines_stay(options: list[str]) -> None:
    once = diff(FSTAB, {"/home": options}, {})
    assert diff(once, {"/home": options}, {}) == once
    changed = [old for old, new in zip(FSTAB.splitlines(), once.splitlines(), strict=True) if old != new]
    assert all("/home" in line for line in changed)


def test_a_compliant_fstab_gets_no_other_end() -> None:
    text = FSTAB.removesuffix("\n")
    assert diff(text, {"/var/tmp": ["nodev"]}, {}) == text
    assert diff(text, {}, {"/tmp": TMPFS}) == f"{FSTAB}tmpfs /tmp tmpfs mode=1777 0 0\n"


def test_a_line_with_another_end_keeps_it() -> None:
    text = "dev /home ext4 defaults\r\n# caf\udce9\x0cdev /home ext4 x\n"
    after = diff(text, {"/home": ["nodev"]}, {})
    assert after == "dev /home ext4 defaults,nodev\r\n# caf\udce9\x0cdev /home ext4 x\n"
    assert entry_changes(text, after) == [
        ("/etc/fstab", "/home", "dev /home ext4 defaults\r", "dev /home ext4 defaults,nodev\r")
    ]
    assert drop_in("[Mount]\r\nOptions=nodev\r\n", ["noexec"]) == "[Mount]\nOptions=nodev,noexec\n"
