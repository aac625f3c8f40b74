"""Where the roles and playbooks are: beside the package in a checkout, inside it in an install."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def content_directory() -> Path:
    """The directory that holds ``roles/`` and ``playbooks/``."""
    installed = _PACKAGE / "_content"
    return installed if installed.is_dir() else _PACKAGE.parent


def roles_directory() -> Path:
    """The Ansible roles path."""
    return content_directory() / "roles"


def playbooks_directory() -> Path:
    """The directory of our playbooks, with ``library/`` below it."""
    return content_directory() / "playbooks"
