"""What decides, beside an inventory itself, what Ansible does: where all of it lies, and that nobody else wrote it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hardener.errors import InventoryError
from hardener.ownership import refuse_foreign

BESIDE = ("group_vars", "host_vars")
"""What Ansible reads beside an inventory."""


def configuration_files() -> Sequence[Path]:
    """The files of which Ansible takes the first that is there, here or in the folder that its playbook runs in."""
    named = os.environ.get("ANSIBLE_CONFIG")
    folders = [Path.cwd(), Path("/etc/ansible")]
    files = [folder / "ansible.cfg" for folder in folders] + [Path.home() / ".ansible.cfg"]
    if named:
        path = Path(named).expanduser()
        files.append(path / "ansible.cfg" if path.is_dir() else path)
    return [file for file in files if os.path.lexists(file)]


def refuse_foreign_sources(inventories: Sequence[str], extra_vars: Sequence[str]) -> None:
    """Raise ``InventoryError`` where others could have written an inventory, what is beside it, or an ``@file``."""
    sources = [Path(source) for source in inventories if "," not in source or Path(source).exists()]
    refuse_foreign(*sources, *_beside(sources), *_files_of(extra_vars), error=InventoryError)


def _beside(sources: Sequence[Path]) -> Iterator[Path]:
    """What is read beside each, also where a link leads to: audits and Ansible's own program name it differently."""
    for source in sources:
        for path in dict.fromkeys((source, source.resolve())):
            folder = path if path.is_dir() else path.parent
            yield from (folder / name for name in BESIDE)


def _files_of(extra_vars: Sequence[str]) -> Iterator[Path]:
    yield from (Path(said[1:]).expanduser() for said in extra_vars if said.startswith("@"))
