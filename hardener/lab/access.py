"""Makes what opens a node: its keys, its password, its inventory, and the ssh commands that use them."""

import hashlib
import io
import os
import secrets
import shlex
import subprocess
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

import yaml

from hardener.errors import LabError
from hardener.lab.node import Node
from hardener.lab.tools import last_line, run_tool

SSH_PORT = 22
GRUB_ROUNDS = 10_000
HOST_KEY_TYPES = ("ed25519", "ecdsa", "rsa")
USERS: Mapping[str, tuple[int, int, str]] = {
    "root": (0, 0, "root"),
    "admin": (1000, 1000, "home/admin"),
    "operator": (1001, 100, "home/operator"),
    "plain": (1002, 1002, "home/plain"),
}
"""The people of a node, all with the same key and password: user id, group id, home folder."""


def make_credentials(node: Node) -> None:
    """Write the node's key files, password, known_hosts and inventory into its folder, and ``seed.tar``."""
    _keygen(node.key_file, "ed25519", f"lab {node.name}")
    for kind in HOST_KEY_TYPES:
        _keygen(node.folder / f"ssh_host_{kind}_key", kind, f"root@{node.name}")
    _write_private(node.password_file, secrets.token_urlsafe(12) + "\n")
    node.known_hosts.write_text(known_hosts_text(node, _host_public_keys(node)))
    _write_private(node.inventory, inventory_text(node, grub_hash(node.password_file.read_text().strip())))
    _write_private(node.folder / "seed.tar", seed_archive(node))


def inventory_text(node: Node, boot_password: str) -> str:
    """An Ansible YAML inventory with the node as the only host of the group ``lab``.

    ``boot_password``: the hash of GRUB's, which is a value no role can have a default for.
    """
    variables: dict[str, object] = {
        "ansible_host": node.address,
        "ansible_port": node.port,
        "ansible_user": node.user,
        "ansible_ssh_private_key_file": str(node.key_file),
        "ansible_ssh_common_args": shlex.join(_strict_options(node)),
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        # The account Ansible logs in with has no password to give.
        "sudo_passwordless": {"allowed": [node.user]},
    }
    if node.kind == "vm":
        variables["bootloader_superuser"] = {"name": "root", "password_pbkdf2": boot_password}
    return yaml.safe_dump({"lab": {"hosts": {node.name: variables}}}, sort_keys=False, width=1000)


def grub_hash(password: str) -> str:
    """A password as grub-mkpasswd-pbkdf2 would print it."""
    salt = secrets.token_bytes(64)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, GRUB_ROUNDS)
    return f"grub.pbkdf2.sha512.{GRUB_ROUNDS}.{salt.hex().upper()}.{digest.hex().upper()}"


def known_hosts_text(node: Node, public_keys: list[str]) -> str:
    """A known_hosts file for the node's address; each key is ``type base64``."""
    place = node.address if node.port == SSH_PORT else f"[{node.address}]:{node.port}"
    return "".join(f"{place} {key}\n" for key in public_keys)


def ssh_argv(node: Node, *, batch: bool) -> list[str]:
    """The ssh command that logs in to the node; with ``batch`` it never asks anything."""
    asking = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR"] if batch else []
    return [
        "ssh",
        "-F",
        "none",
        "-p",
        str(node.port),
        "-i",
        str(node.key_file),
        *_strict_options(node),
        *asking,
        f"{node.user}@{node.address}",
    ]


def ask(node: Node, command: str, *, seconds: float, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command on the node as its user; raises LabError after ``seconds``."""
    try:
        return subprocess.run(
            [*ssh_argv(node, batch=True), command],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"lab: {node.name} did not finish a command within {seconds:.0f} s") from error


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed command said last."""
    return last_line(done.stderr) or last_line(done.stdout) or f"status {done.returncode}"


def seed_archive(node: Node) -> bytes:
    """A tar archive with everything that differs between nodes of one image."""
    public_key = node.key_file.with_suffix(".pub").read_text()
    password = node.password_file.read_text().strip()
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as archive:
        _add(archive, "etc/hostname", f"{node.name}\n")
        _add(archive, "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {node.name}\n::1 localhost ip6-localhost\n")
        _add(archive, "etc/mailname", f"{node.name}\n")
        _add(archive, "etc/hardener-lab/passwords", "".join(f"{user}:{password}\n" for user in USERS), mode=0o600)
        for kind in HOST_KEY_TYPES:
            private = node.folder / f"ssh_host_{kind}_key"
            _add(archive, f"etc/ssh/{private.name}", private.read_text(), mode=0o600)
            _add(archive, f"etc/ssh/{private.name}.pub", private.with_suffix(".pub").read_text())
        for user, id_group, home in USERS.values():
            _add(archive, f"{home}/.ssh", None, mode=0o700, owner=(user, id_group))
            _add(archive, f"{home}/.ssh/authorized_keys", public_key, mode=0o600, owner=(user, id_group))
    return target.getvalue()


def _add(
    archive: tarfile.TarFile, name: str, text: str | None, *, mode: int = 0o644, owner: tuple[int, int] = (0, 0)
) -> None:
    """Add a file, or a folder where there is no text."""
    member = tarfile.TarInfo(name)
    member.mode = mode
    member.mtime = int(time.time())
    member.uid, member.gid = owner
    if text is None:
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
        return
    content = text.encode()
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _strict_options(node: Node) -> list[str]:
    """The ssh options that accept exactly the node's own host keys and offer exactly the node's own key."""
    known = ["-o", f"UserKnownHostsFile={node.known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null"]
    return [*known, "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]


def _host_public_keys(node: Node) -> list[str]:
    """The node's host keys as ``type base64``."""
    texts = [(node.folder / f"ssh_host_{kind}_key.pub").read_text() for kind in HOST_KEY_TYPES]
    return [" ".join(text.split()[:2]) for text in texts]


def _keygen(path: Path, kind: str, comment: str) -> None:
    """Make a key pair without a passphrase; a half-made one from an interrupted attempt is replaced."""
    for old in (path, path.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    run_tool(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", comment, "-f", str(path)])


def _write_private(path: Path, content: str | bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
