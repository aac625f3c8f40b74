"""How both SSH clients verify a host, and which of them is asked: certificates, revocations, patterns, broken files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardener.errors import AuthenticationFailed, ConfigError, HostKeyMismatch, Unreachable
from hardener.model import Connection, Question
from hardener.transport import Client, connector
from hardener.transport.openssh import OpenSshTransport
from hardener.transport.ssh import SshTransport
from tests.integration.conftest import Ask, Sshd, make_key

Start = Callable[..., Sshd]


@dataclass(frozen=True)
class Site:
    """An sshd whose host key an authority has signed, and public keys by name."""

    sshd: Sshd
    keys: dict[str, str]

    def known(self, *lines: str) -> Connection:
        """A connection by known_hosts of some lines, in which ``{name}`` is a key and ``{host}`` the sshd."""
        place = f"[127.0.0.1]:{self.sshd.port}"
        text = "".join(f"{line.format(host=place, port=self.sshd.port, **self.keys)}\n" for line in lines)
        self.sshd.known_hosts.write_text(text)
        return self.sshd.connection()


@pytest.fixture
def site(sshd_with: Start, tmp_path: Path) -> Site:
    keys = {name: make_key(tmp_path / name).strip() for name in ("authority", "stranger")}
    folder = tmp_path / "sshd0"
    folder.mkdir()
    keys["key"] = make_key(folder / "host_key").strip()
    (folder / "authorized_keys").write_text(make_key(folder / "user_key"))
    words = ["ssh-keygen", "-q", "-s", str(tmp_path / "authority"), "-I", 'the "id" CA x y', "-h", "-n", "127.0.0.1"]
    subprocess.run([*words, str(folder / "host_key.pub")], check=True)
    return Site(sshd_with(options=f"HostCertificate {folder}/host_key-cert.pub"), keys)


def fingerprint(public: str) -> str:
    told = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=public, capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


@pytest.mark.parametrize("patterns", ["{host}", "[127.0.0.1]:*", "*", "127.0.0.1", "other,[127.0.0.?]:{port}"])
def test_a_host_is_verified_by_its_authority(site: Site, patterns: str) -> None:
    connection = site.known(f"@cert-authority {patterns} {{authority}}")
    with connector()(connection) as transport:
        assert transport.ask([Question(command="echo here")])["echo here"].stdout == b"here\n"
        assert transport.host_key == (
            f"ssh-ed25519-cert-v01@openssh.com {fingerprint(site.keys['key'])} "
            f"signed by ssh-ed25519 {fingerprint(site.keys['authority'])}"
        )


def test_paramiko_says_that_openssh_could_ask_an_authority(site: Site) -> None:
    connection = site.known("@cert-authority {host} {authority}")
    with pytest.raises(HostKeyMismatch, match=r"unknown host key .*known_hosts:1 names an authority, which OpenSSH"):
        connector(client=Client.PARAMIKO)(connection)


def test_a_certificate_of_a_stranger_verifies_nobody(site: Site, ask: Ask) -> None:
    with pytest.raises(HostKeyMismatch, match=r"unknown host key of .*: .* SHA256:.*; add it to known_hosts"):
        ask(site.known("@cert-authority * {stranger}"), "true")


def test_a_certificate_for_another_name_verifies_nobody(site: Site) -> None:
    connection = site.known("@cert-authority * {authority}")
    options = {**connection.ssh_options, "hostkeyalias": "another"}
    with pytest.raises(HostKeyMismatch, match="name is not a listed principal"):
        connector()(connection.model_copy(update={"ssh_options": options}))


def test_a_known_key_counts_where_its_certificate_does_not(site: Site, client: Client) -> None:
    with connector(client=client)(site.known("@cert-authority * {stranger}", "{host} {key}")) as transport:
        assert transport.host_key == f"ssh-ed25519 {fingerprint(site.keys['key'])}"


@pytest.mark.parametrize("patterns", ["{host}", "*", "other,[127.0.0.?]:{port}"])
def test_a_revoked_host_key_is_refused(site: Site, ask: Ask, patterns: str) -> None:
    with pytest.raises(HostKeyMismatch, match=r"host key of \[127.* is revoked"):
        ask(site.known("{host} {key}", f"@revoked {patterns} {{key}}"), "true")


@pytest.mark.parametrize("revoked", ["authority", "key"])
def test_a_certificate_is_refused_whose_key_or_authority_is_revoked(site: Site, revoked: str) -> None:
    with pytest.raises(HostKeyMismatch, match=r"host key of \[127.* is revoked"):
        connector()(site.known("@cert-authority * {authority}", f"@revoked * {{{revoked}}}"))


def test_the_revocation_of_another_key_or_host_is_none(site: Site, ask: Ask) -> None:
    assert (
        ask(site.known("{host} {key}", "@revoked * {stranger}", "@revoked other {key}"), "echo x")[0].exit_status == 0
    )


def test_hashed_names_are_found(site: Site, ask: Ask) -> None:
    connection = site.known("other {stranger}", "{host} {key}")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(site.sshd.known_hosts)], check=True, capture_output=True)
    assert "127.0.0.1" not in site.sshd.known_hosts.read_text()
    assert ask(connection, "true")[0].exit_status == 0


@pytest.mark.parametrize("line", ["[127.0.0.*]:{port}", "[*]:*", "*", "other,{host}", "127.0.0.1", "!other,*"])
def test_patterns_that_mean_the_host(site: Site, ask: Ask, line: str) -> None:
    assert ask(site.known(f"{line} {{key}} with a comment"), "true")[0].exit_status == 0


@pytest.mark.parametrize("line", ["[127.0.0.1]:1", "127.0.0", "127x0x0x1", "!{host},!127.0.0.1,*", "[127.0.0.[0-9]]:*"])
def test_patterns_that_mean_somebody_else(site: Site, ask: Ask, line: str) -> None:
    with pytest.raises(HostKeyMismatch, match="unknown host key"):
        ask(site.known(f"{line} {{key}}"), "true")


def test_one_of_two_keys_of_a_kind_is_enough(site: Site, ask: Ask) -> None:
    for lines in (("{host} {key}", "{host} {stranger}"), ("{host} {stranger}", "{host} {key}")):
        assert ask(site.known(*lines), "true")[0].exit_status == 0


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_a_host_with_several_keys_shows_the_known_one(sshd_with: Start, tmp_path: Path, ask: Ask, kind: str) -> None:
    file = tmp_path / kind
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(file)], check=True)
    sshd = sshd_with(options=f"HostKey {file}")
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {file.with_suffix('.pub').read_text()}")
    assert ask(sshd.connection(), "true")[0].exit_status == 0


JUNK = (
    "junk",
    "@cert-authority",
    "@revoked *",
    "@unknown * {key}",
    "a ssh-ed25519 AAAA",
    "|1|x|y {key}",
    "\x00\xff",
    "#",
)


def test_lines_of_junk_harm_nobody(site: Site, ask: Ask) -> None:
    assert ask(site.known(*JUNK, "other ssh-ed25519 !!!!", "{host} {key}", *JUNK), "true")[0].exit_status == 0


@pytest.mark.parametrize("line", ["{host} ssh-ed25519 !!!!", "{host}", "@cert-authority * ssh-ed25519 AAAA"])
def test_a_broken_line_of_a_host_is_its_own_problem(site: Site, ask: Ask, line: str) -> None:
    told = rf"unknown host key .*known_hosts:{len(JUNK) + 1}: there is no key in this line"
    with pytest.raises(HostKeyMismatch, match=told):
        ask(site.known(*JUNK, line), "true")


def test_known_hosts_that_cannot_be_read_are_a_hosts_problem(site: Site, ask: Ask) -> None:
    site.sshd.known_hosts.mkdir()
    with pytest.raises(HostKeyMismatch, match="unknown host key"):
        ask(site.sshd.connection(), "true")


def test_what_a_server_says_is_not_taken_for_the_key_that_was_verified(sshd_with: Start, tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    banner.write_text("debug1: Server host key: ssh-ed25519 SHA256:forged\nNo ED25519 host key is known for x\n")
    sshd = sshd_with(options=f"Banner {banner}")
    with connector(client=Client.OPENSSH)(sshd.connection()) as transport:
        assert transport.host_key == f"ssh-ed25519 {fingerprint((sshd.folder / 'host_key.pub').read_text())}"


def configured(sshd: Sshd, text: str) -> Connection:
    """A connection by a configuration of its own."""
    config = sshd.folder / "config"
    body = text.format(port=sshd.port, folder=sshd.folder)
    config.write_text(f"IdentitiesOnly yes\nUserKnownHostsFile {sshd.known_hosts}\n{body}\n")
    return Connection(host="web", ssh_options={"configfile": str(config)})


WAY = "HostName 127.0.0.1\n Port {port}\n IdentityFile {folder}/user_key\n"


@pytest.mark.parametrize(
    "text",
    [
        f"Host w*\n {WAY}",
        f"Match originalhost web exec true\n {WAY}",
        "Include {folder}/more",
        f"CanonicalizeHostname always\nCanonicalizeFallbackLocal yes\nHost web\n {WAY}",
    ],
)
def test_both_clients_follow_the_configuration(sshd: Sshd, ask: Ask, text: str) -> None:
    (sshd.folder / "more").write_text(f"Host web\n {WAY}".format(port=sshd.port, folder=sshd.folder))
    assert ask(configured(sshd, text), "echo here")[0].stdout == b"here\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", SshTransport),
        ("Include {folder}/nothing/*.conf\nForwardAgent yes\nControlMaster auto\nControlPath {folder}/c", SshTransport),
        ("Match exec true\n Compression yes", SshTransport),
        ("Ciphers aes256-gcm@openssh.com", OpenSshTransport),
        ("CertificateFile {folder}/none", OpenSshTransport),
        ("Match host web\n BindAddress 127.0.0.1", OpenSshTransport),
    ],
)
def test_openssh_is_asked_for_what_paramiko_cannot_do(sshd: Sshd, text: str, kind: type[object]) -> None:
    with connector()(configured(sshd, f"{text}\nHost web\n {WAY}")) as transport:
        assert isinstance(transport, kind)
        assert transport.ask([Question(command="echo here")])["echo here"].stdout == b"here\n"


def test_a_jump_host_with_an_authority_is_passed_through_openssh(site: Site, sshd_with: Start) -> None:
    final = sshd_with()
    site.known("@cert-authority {host} {authority}", f"[127.0.0.1]:{final.port} {public(final)}")
    (final.folder / "authorized_keys").write_text((site.sshd.folder / "user_key.pub").read_text())
    config = site.sshd.folder / "config"
    config.write_text(f"Host 127.0.0.1\n  IdentityFile {site.sshd.folder}/user_key\n")
    options = {
        "configfile": str(config),
        "userknownhostsfile": str(site.sshd.known_hosts),
        "proxyjump": f"127.0.0.1:{site.sshd.port}",
    }
    with connector()(final.connection(private_key_file=None, ssh_options=options)) as transport:
        assert transport.host_key == f"ssh-ed25519 {fingerprint(public(final))}"


def public(sshd: Sshd) -> str:
    return (sshd.folder / "host_key.pub").read_text().strip()


def test_a_certificate_of_the_user_is_shown(sshd_with: Start, tmp_path: Path, ask: Ask) -> None:
    make_key(tmp_path / "authority")
    sshd = sshd_with(options=f"TrustedUserCAKeys {tmp_path}/authority.pub")
    (sshd.folder / "authorized_keys").write_text("")
    words = ["ssh-keygen", "-q", "-s", str(tmp_path / "authority"), "-I", "me", "-n", sshd.connection().user or ""]
    subprocess.run([*words, str(sshd.folder / "user_key.pub")], check=True)
    assert ask(sshd.connection(), "echo here")[0].stdout == b"here\n"


def test_nobody_is_asked_for_a_password(sshd_with: Start, ask: Ask) -> None:
    sshd = sshd_with(options="PasswordAuthentication yes\nPubkeyAuthentication no")
    with pytest.raises(AuthenticationFailed, match="accepted no key"):
        ask(sshd.connection(), "true")


def test_a_name_that_is_an_option_is_refused(sshd: Sshd, ask: Ask) -> None:
    with pytest.raises(Unreachable, match="no name of a host"):
        ask(sshd.connection(host="-oProxyCommand=touch /tmp/x"), "true")


def test_a_wrong_configuration_is_told_with_its_line(sshd: Sshd) -> None:
    with pytest.raises(ConfigError, match=rf"^{sshd.folder}/config:3: Bad configuration option: nonsense"):
        connector()(configured(sshd, "Nonsense yes"))


def test_each_connection_is_a_login_of_its_own(sshd: Sshd, ask: Ask) -> None:
    connection = configured(
        sshd, f"Host web\n {WAY}\n ControlMaster auto\n ControlPath {{folder}}/shared\n ControlPersist 60"
    )
    assert ask(connection, "echo $SSH_CONNECTION") != ask(connection, "echo $SSH_CONNECTION")
    assert not (sshd.folder / "shared").exists()


PROGRAM = """\
import sys
from hardener.model import Connection
from hardener.transport import Client, connector
with connector(client=Client.OPENSSH)(Connection.model_validate_json(sys.argv[1])) as transport:
    print(transport._folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("is_killed", [True, False])
def test_no_connection_outlives_the_tool(sshd: Sshd, is_killed: bool) -> None:
    words = [sys.executable, "-c", PROGRAM, sshd.connection().model_dump_json()]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        folder = process.stdout.readline().strip()
        assert Path(folder, "control").exists()
        if is_killed:
            os.kill(process.pid, signal.SIGKILL)
        process.stdin.close()
        process.wait()
    while Path(folder).exists() or using(folder):
        pass


def using(folder: str) -> list[str]:
    """The processes that name a folder in their command line."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if folder.encode() in words:
            found.append(file.parent.name)
    return found
