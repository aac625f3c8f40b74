"""Says what a throw-away node is and where its files are, and finds the nodes this user has."""

import json
import re
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from hardener.errors import LabError
from hardener.private import cache_directory, state_directory

Kind = Literal["vm", "container"]
Release = Literal["12", "13"]
KINDS: tuple[str, ...] = get_args(Kind)
RELEASES: tuple[str, ...] = get_args(Release)

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class Node(BaseModel):
    """One throw-away host: how to reach it, and the folder that holds everything it is made of."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Kind
    release: Release
    address: str
    port: int
    folder: Path
    image: Path
    user: str = "admin"
    subnet: int | None = None
    """Which of the lab's subnets a container node occupies; virtual machines have none."""

    @property
    def key_file(self) -> Path:
        """The private key that admin, operator, plain and root accept."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The node's host keys, exact from the start."""
        return self.folder / "known_hosts"

    @property
    def inventory(self) -> Path:
        """An Ansible inventory whose only host is this node."""
        return self.folder / "inventory.yml"

    @property
    def password_file(self) -> Path:
        """The password that root, admin, operator and plain share; readable by its owner only."""
        return self.folder / "password"

    @property
    def log_file(self) -> Path:
        """What the node printed on its console."""
        return self.folder / "serial.log"

    @property
    def state_file(self) -> Path:
        """The description of the node, written before anything of the node is started."""
        return self.folder / "node.json"

    @property
    def ready_file(self) -> Path:
        """Exists once the node has been ready; without it, whoever was making the node was killed."""
        return self.folder / "ready"

    @property
    def root(self) -> Path:
        """Where a container's file tree is mounted."""
        return self.folder / "root"


def state_home() -> Path:
    """The lab's folder under the user's state home."""
    return state_directory() / "lab"


def cache_home() -> Path:
    """The lab's folder under the user's cache home."""
    return cache_directory() / "lab"


def nodes_folder() -> Path:
    """The folder with one folder per node."""
    return state_home() / "nodes"


def default_name(kind: str, release: str) -> str:
    """The name of a node nobody named, such as ``vm12``."""
    return f"{kind}{release}"


def checked_kind(kind: str) -> Kind:
    """``kind`` if the lab has it; raises LabError otherwise."""
    if kind not in KINDS:
        raise LabError(f"lab: no kind of node is called {kind!r}; there are {', '.join(KINDS)}")
    return kind  # type: ignore[return-value]


def checked_release(release: str) -> Release:
    """``release`` if the lab can build it; raises LabError otherwise."""
    if release not in RELEASES:
        raise LabError(f"lab: cannot build Debian {release!r}; there are {', '.join(RELEASES)}")
    return release  # type: ignore[return-value]


def checked_name(name: str) -> str:
    """``name`` if it can be a host name and a folder; raises LabError otherwise."""
    if not _NAME.fullmatch(name):
        raise LabError(f"lab: {name!r} is no node name (lower-case letters, digits and -, at most 31)")
    return name


def get(name: str) -> Node:
    """The node called ``name``, running or not; raises LabError if there is none."""
    node = load(nodes_folder() / checked_name(name))
    if node is None:
        raise LabError(f"lab: there is no node called {name} (hardener lab up makes one)")
    return node


def load(folder: Path) -> Node | None:
    """The node whose folder this is, or None where no complete description was written."""
    try:
        return Node.model_validate_json((folder / "node.json").read_bytes())
    except (OSError, ValidationError):
        return None


def save(node: Node) -> None:
    """Write the node's description, whole or not at all."""
    node.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = node.state_file.with_suffix(".draft")
    draft.write_text(json.dumps(node.model_dump(mode="json"), indent=1) + "\n")
    draft.rename(node.state_file)


def folders() -> list[Path]:
    """Every node folder, including those an interrupted ``up`` left incomplete."""
    if not nodes_folder().is_dir():
        return []
    return sorted(path for path in nodes_folder().iterdir() if path.is_dir())


def known_nodes() -> list[Node]:
    """Every node that has a description, by name."""
    return [node for node in map(load, folders()) if node is not None]
