"""Which modules ``unloaded_modules`` unloads."""

from __future__ import annotations

from playbooks.library.unloaded_modules import diff

LOADED = """\
usb_storage 86016 0 - Live 0x0000000000000000
overlay 167936 2 - Live 0x0000000000000000
ext4 983040 6 - Live 0x0000000000000000
"""


def test_a_named_module_without_users_goes_whatever_its_spelling() -> None:
    assert diff(LOADED, ["usb-storage", "cramfs"]) == ["usb_storage"]


def test_a_module_in_use_stays() -> None:
    assert diff(LOADED, ["overlay"]) == []


def test_a_module_that_cannot_go_stays() -> None:
    assert diff("udf 86016 0 [permanent], Live 0x0000000000000000\n", ["udf"]) == []


def test_nobody_else_is_touched() -> None:
    assert diff(LOADED, []) == []
