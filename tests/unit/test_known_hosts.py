"""What known_hosts files say of a host, compared with what OpenSSH's own program finds in them."""

from __future__ import annotations

import base64
import random
import subprocess
from pathlib import Path

import pytest

from hardener.transport.known_hosts import Known, fingerprint, key_at, known

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErsO8fGbDTB8Dwb2cVeHhqwaJgSstUVTDvw1J/bGMe1"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA1ljekJz52iMSEW32mD8BSi6n7fRtZ9e6TMQTWqx02x"
PATTERNS = (
    "web.example.org", "WEB.example.ORG", "*", "*.org", "w?b.*", "web.*,!*.org", "!web.example.org,*",
    "!*.com,*.org", "web", "web.example.or?", "[web.example.org]:22", "[web.example.org]:2222", "*:2222",
    "[*]:*", "a,b,web.example.org", "w[e]b.example.org", "web+example.org", ",", "!", "!!web.example.org",
    "web.example.org,", "*,!", "**.o*g",
)  # fmt: skip


def said(tmp_path: Path, host: str, port: int, *lines: str) -> Known:
    file = tmp_path / f"known{len(list(tmp_path.iterdir()))}"
    file.write_text("\n".join(lines))
    return known([str(file), str(tmp_path / "none")], host, port)


@pytest.mark.parametrize("patterns", PATTERNS)
@pytest.mark.parametrize("marker", ["", "@cert-authority ", "@revoked "])
@pytest.mark.parametrize("port", [22, 2222])
def test_patterns_mean_the_hosts_that_openssh_finds(tmp_path: Path, patterns: str, marker: str, port: int) -> None:
    line = f"{marker}{patterns} {KEY}"
    (tmp_path / "file").write_text(f"{line}\n")
    labels = ["web.example.org"] if port == 22 else ["[web.example.org]:2222", "web.example.org"]
    words = [["ssh-keygen", "-F", label, "-f", str(tmp_path / "file")] for label in labels]
    is_found = any(b"ssh-ed25519" in subprocess.run(item, capture_output=True, check=False).stdout for item in words)
    found = said(tmp_path, "web.example.org", port, line)
    assert bool(found.keys or found.authorities or found.revoked) == is_found


def test_the_port_counts_before_the_name_alone(tmp_path: Path) -> None:
    lines = (f"web {KEY}", f"[web]:2222 {OTHER}")
    assert [entry.location[-2:] for entry in said(tmp_path, "web", 2222, *lines).keys] == [":2"]
    assert [entry.location[-2:] for entry in said(tmp_path, "web", 2223, *lines).keys] == [":1"]
    assert [entry.location[-2:] for entry in said(tmp_path, "web", 22, *lines).keys] == [":1"]


def test_an_alias_stands_for_name_and_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(f"alias {KEY}\n[web]:2222 {OTHER}\n")
    found = known([str(tmp_path / "file")], "web", 2222, alias="alias")
    assert [entry.location for entry in found.keys] == [f"{tmp_path}/file:1"]


def test_a_fingerprint_is_that_of_openssh(tmp_path: Path) -> None:
    told = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=KEY, capture_output=True, text=True, check=True).stdout
    (entry,) = said(tmp_path, "web", 22, f"web {KEY} comment").keys
    assert fingerprint(entry.blob) == told.split()[1]
    assert key_at(entry.location) == f"ssh-ed25519 {told.split()[1]}"


@pytest.mark.parametrize(
    "line", ["web", "web ssh-ed25519", "web ssh-rsa " + KEY.split()[1], "web ssh-ed25519 A", "web x ü"]
)
def test_a_line_without_a_key_is_named_to_its_host_alone(tmp_path: Path, line: str) -> None:
    (problem,) = said(tmp_path, "web", 22, f"db {KEY}", line).problems
    assert problem.endswith(":2: there is no key in this line")
    assert said(tmp_path, "db", 22, f"db {KEY}", line).problems == []


def test_whatever_stands_in_a_file_the_rest_of_it_counts(tmp_path: Path) -> None:
    chance = random.Random(16)
    alphabet = "|1@*?![]:,= \t\r\x00\x85\u2028aZ9+/#-ü\udcff"
    for _ in range(500):
        junk = ["".join(chance.choices(alphabet, k=chance.randrange(40))) for _ in range(5)]
        file = tmp_path / "file"
        file.write_bytes("\n".join([*junk, f"web {KEY}", *junk]).encode("utf-8", "surrogateescape"))
        from_cache = tmp_path / f"{chance.getrandbits(64):x}"
        file.rename(from_cache)
        assert KEY.split()[1] in {_text(entry.blob) for entry in known([str(from_cache)], "web", 22).keys}


def _text(blob: bytes) -> str:
    return base64.b64encode(blob).decode()
