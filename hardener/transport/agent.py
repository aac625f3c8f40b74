"""Asks the ssh-agent of whoever runs the tool to sign something with a key that only the agent has."""

from __future__ import annotations

from contextlib import closing

import paramiko


def signed_by_agent(public: bytes, data: bytes) -> bytes | None:
    """The signature of some bytes, without its frame; ``None`` where no agent has the key, or it does not sign.

    ``public`` is the public key as SSH sends it, the second word of a ``.pub`` file decoded.
    """
    try:
        with closing(paramiko.Agent()) as agent:
            for key in agent.get_keys():
                if key.asbytes() == public:
                    framed = paramiko.Message(key.sign_ssh_data(data))  # type: ignore[arg-type]  # bytes, whatever its stubs say
                    framed.get_string()  # the kind of key
                    return framed.get_string()
    except (paramiko.SSHException, OSError):
        return None
    return None
