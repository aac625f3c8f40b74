"""Brings throw-away nodes up, restarts and removes them, and refuses everything that is not one."""

import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hardener.errors import LabError
from hardener.lab import access, cgroups, container, network, vm
from hardener.lab.image import build_image, remove_abandoned_builds
from hardener.lab.node import (
    Node,
    checked_kind,
    checked_name,
    checked_release,
    default_name,
    folders,
    known_nodes,
    load,
    nodes_folder,
    save,
    state_home,
)
from hardener.lab.processes import end_processes, is_running
from hardener.lab.tools import locked, remove_folder, require_tools
from hardener.lab.waiting import boot_id, wait_until_booted

_SSH_FAILED = 255
Progress = Callable[[str], None]
BOOT_SECONDS = {"vm": 300.0, "container": 60.0}
"""How long a node may take to answer; several times what it takes on a busy machine of two cores."""
HARDWARE_BOOT_SECONDS = 60.0
"""How long hardware virtualisation may take before it is taken for one that only pretends to exist."""


def up(name: str | None = None, *, kind: str, release: str, progress: Progress = lambda _line: None) -> Node:
    """Make and start a node and wait until it is ready; one that already runs is returned unchanged.

    ``name`` defaults to kind and release, such as ``vm12``. Raises LabError where a tool is missing, the name belongs
    to a different kind of node, or the node does not come up; nothing of a failed or interrupted node remains.
    """
    kind, release = checked_kind(kind), checked_release(release)
    name = checked_name(name or default_name(kind, release))
    with locked(_lock_file(name)):
        existing = load(nodes_folder() / name)
        if existing is not None and (existing.kind, existing.release) != (kind, release):
            raise LabError(f"lab: {name} is a Debian {existing.release} {existing.kind}; take it down first")
        if existing is not None and existing.ready_file.exists() and is_running(existing):
            return existing
        if existing is not None:
            progress(f"{name} does not run; making it anew")
        require_tools(kind)
        image = build_image(kind, release, progress)
        _remove(nodes_folder() / name)
        try:
            return _make(name, kind, release, image, progress)
        except BaseException:
            _remove(nodes_folder() / name)
            raise


def down(name: str) -> None:
    """Remove a node and everything made for it; a node that does not exist is already down."""
    with locked(_lock_file(checked_name(name))):
        _remove(nodes_folder() / name)


def down_all() -> list[str]:
    """Remove every node of this user, whole or half made, and return their names."""
    names = [folder.name for folder in folders()]
    for name in names:
        down(name)
    remove_abandoned_builds()
    return names


def nodes() -> list[tuple[Node, bool]]:
    """Every node of this user by name, and whether it runs."""
    return [(node, is_running(node)) for node in known_nodes()]


def is_node(address: str, port: int) -> bool:
    """Whether a running node of this user's lab answers there."""
    return any((node.address, node.port) == (address, port) and running for node, running in nodes())


def run(node: Node, script: str, *, seconds: float = 600.0) -> subprocess.CompletedProcess[str]:
    """Run a shell script as root on a node and return its status and output, whatever the status is.

    The script gets no stdin. Raises LabError for anything that is not one of this lab's running nodes, when ssh
    cannot log in, and after ``seconds``.
    """
    _require_own(node)
    done = _as_root(node, script, seconds)
    if done.returncode == _SSH_FAILED and not done.stdout:
        raise LabError(f"lab: cannot log in to {node.name}: {access.complaint(done)}")
    return done


def reboot(node: Node, *, seconds: float | None = None) -> None:
    """Restart a node and wait until the new system is ready; raises LabError after ``seconds``."""
    _require_own(node)
    before = boot_id(node)
    # The connection may be cut before the command reports: what counts is the new boot id.
    _as_root(node, "systemctl --no-block reboot", seconds=60)
    wait_until_booted(node, seconds=seconds or BOOT_SECONDS[node.kind], previous=before)


def ssh_command(node: Node) -> list[str]:
    """The command for a person's own ssh session on the node."""
    return access.ssh_argv(node, batch=False)


def _as_root(node: Node, script: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a script through ssh and sudo."""
    # sudo reads the password only if it wants one; the script must not find what is left of it.
    quoted = shlex.quote(f"exec </dev/null\n{script}")
    password = node.password_file.read_text()
    return access.ask(node, f"sudo -S -p '' -- sh -c {quoted}", seconds=seconds, stdin=password)


def _require_own(node: Node) -> None:
    """Raise LabError unless this very node is one of ours and runs."""
    known = load(nodes_folder() / node.name) if node.folder.parent == nodes_folder() else None
    if known != node:
        raise LabError("lab: the lab refuses a target that is not one of its nodes")
    if not is_running(node):
        raise LabError(f"lab: {node.name} is not running")


def _make(name: str, kind: str, release: str, image: Path, progress: Progress) -> Node:
    """Describe, create, start and await a node."""
    began = time.monotonic()
    # Ports and subnets are chosen one node at a time. A port is taken by writing the description; a subnet, which every
    # lab of this machine chooses from, by making its link.
    with locked(network.CHOICE if kind == "container" else state_home() / "locks" / "choice.lock"):
        node = _describe(name, kind, release, image)
        save(node)
        if node.kind == "container":
            network.connect(node)
    access.make_credentials(node)
    progress(f"starting {name} ({node.address} port {node.port})")
    if node.kind == "container":
        _start_container(node)
    else:
        _start_vm(node, vm.accelerations(), progress)
    node.ready_file.touch()
    progress(f"{name} is ready after {time.monotonic() - began:.0f} s")
    return node


def _describe(name: str, kind: str, release: str, image: Path) -> Node:
    """A node with an address that nothing else has; the caller holds the lock."""
    others = known_nodes()
    subnet = None
    address, port = "127.0.0.1", 22
    if kind == "container":
        subnet = network.free_subnet(other.subnet for other in others if other.subnet is not None)
        address = network.subnet_addresses(subnet)[1]
    else:
        port = vm.free_port(other.port for other in others)
    return Node(
        name=name,
        kind=checked_kind(kind),
        release=checked_release(release),
        address=address,
        port=port,
        folder=nodes_folder() / name,
        image=image,
        subnet=subnet,
    )


def _start_container(node: Node) -> None:
    """Start and await a container."""
    container.make_tree(node)
    container.start(node)
    wait_until_booted(node, seconds=BOOT_SECONDS["container"])


def _start_vm(node: Node, accelerations: Sequence[Sequence[str]], progress: Progress) -> None:
    """Start and await a virtual machine with the best acceleration that works."""
    *attempts, last = accelerations
    for acceleration in attempts:
        try:
            vm.make_disks(node)
            vm.start(node, acceleration)
            return wait_until_booted(node, seconds=HARDWARE_BOOT_SECONDS)
        except LabError as error:
            progress(f"no luck with hardware virtualisation, emulating instead ({error})")
            end_processes(node.folder)
    vm.make_disks(node)
    vm.start(node, last)
    return wait_until_booted(node, seconds=BOOT_SECONDS["vm"])


def _remove(folder: Path) -> None:
    """End what runs, undo what was mounted and connected, and delete the folder; each step tolerates being done."""
    node = load(folder)
    end_processes(folder)
    container.remove_tree(folder)
    if node is not None and node.kind == "container":
        cgroups.remove(node)
        network.disconnect(node)
    remove_folder(folder)


def _lock_file(name: str) -> Path:
    """The lock of one node's name; it stays when the node goes, so that nobody waits for a deleted file."""
    return state_home() / "locks" / f"{name}.lock"
