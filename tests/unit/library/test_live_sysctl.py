"""Which running settings the module ``live_sysctl`` writes."""

from __future__ import annotations

from playbooks.library.live_sysctl import ROOT, diff, file_of, settings


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
