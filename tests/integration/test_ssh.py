"""Both SSH clients against real sshds on loopback: what works, and what each refusal says."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardener.errors import AuthenticationFailed, BecomeFailed, HostKeyMismatch, TimedOut, TransportError, Unreachable
from hardener.model import Become, Connection, Question
from hardener.transport import Client, connector
from tests.integration.conftest import Ask, Sshd, free_port, make_key

Start = Callable[..., Sshd]
KILLED = "p=$$; until grep -q ^sshd /proc/$p/comm; do p=$(cut -d ' ' -f 4 /proc/$p/stat); done; kill -KILL $p"
"""Ends the sshd of the connection that runs it."""
LOOP = 'user=$(id -un); while read -r line; do echo "$user $line"; done'


def test_answers_arrive_as_they_were(sshd: Sshd, ask: Ask) -> None:
    text, binary, failed = ask(sshd.connection(), "echo text", "printf '\\000\\377'; printf x >&2", "exit 7")
    assert text.stdout == b"text\n"
    assert (binary.stdout, binary.stderr) == (b"\x00\xff", b"x")
    assert failed.exit_status == 7


def test_a_large_batch_with_large_answers_arrives(sshd: Sshd, ask: Ask) -> None:
    commands = [f"head -c 300000 /dev/zero | tr '\\0' {letter}" for letter in "abcdefgh"]
    answers = ask(sshd.connection(), *commands)
    assert [(len(item.stdout), item.stdout[:1].decode()) for item in answers] == [(300000, item) for item in "abcdefgh"]


def test_one_connection_takes_several_batches(sshd: Sshd, client: Client) -> None:
    with connector(client=client)(sshd.connection()) as transport:
        for number in range(3):
            command = f"echo {number}"
            assert transport.ask([Question(command=command)])[command].stdout == f"{number}\n".encode()


def test_a_session_answers_beside_batches_on_the_same_connection(sshd: Sshd, client: Client) -> None:
    with (
        connector(client=client)(sshd.connection(become=Become(user="nobody"))) as transport,
        transport.session(LOOP) as session,
    ):
        for number in range(3):
            assert session.exchange(str(number), 10) == f"nobody {number}"
            assert transport.ask([Question(command="echo asked")])["echo asked"].stdout == b"asked\n"


def test_a_session_ends_with_its_connection(sshd: Sshd, client: Client) -> None:
    with connector(client=client)(sshd.connection()) as transport, transport.session(LOOP) as session:
        assert session.exchange("1", 10).endswith(" 1")
        transport.ask([Question(command=f"{KILLED}; exec sleep 20")])
        with pytest.raises(Unreachable, match=r"the (session is over|connection was lost)"):
            session.exchange("2", 10)


def test_leaving_a_session_ends_its_program_and_not_the_connection(sshd: Sshd, tmp_path: Path, client: Client) -> None:
    with connector(client=client)(sshd.connection()) as transport:
        with transport.session(f"{LOOP}; echo ended >{tmp_path}/ended") as session:
            session.exchange("1", 10)
        wait = f"until [ -s {tmp_path}/ended ]; do :; done"
        assert transport.ask([Question(command=wait)])[wait].exit_status == 0


def test_a_session_behind_a_login_shell_that_talks(sshd_with: Start, tmp_path: Path, client: Client) -> None:
    script = tmp_path / "talkative"
    script.write_text('#!/bin/sh\nprintf "hello 1"; echo noise >&2\neval "$SSH_ORIGINAL_COMMAND"\n')
    script.chmod(0o755)
    connection = sshd_with(options=f"ForceCommand {script}").connection()
    with connector(client=client)(connection) as transport, transport.session(LOOP) as session:
        assert session.exchange("1", 10).endswith(" 1")


@pytest.mark.parametrize("greeting", ["echo hello from bashrc; echo noise >&2", "printf 'no newline'"])
def test_a_login_shell_that_talks_is_not_heard(sshd_with: Start, tmp_path: Path, greeting: str, ask: Ask) -> None:
    script = tmp_path / "talkative"
    script.write_text(f'#!/bin/sh\n{greeting}\neval "$SSH_ORIGINAL_COMMAND"\n')
    script.chmod(0o755)
    (answer,) = ask(sshd_with(options=f"ForceCommand {script}").connection(), "echo heard")
    assert answer.stdout == b"heard\n"


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "tcsh", "fish"])
def test_any_login_shell_hands_over_to_sh(sshd_with: Start, tmp_path: Path, shell: str, ask: Ask) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed here")
    script = tmp_path / "login"
    script.write_text(f'#!/bin/sh\nexec {path} -c "$SSH_ORIGINAL_COMMAND"\n')
    script.chmod(0o755)
    connection = sshd_with(options=f"ForceCommand {script}").connection(become=Become())
    (answer,) = ask(connection, "echo 'a  b' \"$0\"", password="unused")
    assert answer.stdout == b"a  b /bin/sh\n"


def test_an_unknown_host_key_is_refused_with_its_fingerprint(sshd: Sshd, ask: Ask) -> None:
    sshd.known_hosts.write_text("")
    with pytest.raises(HostKeyMismatch, match=r"unknown host key of .*127\.0\.0\.1.*: ssh-ed25519 SHA256:"):
        ask(sshd.connection(), "true")


def test_a_changed_host_key_is_refused_with_both_fingerprints(sshd: Sshd, tmp_path: Path, ask: Ask) -> None:
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {make_key(tmp_path / 'other')}")
    with pytest.raises(HostKeyMismatch, match=r"has changed: ssh-ed25519 SHA256:.*, known is ssh-ed25519 SHA256:"):
        ask(sshd.connection(), "true")


def test_a_wrong_key_is_refused(sshd: Sshd, tmp_path: Path, ask: Ask) -> None:
    make_key(tmp_path / "stranger")
    with pytest.raises(AuthenticationFailed, match="accepted no key"):
        ask(sshd.connection(private_key_file=str(tmp_path / "stranger")), "true")


def test_nobody_listens(sshd: Sshd, ask: Ask) -> None:
    with pytest.raises(Unreachable, match="refused"):
        ask(sshd.connection(port=free_port()), "true")


def test_a_name_that_does_not_resolve(sshd: Sshd, ask: Ask) -> None:
    with pytest.raises(Unreachable, match="does not resolve"):
        ask(sshd.connection(host="no-such-host.invalid"), "true")


def test_a_server_that_never_answers_costs_one_deadline(sshd: Sshd, ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimedOut, match=r"within 0\.5 s"):
        ask(sshd.connection(port=silent.getsockname()[1]), "true", seconds=0.5)


def test_a_target_that_dies_in_mid_batch_answers_what_it_could(sshd: Sshd, ask: Ask) -> None:
    first, last = ask(sshd.connection(), "echo before", f"{KILLED}; exec sleep 20")
    assert first.stdout == b"before\n"
    assert last.exit_status is None
    assert last.problem


def test_a_jump_host_is_passed_with_the_same_strictness(sshd_with: Start, ask: Ask) -> None:
    jump, final = sshd_with(), sshd_with()
    both = jump.folder / "both_known"
    both.write_text(jump.known_hosts.read_text() + final.known_hosts.read_text())
    (final.folder / "authorized_keys").write_text((jump.folder / "user_key.pub").read_text())
    config = jump.folder / "config"
    config.write_text(f"Host 127.0.0.1\n  IdentityFile {jump.folder}/user_key\n")
    options = {
        "configfile": str(config),
        "userknownhostsfile": str(both),
        "proxyjump": f"127.0.0.1:{jump.port}",
    }
    connection = final.connection(private_key_file=None, ssh_options=options)
    assert ask(connection, "echo $SSH_CONNECTION")[0].stdout.startswith(b"127.0.0.1 ")
    options["userknownhostsfile"] = str(final.known_hosts)
    with pytest.raises(HostKeyMismatch, match=f"{jump.port}"):
        ask(final.connection(private_key_file=None, ssh_options=options), "true")


def test_ssh_config_names_host_port_user_and_key(sshd: Sshd, ask: Ask) -> None:
    config = sshd.folder / "config"
    config.write_text(
        f"Host web\n  HostName 127.0.0.1\n  Port {sshd.port}\n  IdentityFile {sshd.folder}/user_key\n"
        f"  UserKnownHostsFile {sshd.known_hosts}\n  IdentitiesOnly yes\n"
    )
    assert ask(Connection(host="web", ssh_options={"configfile": str(config)}), "echo here")[0].stdout == b"here\n"


@pytest.fixture
def agent(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ssh-agent that holds the user's key."""
    address = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(address)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert str(address) in process.stdout.readline(), "the agent says where it listens once it does"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(address))
    subprocess.run(["ssh-add", "-q", str(sshd.folder / "user_key")], check=True)
    yield
    process.terminate()
    process.communicate()


@pytest.mark.usefixtures("agent")
def test_an_agents_key_is_offered(sshd: Sshd, ask: Ask) -> None:
    options = {"userknownhostsfile": str(sshd.known_hosts), "configfile": "/dev/null"}
    assert ask(sshd.connection(private_key_file=None, ssh_options=options), "echo here")[0].stdout == b"here\n"


@pytest.mark.parametrize("method", [Become(), Become(user="nobody")])
def test_become_without_a_password(sshd: Sshd, method: Become, ask: Ask) -> None:
    (answer,) = ask(sshd.connection(become=method), "id -un")
    assert answer.stdout.decode().strip() == method.user


def test_become_a_user_who_does_not_exist(sshd: Sshd, ask: Ask) -> None:
    with pytest.raises(BecomeFailed, match="nobody-knows-me"):
        ask(sshd.connection(become=Become(user="nobody-knows-me")), "true")


def test_a_sudo_that_refuses_before_all_is_sent_is_heard(sshd_with: Start, ask: Ask) -> None:
    """It has ended by then: more would be sent than anybody reads."""
    refusing = sshd_with(options="ForceCommand echo 'sudo: ann may not run anything here' >&2; exit 1")
    with pytest.raises(BecomeFailed, match="sudo: ann may not run anything here"):
        ask(refusing.connection(become=Become()), "true " + "x" * 8_000_000)


def test_every_refusal_is_one_line(sshd: Sshd, ask: Ask) -> None:
    for change in ({"port": free_port()}, {"user": "nobody-knows-me"}):
        with pytest.raises(TransportError) as caught:
            ask(sshd.connection(**change), "true")
        assert "\n" not in str(caught.value)
