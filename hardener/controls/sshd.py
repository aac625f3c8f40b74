"""The ssh server: who may log in, how, with which cryptography, and how soon it gives up on strangers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from hardener.catalogue import expectations as accept
from hardener.catalogue import hazards
from hardener.catalogue import observations as seen
from hardener.catalogue.control import Control, CouldNotLook, Host, Parameter, Violation, command
from hardener.catalogue.expectations import Expectation
from hardener.catalogue.kinds import file_modes, sshd_algorithms, sshd_option
from hardener.model import Disruption, Severity

ACCESS_LISTS = ("allowusers", "allowgroups", "denyusers", "denygroups")
FORGET_LISTS = (
    "find /etc/ssh/sshd_config /etc/ssh/sshd_config.d -type f "
    "-exec sed --in-place --regexp-extended '/^\\s*(allow|deny)(users|groups)\\>/Id' {} +"
)
RELOADS = "Sets the option in a drop-in that sshd reads first, after `sshd -t` has accepted it, and reloads sshd."


def _up_to(limit: object) -> Expectation:
    return accept.between(1, limit)


def _a_file(_: object) -> Expectation:
    return accept.satisfying("a file", lambda path: str(path).startswith("/"))


def _banner(host: Host) -> JsonValue:
    """The file sshd shows before a login, and whether it has any text."""
    file = (seen.sshd_options(host).get("banner") or ["none"])[-1]
    if not file.startswith("/"):
        return {"banner": file, "has text": False}
    result = host.run("test -s %s", file)
    if result.rc not in {0, 1}:
        raise CouldNotLook(f"test failed with status {result.rc}")
    return {"banner": file, "has text": result.rc == 0}


def _access_lists(host: Host) -> JsonValue:
    """Every list that says who may log in, with its members, each once."""
    options = seen.sshd_options(host)
    members = {name: " ".join(options.get(name, ())).split() for name in ACCESS_LISTS}
    return {name: list(dict.fromkeys(names)) for name, names in members.items() if names}


def _some_list(observed: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return () if any(observed.values()) else ("lets everybody log in who has an account",)


CONTROLS = [
    file_modes(
        "configuration-access",
        *("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf"),
        title="Only root may read or change the configuration of sshd",
        why="Who can change it decides who logs in; who can read it learns which accounts and addresses get in.",
        severity=Severity.MEDIUM,
        violation=Violation(["chmod 0644 /etc/ssh/sshd_config"]),
    ),
    file_modes(
        "private-host-keys",
        "/etc/ssh/ssh_host_*_key",
        title="Only root may read the private host keys",
        why="With a copy of these keys anybody can pose as this host, and nobody's ssh client will notice.",
        severity=Severity.HIGH,
        shared="shared_modes",
        violation=Violation(["chown nobody /etc/ssh/ssh_host_*_key"]),
    ),
    file_modes(
        "public-host-keys",
        "/etc/ssh/ssh_host_*_key.pub",
        title="Only root may change the public host keys",
        why="Whoever replaces them misleads everybody who copies them to learn this host's identity.",
        severity=Severity.MEDIUM,
        violation=Violation(["chmod 0666 /etc/ssh/ssh_host_*_key.pub"]),
    ),
    Control(
        subject="access",
        title="sshd says who may log in",
        why="Without a list every account with a shell is a door, service accounts and forgotten ones included.",
        severity=Severity.MEDIUM,
        observe=_access_lists,
        expect=lambda _: Expectation(f"one of {', '.join(ACCESS_LISTS)} is set", _some_list),
        parameters=[Parameter("access", ("allowgroups",), lambda _: accept.something())],
        remedy="Allows the groups of the parameter in a drop-in that sshd reads first, and reloads sshd.",
        needs_root=True,
        disruption=Disruption.LOCKOUT,
        violation=Violation([FORGET_LISTS]),
        hazards=[hazards.operator_left_out],
    ),
    Control(
        subject="banner",
        title="sshd shows a notice before login",
        why="A notice tells visitors that this is no public system, which prosecutors in many countries ask for.",
        severity=Severity.LOW,
        observe=_banner,
        expect=lambda values: accept.fields({"banner": _a_file(values[0]), "has text": accept.is_true()}),
        parameters=[Parameter("options", ("banner",), _a_file)],
        remedy=RELOADS + " Writes a neutral text into the file where it has none.",
        needs_root=True,
        disruption=Disruption.RESTART,
        violation=Violation([command("sed --in-place %s /etc/ssh/sshd_config", "1ibanner none")]),
    ),
    sshd_algorithms(
        "ciphers",
        broken="3des-cbc",
        title="sshd offers no weak cipher",
        why="Old block ciphers and modes let somebody who records enough traffic recover parts of what was typed.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "clientaliveinterval",
        judge=lambda _: accept.at_least(1),
        broken="0",
        title="sshd asks silent clients whether they are still there",
        why="A session whose owner is long gone stays open for whoever finds the terminal or takes over the address.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "clientalivecountmax",
        judge=lambda _: accept.at_least(1),
        broken="0",
        title="sshd closes the sessions of clients that no longer answer",
        why="Asking a silent client has no effect unless a number of unanswered questions ends its session.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "disableforwarding",
        broken="no",
        title="sshd forwards nothing",
        why="Tunnels carry connections past firewalls in this host's name. No Match block can allow one: waive this "
        "control on jump hosts and on nodes that are administered through tunnels.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "gssapiauthentication",
        broken="yes",
        title="sshd does not take Kerberos logins by GSSAPI",
        why="It shows a large library to clients that have not logged in; single sign-on by Kerberos needs a waiver.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "hostbasedauthentication",
        broken="yes",
        title="sshd trusts no other host to name its users",
        why="With host-based logins, an intruder on one machine is an intruder on all that trust it.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "ignorerhosts",
        broken="no",
        title="sshd ignores the trust files of users",
        why="Any user could otherwise decide, by a file at home, which hosts get in without key or password.",
        severity=Severity.MEDIUM,
    ),
    sshd_algorithms(
        "kexalgorithms",
        broken="diffie-hellman-group14-sha1",
        newer=("mlkem768x25519-sha256", "sntrup761x25519-sha512"),
        title="sshd offers no weak key exchange",
        why="All secrecy of a session hangs on its first exchange; small groups and SHA-1 are within reach today.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "logingracetime",
        judge=_up_to,
        broken="0",
        title="sshd waits a minute at most for a login",
        why="Connections that never log in hold a process each, and a few hosts can use them up.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "loglevel",
        judge=lambda _: accept.one_of("INFO", "VERBOSE"),
        broken="QUIET",
        title="sshd logs who logs in",
        why="Without these lines nobody can say who came in and with which key; more would log private matters.",
        severity=Severity.LOW,
    ),
    sshd_algorithms(
        "macs",
        broken="hmac-md5",
        tolerable=("hmac-sha1", "hmac-sha1-etm@openssh.com", "umac-128@openssh.com"),
        title="sshd offers no weak message authentication",
        why="Short tags and broken hashes let somebody on the way change a session unnoticed.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "maxauthtries",
        judge=_up_to,
        broken="6",
        title="sshd allows four tries per connection at most",
        why="Every further try makes guessing passwords cheaper, and only failures beyond half of them are logged.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "maxsessions",
        judge=_up_to,
        broken="64",
        title="sshd allows ten sessions per connection at most",
        why="One login could otherwise open so many sessions that nobody else gets any.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "maxstartups",
        judge=accept.each_at_most,
        broken="10:30:100",
        title="sshd limits connections that have not logged in",
        why="A flood of unfinished logins otherwise keeps everybody else out, the administrators first.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "permitemptypasswords",
        broken="yes",
        title="sshd refuses empty passwords",
        why="An account without a password would be open to the whole network.",
        severity=Severity.HIGH,
    ),
    sshd_option(
        "permitrootlogin",
        broken="yes",
        title="root does not log in over ssh",
        why="Every attacker knows the name root; an account of one's own and sudo leave a trace of who did what.",
        severity=Severity.HIGH,
        disruption=Disruption.LOCKOUT,
        hazards=[hazards.root_is_operator],
    ),
    sshd_option(
        "permituserenvironment",
        broken="yes",
        title="sshd takes no environment from users' files",
        why="Variables such as LD_PRELOAD let users out of the commands and shells they are confined to.",
        severity=Severity.MEDIUM,
    ),
    sshd_option(
        "usepam",
        broken="no",
        title="sshd logs people in through PAM",
        why="Locking, password ageing, limits and session records are PAM's: without it ssh goes round all of them.",
        severity=Severity.MEDIUM,
    ),
]
