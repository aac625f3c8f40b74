"""How a connection is made, as OpenSSH would: by Ansible's variables, their ssh arguments and ssh's configuration.

Files of plain options are read here. Where they have more (``Match``, files they include, options that only OpenSSH
can honour), ``ssh -G`` says what it would use: that costs a process a host, some 6 ms.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from paramiko.config import SSHConfig
from paramiko.ssh_exception import SSHException

from hardener.errors import ConfigError, Unreachable
from hardener.model import Connection
from hardener.transport.known_hosts import DEFAULT_PORT, Known, known

Settings: TypeAlias = Mapping[str, Any]
"""Options by lower-cased ssh_config name; ``identityfile`` is a list."""

CONFIG_FILES = ("~/.ssh/config", "/etc/ssh/ssh_config")
USER_KNOWN_HOSTS = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
GLOBAL_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
CLIENT_SECONDS = 30
"""Longest time ``ssh -G`` may take: a ``Match exec`` may ask something."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


HONOURED = _names("""
    host hostname port user identityfile identitiesonly userknownhostsfile globalknownhostsfile hostkeyalias proxyjump
    proxycommand stricthostkeychecking connecttimeout connectionattempts batchmode configfile
""")
"""What our own client does as OpenSSH would, or what we always do the same way."""
INDIFFERENT = _names("""
    addkeystoagent checkhostip clearallforwardings compression controlmaster controlpath controlpersist
    dynamicforward enableescapecommandline escapechar exitonforwardfailure fingerprinthash forkafterauthentication
    forwardagent forwardx11 forwardx11timeout forwardx11trusted gatewayports hashknownhosts ipqos
    kbdinteractiveauthentication localcommand localforward loglevel logverbose nohostauthenticationforlocalhost
    numberofpasswordprompts obscurekeystroketiming passwordauthentication permitlocalcommand permitremoteopen
    rekeylimit remotecommand remoteforward requesttty sendenv serveralivecountmax serveraliveinterval sessiontype
    setenv stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tag tcpkeepalive tunnel tunneldevice
    updatehostkeys visualhostkey xauthlocation
""")
"""What has no bearing on a batch of questions: terminals, forwardings, passwords, sharing of connections."""
CANONICAL = _names("""
    canonicaldomains canonicalizefallbacklocal canonicalizehostname canonicalizemaxdots canonicalizepermittedcnames
""")
"""What only ssh can work out, and shows in the name of the host that it has then."""
KERBEROS = _names("""
    gssapiauthentication gssapidelegatecredentials gssapikeyexchange gssapikexalgorithms gssapirenewalforcesrekey
    gssapitrustdns gssapiclientidentity gssapiserveridentity
""")
"""What matters to whoever has a ticket; Debian switches it on for everybody."""


def resolve(connection: Connection) -> tuple[Settings, Sequence[str]]:
    """The settings of a connection, and the names of those that only OpenSSH can honour.

    Raises ``ConfigError`` where a configuration is wrong.
    """
    options = connection.ssh_options
    files = [options["configfile"]] if "configfile" in options else list(CONFIG_FILES)
    if set(options) <= _plain_options() and all(_is_plain(str(Path(file).expanduser())) for file in files):
        return _from_plain(connection, files), ()
    return _from_client(connection)


def known_for(settings: Settings) -> Known:
    """What the known_hosts files say of the host of these settings."""
    return known(
        known_hosts_files(settings),
        settings["hostname"],
        int(settings.get("port", DEFAULT_PORT)),
        alias=settings.get("hostkeyalias"),
    )


def known_hosts_files(settings: Settings) -> Sequence[str]:
    """The user's files, then the system's."""
    files = (
        settings.get("userknownhostsfile", USER_KNOWN_HOSTS),
        settings.get("globalknownhostsfile", GLOBAL_KNOWN_HOSTS),
    )
    return " ".join(files).replace('"', "").split()


def key_files(settings: Settings) -> list[str]:
    """The private keys that are named and exist, as for ssh."""
    paths = (Path(file).expanduser() for file in settings.get("identityfile", ()))
    return [str(path) for path in paths if path.is_file()]


def last_jump(settings: Settings, options: Mapping[str, str]) -> Connection | None:
    """The last of a comma-separated chain of jump hosts, to be reached through those before it.

    ``options``: those of the connection, of which the files of configuration and of known hosts hold for all hops.
    """
    jumps = settings.get("proxyjump", "none")
    if jumps == "none":
        return None
    before, _, last = jumps.rpartition(",")
    address = urlsplit(last if "://" in last else f"ssh://{last}")
    inherited = {name: options[name] for name in ("userknownhostsfile", "configfile") if name in options}
    return Connection(
        host=address.hostname or last,
        port=address.port,
        user=address.username,
        ssh_options=inherited | ({"proxyjump": before} if before else {}),
    )


def arguments(connection: Connection) -> list[str]:
    """What a connection says itself, as options of the command line of ssh."""
    named = {"port": connection.port, "user": connection.user, "identityfile": connection.private_key_file}
    chosen = [f"{name}={_quoted(str(value))}" for name, value in named.items() if value is not None]
    chosen += [f"{name}={value}" for name, value in connection.ssh_options.items() if name != "configfile"]
    return [word for option in chosen for word in ("-o", option)]


def client() -> str:
    """The path of OpenSSH's client; ``Unreachable`` where there is none."""
    path = shutil.which("ssh")
    if path is None:
        raise Unreachable("this connection needs OpenSSH's client, and there is no ssh on this machine")
    return path


def environment() -> Mapping[str, str]:
    """Of each ssh: its words are read, and it asks nobody."""
    return {**os.environ, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}


def _quoted(value: str) -> str:
    return f'"{value}"' if re.search(r"\s", value) else value


@lru_cache
def _plain_options() -> frozenset[str]:
    return HONOURED | INDIFFERENT | (frozenset() if _has_ticket() else KERBEROS)


@lru_cache
def _has_ticket() -> bool:
    """Whether the operator is logged in to Kerberos; asked of Kerberos' own program where there is one."""
    klist = shutil.which("klist")
    if klist is None:
        return "KRB5CCNAME" in os.environ
    return subprocess.run([klist, "-s"], check=False, timeout=CLIENT_SECONDS).returncode == 0


@lru_cache
def _is_plain(file: str) -> bool:
    """Whether a configuration has only options that we know, in ``Host`` sections, and includes no file that exists."""
    try:
        lines = Path(file).read_text("utf-8", "backslashreplace").splitlines()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise ConfigError(str(error.strerror), location=file) from None
    for line in lines:
        keyword, *values = re.split(r"[\s=]+", line.strip().replace('"', ""))
        if keyword.lower() == "include":
            base = Path("/etc/ssh" if file.startswith("/etc/ssh/") else "~/.ssh").expanduser()
            if any(Path("/").glob(str(base / Path(value).expanduser())[1:]) for value in values):
                return False
        elif keyword and not keyword.startswith("#") and keyword.lower() not in _plain_options():
            return False
    return True


def _from_plain(connection: Connection, files: Sequence[str]) -> Settings:
    settings: dict[str, Any] = {}
    for file in reversed(files):  # the first file that says something wins
        settings.update(_config(str(Path(file).expanduser())).lookup(connection.host))
    options: dict[str, Any] = dict(connection.ssh_options)
    if "identityfile" in options:
        options["identityfile"] = [options["identityfile"]]
    settings.update(options)
    explicit = {"port": connection.port, "user": connection.user}
    settings.update({name: value for name, value in explicit.items() if value is not None})
    if connection.private_key_file:
        settings["identityfile"] = [connection.private_key_file]
    settings.setdefault("hostname", connection.host)
    return settings


@lru_cache
def _config(file: str) -> SSHConfig:
    """A parsed ssh_config file; an empty one where there is none."""
    try:
        return SSHConfig.from_path(file)
    except FileNotFoundError:
        return SSHConfig()
    except (OSError, SSHException) as error:
        raise ConfigError(str(error), location=file) from None


def _from_client(connection: Connection) -> tuple[Settings, Sequence[str]]:
    """What ssh itself says that it would use."""
    file = connection.ssh_options.get("configfile")
    words = ["-F", str(Path(file).expanduser())] if file else []
    effective = _effective((*words, *arguments(connection), "--", connection.host))
    usual = _effective(("-F", "none", "--", connection.host))
    settings: dict[str, Any] = {name: values[-1] for name, values in effective.items()}
    settings["identityfile"] = effective.get("identityfile", ())
    if settings["identityfile"] == usual.get("identityfile"):
        del settings["identityfile"]
    differing = {name for name, values in effective.items() if values != usual.get(name)}
    return settings, sorted(differing - _plain_options() - CANONICAL)


@lru_cache(maxsize=4096)
def _effective(words: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    """The answer of ``ssh -G``: values by lower-cased name."""
    try:
        asked = subprocess.run(
            [client(), "-G", "-T", *words],
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=CLIENT_SECONDS, env=environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unreachable(f"ssh -G did not end within {CLIENT_SECONDS} s") from None
    if asked.returncode != 0:
        said = asked.stderr.decode("utf-8", "backslashreplace")
        raise configuration_error(said) or Unreachable(" ".join(said.split()) or "ssh -G failed")
    values: dict[str, list[str]] = {}
    for line in asked.stdout.decode("utf-8", "backslashreplace").splitlines():
        name, _, value = line.partition(" ")
        values.setdefault(name.lower(), []).append(value)
    return values


def configuration_error(said: str) -> ConfigError | None:
    """What ssh said of a file of configuration that is wrong: ``file: line 3: Bad configuration option: x``."""
    match = re.search(r"^(/.+?):? line (\d+): (.+?)\r?$", said, re.MULTILINE)
    return ConfigError(match[3], location=f"{match[1]}:{match[2]}") if match else None
