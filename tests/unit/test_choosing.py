"""Which SSH client a connection takes, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardener.errors import ConfigError, Unreachable
from hardener.model import Connection
from hardener.transport import Client, connector, settings
from hardener.transport.choosing import reason_for_openssh
from hardener.transport.settings import resolve

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErsO8fGbDTB8Dwb2cVeHhqwaJgSstUVTDvw1J/bGMe1"
DEBIAN = "Host *\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n    GSSAPIAuthentication yes\n"


@pytest.fixture(autouse=True)
def no_ticket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody is logged in to Kerberos; what was asked of it is forgotten."""
    monkeypatch.delenv("KRB5CCNAME", raising=False)
    caches = (settings._has_ticket, settings._plain_options, settings._is_plain, settings._effective)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def reason(folder: Path, *, config: str = "", known: str = "", **options: str) -> str | None:
    """Why a host called web needs OpenSSH by these files."""
    return reason_for_openssh(web(folder, config=config, known=known, **options))


def web(folder: Path, *, config: str = "", known: str = "", **options: str) -> Connection:
    (folder / "config").write_text(config.format(folder=folder))
    (folder / "known").write_text(known)
    paths = {"configfile": str(folder / "config"), "userknownhostsfile": str(folder / "known")}
    return Connection(host="web", ssh_options={**paths, **options})


@pytest.mark.parametrize(
    "config",
    [
        "",
        DEBIAN,
        f"# comment\nInclude /nowhere/*.conf\n{DEBIAN}",
        "Host *\n User=me\n\tPort 22\nHost web\n ForwardAgent yes\n ControlMaster auto\n ControlPath ~/x",
        "Match all\n StrictHostKeyChecking accept-new",
        "Host other\n Ciphers aes256-gcm@openssh.com",
        "CanonicalizeHostname yes\nCanonicalDomains invalid",
    ],
)
def test_paramiko_is_enough(tmp_path: Path, config: str) -> None:
    assert reason(tmp_path, config=config, known=f"web {KEY}\n@cert-authority other {KEY}\n@revoked * {KEY}\n") is None


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("PKCS11Provider /usr/lib/x.so", "sets pkcs11provider"),
        ("IdentityAgent /run/agent", "sets identityagent"),
        ("Host web\n KnownHostsCommand /bin/true %H", "sets knownhostscommand"),
        ("Host w*\n HostKeyAlgorithms ssh-rsa\n MACs hmac-sha2-256", "sets hostkeyalgorithms, macs"),
        ("UserKnownHostsFile ~/.ssh/known_%h", None),  # the one of the arguments comes first
        ("GlobalKnownHostsFile /etc/ssh/known_%h", "placeholders"),
    ],
)
def test_an_option_that_paramiko_does_not_know_is_a_reason(tmp_path: Path, config: str, expected: str | None) -> None:
    told = reason(tmp_path, config=config)
    assert told is None if expected is None else expected in (told or "")


def test_an_option_of_the_arguments_is_a_reason_too(tmp_path: Path) -> None:
    assert reason(tmp_path, certificatefile="/tmp/x") == "the ssh configuration sets certificatefile"


def test_an_authority_of_the_host_is_a_reason(tmp_path: Path) -> None:
    told = reason(tmp_path, known=f"# ours\n@cert-authority w*,!db {KEY}\n")
    assert told == f"{tmp_path}/known:2 names an authority for its host key"


def test_a_jump_hosts_reason_is_one(tmp_path: Path) -> None:
    known = f"@cert-authority bastion {KEY}\n"
    assert "authority" in (reason(tmp_path, known=known, proxyjump="first,me@bastion:22") or "")
    assert "authority" in (reason(tmp_path, known=known, proxyjump="bastion,last") or "")
    assert reason(tmp_path, known=known, proxyjump="other") is None


def test_a_key_in_hardware_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(f"sk-ssh-ed25519@openssh.com {KEY.split()[1]}\n")
    told = reason(tmp_path, config="Host web\n IdentityFile {folder}/key")
    assert told == f"{tmp_path}/key is a key in hardware"
    (tmp_path / "key.pub").write_text(KEY)
    assert reason(tmp_path, config="Host web\n IdentityFile {folder}/key") is None


def test_kerberos_is_a_reason_for_who_has_a_ticket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").symlink_to(settings.client())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("KRB5CCNAME", "FILE:/run/ticket")
    assert reason(tmp_path, config=DEBIAN) == "the ssh configuration sets gssapiauthentication"


@pytest.mark.parametrize(("ends_with", "expected"), [(0, "the ssh configuration sets gssapiauthentication"), (1, None)])
def test_kerberos_own_program_says_who_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_with: int, expected: str | None
) -> None:
    (tmp_path / "klist").write_text(f"#!/bin/sh\nexit {ends_with}\n")
    (tmp_path / "klist").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert reason(tmp_path, config=DEBIAN) == expected


def test_what_ssh_resolves_is_what_paramiko_uses(tmp_path: Path) -> None:
    config = "Match originalhost web\n HostName a.example\n Port 2200\n User me\n IdentityFile /k1\n IdentityFile /k2\n"
    resolved, foreign = resolve(web(tmp_path, config=config))
    assert foreign == []
    chosen = {name: resolved[name] for name in ("hostname", "port", "user", "identityfile", "userknownhostsfile")}
    assert chosen == {
        "hostname": "a.example",
        "port": "2200",
        "user": "me",
        "identityfile": ["/k1", "/k2"],
        "userknownhostsfile": str(tmp_path / "known"),
    }
    explicit = web(tmp_path, config=config).model_copy(update={"port": 22, "user": "you"})
    assert (resolve(explicit)[0]["port"], resolve(explicit)[0]["user"]) == ("22", "you")


def test_a_wrong_configuration_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^{tmp_path}/config:2: Bad configuration option: nonsense"):
        reason(tmp_path, config="Host web\n Nonsense yes")


def test_a_machine_without_openssh_can_do_what_paramiko_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert reason(tmp_path, config=DEBIAN) is None
    (tmp_path / "other").mkdir()
    with pytest.raises(Unreachable, match="there is no ssh on this machine"):
        connector()(web(tmp_path / "other", known=f"@cert-authority * {KEY}"))


@pytest.mark.parametrize("client", Client)
def test_a_host_that_looks_like_an_option_is_refused(client: Client) -> None:
    with pytest.raises(Unreachable, match="'-oProxyCommand=x' is no name of a host"):
        connector(client=client)(Connection(host="-oProxyCommand=x"))
