"""What the module ``packet_filter`` makes of the sockets that ss tells, and what it gives nft."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from playbooks.library import packet_filter
from playbooks.library.packet_filter import SOCKETS, connected, tracking
from tests.unit.library.running import run

TABLE = "inet hardener"
TOLD = """\
ESTAB      0 52     192.0.2.1:22           198.51.100.7:51104
FIN-WAIT-1 0 1      192.0.2.1:80           198.51.100.8:48480
ESTAB      0 0      127.0.0.1:5432         127.0.0.1:40000
ESTAB      0 0      [::1]:5432             [::1]:40001
ESTAB      0 0      [::ffff:192.0.2.1]:443 [::ffff:198.51.100.9]:50000
ESTAB      0 0      [2001:db8::1]:22       [2001:db8::2]:50001
ESTAB      0 0      [fe80::1]%eth0:22      [fe80::2]:50002
"""
ADDED = """\
add element inet hardener connected4 { 192.0.2.1 . 22 . 198.51.100.7 . 51104, \
192.0.2.1 . 80 . 198.51.100.8 . 48480, 192.0.2.1 . 443 . 198.51.100.9 . 50000 }
add element inet hardener connected6 { 2001:db8::1 . 22 . 2001:db8::2 . 50001, fe80::1 . 22 . fe80::2 . 50002 }
"""


def test_each_family_has_its_connections_and_those_within_the_host_are_in_none() -> None:
    assert connected(TABLE, TOLD) == ADDED
    assert connected(TABLE, "") == ""


@pytest.mark.parametrize(
    ("tables", "first"),
    [("", [f"nft --file -: {tracking(TABLE)}"]), ("table ip site\ntable inet hardener\n", [])],
)
def test_what_is_connected_is_asked_once_connections_are_tracked(tables: str, first: list[str], tmp_path: Path) -> None:
    ran, listing, asking = [], "nft list tables", " ".join(SOCKETS)

    def output_of(_: Any, *words: str, stdin: str | None = None) -> str:
        ran.append(" ".join(words) + (f": {stdin}" if stdin else ""))
        return {listing: tables, asking: TOLD}.get(" ".join(words), "")

    with mock.patch.object(packet_filter, "output_of", output_of):
        answer = run(packet_filter.main, file="/table.nft", connected=str(tmp_path / "connected.nft"), table=TABLE)
    assert ran == [listing, *first, asking, "nft --file /table.nft"]
    assert (tmp_path / "connected.nft").read_text() == ADDED
    assert answer["diff"] == [
        {"kind": "ruleset", "subject": "table inet hardener", "before": "", "after": "loaded anew"}
    ]


def test_check_mode_runs_nothing() -> None:
    with mock.patch.object(packet_filter, "output_of", side_effect=AssertionError):
        assert run(packet_filter.main, check=True, file="/nowhere", connected="/nowhere", table=TABLE)["changed"]
