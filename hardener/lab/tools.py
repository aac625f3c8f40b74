"""Runs the lab's outside tools, and says which of them are missing."""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hardener.errors import LabError
from hardener.private import PUBLIC

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_COMMON = {
    "mmdebstrap": "mmdebstrap",
    "apt-config": "apt",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
_BY_KIND: Mapping[str, Mapping[str, str]] = {
    "vm": {
        "qemu-system-x86_64": "qemu-system-x86",
        "qemu-img": "qemu-utils",
        "mke2fs": "e2fsprogs",
        "grub-mkrescue": "grub-common",
        "xorriso": "xorriso",
        "mformat": "mtools",
    },
    "container": {
        "systemd-nspawn": "systemd-container",
        "ip": "iproute2",
        "nft": "nftables",
        "mount": "mount",
        "sysctl": "procps",
    },
}
_CONFINED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
_OCTAL = re.compile(r"\\([0-7]{3})")
_GRUB_BIOS_MODULES = Path("/usr/lib/grub/i386-pc")


def missing_tools(kind: str) -> list[str]:
    """The Debian packages a node of this kind still needs on this machine, sorted."""
    wanted = {**_COMMON, **_BY_KIND[kind]}
    missing = {package for tool, package in wanted.items() if which(tool) is None}
    if kind == "vm" and not _GRUB_BIOS_MODULES.is_dir():
        missing.add("grub-pc-bin")
    return sorted(missing)


def require_tools(kind: str) -> None:
    """Raise LabError in one line naming what this machine lacks for a node of this kind."""
    packages = missing_tools(kind)
    if packages:
        raise LabError(f"lab: a {kind} node needs {', '.join(packages)} (apt-get install {' '.join(packages)})")
    if os.geteuid() != 0:
        raise LabError("lab: making nodes needs root (file ownership in images, network namespaces)")


def which(tool: str) -> str | None:
    """The path of a tool, looked for where administrators' tools are even if PATH lacks those folders."""
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


def run_tool(argv: Sequence[str]) -> str:
    """Run a tool to its end and return its stdout; raises LabError with its last line if it fails."""
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            env=_environment(),
            check=False,
            stdin=subprocess.DEVNULL,
            umask=PUBLIC,  # what it makes is a node's, or this machine's
        )
    except OSError as error:
        raise LabError(f"lab: cannot run {argv[0]}: {error.strerror}") from error
    _check(argv[0], done.returncode, done.stderr or done.stdout)
    return done.stdout


def run_confined(argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> None:
    """Run a tool that mounts things and starts processes, its output in ``log``; raises LabError if it fails.

    Its mounts are invisible outside, and however this process ends, everything the tool started ends too.
    """
    with log.open("wb") as sink:
        done = subprocess.run(
            [*_CONFINED, *argv],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=_environment() | dict(env),
            check=False,
            umask=PUBLIC,
        )
    _check(argv[0], done.returncode, log.read_text(errors="replace"))


def remove_folder(folder: Path) -> None:
    """Delete a folder and everything in it, if it exists.

    Raises LabError if that cannot be done, or if something is mounted in it: deleting would go on in there.
    """
    inside = [place for place in _mount_points() if place == folder or folder in place.parents]
    if inside:
        raise LabError(f"lab: {folder} is not removed, because {inside[0]} is mounted")
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LabError(f"lab: cannot remove {folder}: {error}") from error


def _mount_points() -> list[Path]:
    """Where something is mounted."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    # mountinfo writes blanks and backslashes as three octal digits
    return [Path(_OCTAL.sub(lambda code: chr(int(code[1], 8)), line.split()[4])) for line in lines]


def _environment() -> dict[str, str]:
    """The environment of this process with a search path that has administrators' tools on it."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"}


def _check(tool: str, status: int, output: str) -> None:
    """Raise LabError with the last line of its output for a tool that failed."""
    if status != 0:
        raise LabError(f"lab: {Path(tool).name} failed: {last_line(output) or f'status {status}'}")


def tolerate(argv: Sequence[str]) -> None:
    """Run a tool whose failure means the thing was already gone."""
    try:
        run_tool(argv)
    except LabError:
        return


def last_line(text: str) -> str:
    """The last line that says something, without control characters."""
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return "".join(char for char in lines[-1] if char.isprintable()) if lines else ""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, waiting for whoever holds it."""
    with _opened_lock(path) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold an exclusive lock on a file if nobody else does; yields whether it is held."""
    with _opened_lock(path) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def _opened_lock(path: Path) -> Iterator[int]:
    """A lock file's descriptor, which no child process inherits; closing it releases the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
