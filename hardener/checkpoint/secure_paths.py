"""What is done to files by their whole paths, each path gone down once by descriptors: see ``secure_files``."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO

from .lossless import bytes_of, text_of
from .secure_files import PIN, TRUSTED, Attributes, Directory, Item, Unsafe

KERNEL = ("/proc/", "/sys/")
MOST_LINKS = 40
"""As many links in a row as the kernel follows."""
RUN = "/run"
"""Where private directories are made: in memory, and gone with the next boot whatever happens."""


@contextmanager
def located(path: str, root: str = "/", *, follow: bool = False, make: bool = False) -> Iterator[tuple[Directory, str]]:
    """The open directory that a path below ``root`` is in, and its name there; nobody else can swap the way to it.

    Links on the way are followed where root has put them, and with ``follow`` the last one as well; any other raises
    ``Unsafe``. ``make``: directories that are missing on the way are made, for all to enter.
    """
    with ExitStack() as stack:
        here = Directory(os.open(root, PIN | os.O_DIRECTORY), "", is_private=True)
        way, followed = [stack.enter_context(here)], 0
        names = _reversed(path)
        if not names:
            raise Unsafe(path, "not the name of something in a directory")
        while True:
            name = names.pop()
            if name == "..":
                way = way[:-1] or way
            elif (names or follow) and (target := _link(way[-1], name)) is not None:
                followed += 1
                if followed > MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                way = way[:1] if target.startswith("/") else way
                names += _reversed(target)
            elif names:
                if make and not way[-1].has(name):
                    with suppress(FileExistsError):
                        way[-1].make_directory(name, Attributes(os.geteuid(), os.getegid(), 0o755))
                way.append(stack.enter_context(way[-1].directory(name)))
            else:
                yield way[-1], name
                return


def _reversed(path: str) -> list[str]:
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]


def _link(directory: Directory, name: str) -> str | None:
    """Where a link leads that root has put where nobody else could; ``None`` for what is no link."""
    try:
        with directory.item(name) as item:
            if item.kind != "link":
                return None
            if not directory.is_private or item.status.st_uid not in TRUSTED:
                raise Unsafe(item.path, "a link that is not root's own")
            return item.target()
    except FileNotFoundError:
        return None


@contextmanager
def item_at(path: str, *, follow: bool = False) -> Iterator[Item]:
    """What a path means now, held open; ``FileNotFoundError`` where it means nothing. ``follow``: see ``located``."""
    with located(path, follow=follow) as (directory, name), directory.item(name) as item:
        yield item


@contextmanager
def directory_at(path: str, *, make: bool = False) -> Iterator[Directory]:
    """The directory of a path, links of root's followed. ``make``: what is missing of it and above it is made."""
    with located(path, follow=True, make=make) as (parent, name):
        if make and not parent.has(name):
            with suppress(FileExistsError):
                parent.make_directory(name, Attributes(os.geteuid(), os.getegid(), 0o755))
        with parent.directory(name) as directory:
            yield directory


def resolved(path: str) -> str:
    """The path without links that a path leads to, whether there is anything or not."""
    with located(path, follow=True) as (directory, name):
        return f"{directory.path}/{name}"


def exists(path: str) -> bool:
    """Whether a path means anything, a link that leads nowhere included."""
    try:
        with item_at(path):
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False


def read(path: str, *, follow: bool = True) -> bytes | None:
    """The content of a regular file; ``None`` where there is nothing, ``Unsafe`` where there is something else."""
    try:
        with item_at(path, follow=follow) as item:
            return item.read()
    except FileNotFoundError:
        return None


def kernel_text(path: str) -> str:
    """What the kernel says in a file of its own, below /proc or /sys."""
    with open(_kernels(path, os.O_RDONLY), "rb") as file:
        return text_of(file.read())


def kernel_names(top: str) -> list[str]:
    """What is in a directory of the kernel's."""
    if not f"{top}/".startswith(KERNEL):
        raise Unsafe(top, "no directory of the kernel's")
    return os.listdir(top)


def kernel_status(path: str) -> os.stat_result:
    """Of what the kernel keeps under a name of its own: of the file that a process has open."""
    descriptor = _kernels(path, os.O_PATH)
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def kernel_settings(top: str) -> Iterator[str]:
    """The paths of all files below a directory of the kernel's that can be written."""
    if not f"{top}/".startswith(KERNEL):
        raise Unsafe(top, "no directory of the kernel's")
    for folder, _, names in os.walk(top):
        yield from (path for name in names if os.stat(path := f"{folder}/{name}").st_mode & stat.S_IWUSR)


def set_kernel_text(path: str, text: str) -> None:
    """Tell the kernel something, in one go, through a file of its own."""
    with open(_kernels(path, os.O_WRONLY), "wb", buffering=0) as file:
        file.write(bytes_of(text))


def _kernels(path: str, flags: int) -> int:
    if not path.startswith(KERNEL) or ".." in path.split("/"):
        raise Unsafe(path, "no file of the kernel's")
    return os.open(path, flags | os.O_NOCTTY | os.O_CLOEXEC)


def write(path: str, data: bytes, mode: int = 0o600) -> None:
    """Put a file of root's into place, whole or not at all, and have it on the disk before returning."""
    with writing(path, mode) as file:
        file.write(data)


@contextmanager
def writing(path: str, mode: int = 0o600) -> Iterator[BinaryIO]:
    """The same for who writes it bit by bit: it has its name once the block has come to its end."""
    with located(path) as (directory, name):
        if not directory.is_private:
            raise Unsafe(path, "not written to a directory of somebody else")
        with directory.writing(name, Attributes(os.geteuid(), os.getegid(), mode)) as file:
            yield file


def lock_file(path: str) -> int:
    """A descriptor of a file of root's that can be locked, made where it is missing; the caller closes it."""
    with located(path) as (directory, name):
        if not directory.is_private:
            raise Unsafe(path, "no lock in a directory of somebody else")
        return os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory.descriptor)


def make_directory(path: str, mode: int = 0o700) -> None:
    """Make a directory of root's alone and those above it; one that is there has to be root's alone."""
    with located(path, make=True) as (parent, name):
        with suppress(FileExistsError):
            parent.make_directory(name, Attributes(os.geteuid(), os.getegid(), mode))
        with parent.directory(name) as made:
            if not made.is_private:
                raise Unsafe(path, "a directory that others can change")


@contextmanager
def private_directory(parent: str | None = None) -> Iterator[str]:
    """A new directory that root alone can enter, below ``RUN`` or another where root alone can write; gone afterwards.

    Where programs that take paths find what nobody may swap, and where copies are made before others may see them.
    """
    path = f"{parent or RUN}/hardener-{secrets.token_hex(8)}"
    make_directory(path)
    try:
        yield path
    finally:
        remove_tree(path)


def make_link(path: str, target: str) -> None:
    """Make a link; ``FileExistsError`` where the name is taken. It either appears whole or not at all."""
    with located(path) as (directory, name):
        os.symlink(target, name, dir_fd=directory.descriptor)


def link_target(path: str) -> str | None:
    """Where a link leads; ``None`` where there is none."""
    try:
        with item_at(path) as item:
            return item.target() if item.kind == "link" else None
    except FileNotFoundError:
        return None


def remove(path: str) -> None:
    """Take a file, a link or an empty directory away; nothing happens where there is none."""
    with suppress(FileNotFoundError), located(path) as (directory, name):
        directory.remove(name)


def remove_tree(path: str) -> None:
    """Take a directory away with all that is in it, on its file system alone; nothing happens where there is none."""
    with suppress(FileNotFoundError), located(path) as (parent, name):
        with parent.directory(name) as directory:
            remove_what_is_in(directory)
        parent.remove(name)


def remove_what_is_in(directory: Directory) -> None:
    """Empty a directory, on its file system alone."""
    for name in directory.names():
        with suppress(FileNotFoundError):
            with directory.item(name) as item:
                # Of directories alone: an overlay shows files by the devices they are kept on.
                if item.kind == "directory" and item.status.st_dev != directory.status.st_dev:
                    raise Unsafe(item.path, "another file system")
                if isinstance(item, Directory):
                    remove_what_is_in(item)
            directory.remove(name)
