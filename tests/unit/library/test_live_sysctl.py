"""Which running settings the module ``live_sysctl`` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.lossless import text_of
from playbooks.library.live_sysctl import ROOT, diff, file_of, main, settings
from tests.unit.library.running import run


def test_only_what_differs_is_written_and_what_the_kernel_lacks_is_left_out() -> None:
    current = {"kernel.randomize_va_space": "2", "fs.suid_dumpable": "1"}
    wanted = {"kernel.randomize_va_space": "2", "fs.suid_dumpable": "0", "net.ipv6.conf.all.accept_ra": "0"}
    assert diff(current, wanted) == {"fs.suid_dumpable": "0"}


def test_dots_are_folders_unless_slashes_are() -> None:
    assert file_of("net.ipv4.ip_forward") == f"{ROOT}/net/ipv4/ip_forward"
    assert file_of("net/ipv4/conf/eth0.1/rp_filter") == f"{ROOT}/net/ipv4/conf/eth0.1/rp_filter"


def test_the_file_is_read_as_systemd_reads_it() -> None:
    text = "# comment = 1\n; other = 2\nnet.ipv4.ip_forward = 0\n-kernel.x=1\nno value\n"
    assert settings(text) == {"net.ipv4.ip_forward": "0", "kernel.x": "1"}


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (b"kernel.x\0 = 1", {}),
        (b"= 1", {}),
        (b"a b = 1", {}),
        (b"kernel.x = 1\r", {"kernel.x": "1"}),
        (b"kernel.x = 1\x0ckernel.y = 2", {"kernel.x": "1\x0ckernel.y = 2"}),
        (b"kernel.\xe9 = 1", {"kernel.\udce9": "1"}),
        (b"x" * 1_000_000 + b" = 1", {}),
    ],
)
def test_a_line_that_no_setting_can_be_is_none(line: bytes, read: dict[str, str]) -> None:
    assert settings(text_of(line)) == read


def test_settings_that_the_kernel_cannot_have_are_left_out_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "zz.conf"
    file.write_bytes(b"kernel.ostype.below = 1\nkernel.\xe9 = 1\nkernel/../../etc/hosts = 1\nkernel = 1\n")
    answer = run(main, file=str(file), values={}, check=True)
    assert answer["diff"] == []
    assert answer["warnings"] == ["kernel/../../etc/hosts: left alone: no file of the kernel's"]
