"""Turns a file tree into a virtual machine's disks: one per file system, and one that starts its boot loader."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from hardener.lab.recipe import RECIPE_FOLDER, Recipe
from hardener.lab.tools import run_tool

FILE_SYSTEMS: Mapping[str, tuple[str, int]] = {
    "var-log-audit": ("var/log/audit", 256),
    "var-log": ("var/log", 512),
    "var-tmp": ("var/tmp", 256),
    "var": ("var", 3072),
    "home": ("home", 256),
    "root": ("", 4096),
}
"""A virtual machine's file systems by label: folder, and size in MiB; inner folders come before outer ones."""


def make_disks(recipe: Recipe, tree: Path, result: Path) -> None:
    """Write one raw disk per file system of ``tree`` into ``result``, and ``boot.iso``; the tree is used up."""
    for label, (folder, size) in FILE_SYSTEMS.items():
        source = tree / folder
        identity = "random" if folder else recipe.root_uuid
        run_tool(mke2fs_argv(label, source, result / f"{label}.raw", size, identity))
        if folder:
            _empty(source)
    # Its boot loader only passes on to the configuration that the node itself keeps on its root file system.
    iso = result.parent / "iso"
    (iso / "boot/grub").mkdir(parents=True)
    shutil.copy(RECIPE_FOLDER / "boot.cfg", iso / "boot/grub/grub.cfg")
    run_tool(["grub-mkrescue", "--directory=/usr/lib/grub/i386-pc", f"--output={result / 'boot.iso'}", str(iso)])


def mke2fs_argv(label: str, source: Path, disk: Path, size: int, identity: str) -> list[str]:
    """The command that makes an ext4 file system of ``size`` MiB from a folder's content."""
    return ["mke2fs", "-q", "-F", "-t", "ext4", "-L", label, "-U", identity, "-d", str(source), str(disk), f"{size}M"]


def _empty(folder: Path) -> None:
    """Remove what is in a folder that has become a mount point; the folder keeps its mode and owner."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
