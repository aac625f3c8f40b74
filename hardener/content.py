"""Where the roles and playbooks are: beside the package in a checkout, inside it in an install."""

from collections.abc import Sequence
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def content_directory() -> Path:
    """The directory that holds ``roles/`` and ``playbooks/``."""
    installed = _PACKAGE / "_content"
    return installed if installed.is_dir() else _PACKAGE.parent


def roles_directory() -> Path:
    """The Ansible roles path."""
    return content_directory() / "roles"


def roles_directories(site: Path | None) -> Sequence[Path]:
    """The Ansible roles path with the roles of a site's directory, where it has any."""
    own = site / "roles" if site else None
    return [roles_directory(), own] if own and own.is_dir() else [roles_directory()]


def playbooks_directory() -> Path:
    """The directory of our playbooks, with ``library/`` below it."""
    return content_directory() / "playbooks"
