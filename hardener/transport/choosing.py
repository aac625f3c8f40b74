"""Which of the two clients a connection takes: paramiko, or the system's own OpenSSH for what paramiko cannot do."""

from __future__ import annotations

from pathlib import Path

from hardener.model import Connection
from hardener.transport.settings import Settings, known_for, known_hosts_files, last_jump, resolve

DEFAULT_KEYS = ("~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519_sk")


def reason_for_openssh(connection: Connection) -> str | None:
    """Why a connection needs OpenSSH's client, for itself or one of its jump hosts; ``None`` where paramiko will do.

    Raises ``ConfigError`` where a configuration is wrong.
    """
    settings, foreign = resolve(connection)
    if foreign:
        return f"the ssh configuration sets {', '.join(foreign)}"
    if any("%" in file or "$" in file for file in known_hosts_files(settings)):
        return "the names of its known_hosts files have placeholders"
    for entry in known_for(settings).authorities:
        return f"{entry.location} names an authority for its host key"
    if hardware := _hardware_key(settings):
        return f"{hardware} is a key in hardware"
    jump = last_jump(settings, connection.ssh_options)
    return reason_for_openssh(jump) if jump else None


def _hardware_key(settings: Settings) -> str | None:
    """The first private key that is only a handle of one in a token."""
    for file in settings.get("identityfile", DEFAULT_KEYS):
        public = Path(f"{file}.pub").expanduser()
        try:
            if public.read_text("utf-8", "backslashreplace").startswith("sk-"):
                return str(file)
        except OSError:
            continue  # without its public half nobody can tell; it is tried like any other
    return None
