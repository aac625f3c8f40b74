"""What is true now and in no file: read from the kernel's own tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.checkpoint import live, mount_table, secure_paths
from hardener.checkpoint.lossless import bytes_of

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs rw
31 22 0:27 / /tmp/a\\040b rw,noexec,nodev,nosuid - tmpfs tmpfs rw
32 22 0:28 / /proc/sys ro - proc proc rw
33 22 0:29 / /home/eve/mnt rw,nosuid,nodev - fuse.sshfs eve@example.org: rw
34 22 0:30 / /srv rw - nfs4 server:/srv rw
35 22 0:31 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw
"""


def test_mounts_are_known_by_their_flags() -> None:
    assert live.mounts(MOUNTS) == {
        "/": {"fstype": "ext4", "flags": []},
        "/dev/shm": {"fstype": "tmpfs", "flags": ["nodev", "nosuid"]},
        "/tmp/a b": {"fstype": "tmpfs", "flags": ["nodev", "noexec", "nosuid"]},
    }


def test_kernel_settings_are_kept_but_counters_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secure_paths, "KERNEL", (f"{tmp_path}/",))
    for name, text in {"kernel/dmesg_restrict": "1\n", "kernel/random/boot_id": "x\n", "fs/inode-nr": "5\t6\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    kept = live.sysctls(str(tmp_path))
    assert kept == {"kernel/dmesg_restrict": "1"}
    (tmp_path / "kernel/dmesg_restrict").write_text("0\n")
    assert live.restore_sysctls({**kept, "net/gone": "1"}, str(tmp_path)) == []
    assert (tmp_path / "kernel/dmesg_restrict").read_text().strip() == "1"


def test_of_mounts_that_came_since_only_file_systems_in_memory_are_taken_away() -> None:
    assert live.came_since({"fstype": "tmpfs", "flags": []})
    assert not live.came_since({"fstype": "overlay", "flags": []})


def test_a_mount_point_of_a_users_choice_is_one_row_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "36 35 0:50 / /home/eve/a\\040b\x0c\r\x85\udcff rw,nosuid - fuse.evil x rw\n37 35 8:1 / / rw - ext4 d rw\n"
    (tmp_path / "mountinfo").write_bytes(bytes_of(table))
    monkeypatch.setattr(secure_paths, "KERNEL", (f"{tmp_path}/",))
    table = secure_paths.kernel_text(f"{tmp_path}/mountinfo")
    assert mount_table.file_systems(table) == {"/home/eve/a b\x0c\r\x85\udcff": "fuse.evil", "/": "ext4"}
