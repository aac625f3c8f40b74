"""Packages: which are installed, and how to bring back what went without asking a mirror."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import PurePath

from hardener.checkpoint.lossless import bytes_of
from hardener.checkpoint.secure_copies import attributes_of
from hardener.checkpoint.secure_files import Directory
from hardener.checkpoint.secure_paths import exists, item_at, located, make_directory, read, remove_tree, write
from hardener.checkpoint.system import Failed, has, output

SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config", "templates", "triggers", "shlibs", "symbols")
MERGED = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")
"""Directories to packages, links into /usr on the target."""
DPKG_SECONDS = 600


def capture() -> dict[str, str]:
    """Package (``name:architecture``) → version, for what is fully installed; empty where there is no dpkg."""
    if not has("dpkg-query"):
        return {}
    shown = "${Status}\t${Package}:${Architecture}\t${Version}\n"
    rows = [line.split("\t") for line in output(["dpkg-query", "--show", f"--showformat={shown}"]).splitlines()]
    return {name: version for status, name, version in rows if status.split()[1:] == ["ok", "installed"]}


def keep(removed: Sequence[str], replaced: Sequence[str], folder: PurePath) -> list[str]:
    """Build packages again from what is installed, for those that are about to go or to be replaced; their names.

    What apt would remove with them is kept as well, where it can say so: on a host whose packages lack some they depend
    on it cannot, and will hardly remove anything either.
    """
    installed = {name.partition(":")[0] for name in capture()}
    going = {name for name in (*removed, *replaced) if name in installed}
    if not going:
        return []
    make_directory(str(folder))
    # Side by side, for the target's own programs do the work, each on one processor.
    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as beside:
        leaving = beside.submit(_leaving_with, sorted(going.intersection(removed)))
        builds = [beside.submit(_build, name, folder) for name in sorted(going)]
        with_them = leaving.result() - going
        builds += [beside.submit(_build, name, folder) for name in sorted(with_them)]
        for build in builds:
            build.result()
    return sorted(going | with_them)


def _leaving_with(names: Sequence[str]) -> set[str]:
    """What apt would remove with some packages."""
    if not names:
        return set()
    try:
        said = output(["apt-get", "--simulate", "--quiet=2", "remove", "--", *names])
    except Failed:
        return set()
    return set(re.findall(r"^Remv (\S+)", said, re.MULTILINE))


def _build(name: str, folder: PurePath) -> None:
    """One package from its installed files and dpkg's record of it: what ``dpkg --install`` needs and no more."""
    described = output(["dpkg-query", "--status", name])
    tree = folder / f"{name}.tree"
    make_directory(str(tree), mode=0o755)
    try:
        for path in output(["dpkg-query", "--listfiles", name]).splitlines():
            if path.startswith("/") and path != "/.":
                with suppress(FileNotFoundError):
                    _copy(path, tree)
        control = tree / "DEBIAN"
        make_directory(str(control), mode=0o755)
        write(str(control / "control"), bytes_of(control_of(described)), mode=0o644)
        conffiles = [path for path in conffiles_of(described) if exists(f"{tree}{path}")]
        write(str(control / "conffiles"), "".join(f"{path}\n" for path in conffiles).encode(), mode=0o644)
        for script in output(["dpkg-query", "--control-path", name]).splitlines():
            if (kind := script.rpartition(".")[2]) in SCRIPTS:
                write(str(control / kind), read(script) or b"", mode=0o755)
        output(
            ["dpkg-deb", "--build", "--nocheck", "-Zgzip", "-z1", str(tree), str(folder / f"{name}.deb")],
            seconds=DPKG_SECONDS,
        )
    finally:
        remove_tree(str(tree))


def _copy(path: str, tree: PurePath) -> None:
    """A file, link or directory with its owner and mode; set-id bits where only root could have put the file."""
    with item_at(path, follow=path in MERGED) as item, located(f"{tree}{path}", make=True) as (directory, name):
        attributes = attributes_of(item, with_rights=item.is_private)
        if isinstance(item, Directory):
            if not directory.has(name):
                directory.make_directory(name, attributes)
        elif item.kind == "file":
            directory.replace(name, item.chunks(), attributes, item.status.st_mtime_ns)
        elif item.kind == "link":
            directory.replace_link(name, item.target())


def control_of(described: str) -> str:
    """The control file of a package, from its stanza in dpkg's list: without what only the list says."""
    fields = re.split(r"\n(?=\S)", described.strip("\n"))
    kept = [field for field in fields if not re.match(r"(Status|Conffiles|Config-Version):", field)]
    return "\n".join(kept) + "\n"


def conffiles_of(described: str) -> list[str]:
    """Its configuration files; those of former versions are no longer its own."""
    match = re.search(r"^Conffiles:\n((?: .*\n?)+)", described, re.MULTILINE)
    rows = [line.split() for line in match[1].splitlines()] if match else []
    return [row[0] for row in rows if len(row) == 2]


def restore(wanted: Mapping[str, str | None], kept: PurePath) -> list[str]:
    """Remove what came and bring back what went, from the kept packages alone; returns what could not be done.

    ``wanted``: ``name:architecture`` → version, ``None`` where it shall not be there.
    """
    problems: list[str] = []
    extra = [name for name, version in wanted.items() if version is None]
    if extra:
        problems += _dpkg("--purge", "--force-remove-reinstreq", "--force-confdef", *extra)
    missing = [name for name, version in wanted.items() if version is not None]
    files = {name: kept / f"{name.partition(':')[0]}.deb" for name in missing}
    there = [str(file) for file in files.values() if exists(str(file))]
    problems += [f"{name}: the package was not kept" for name, file in files.items() if str(file) not in there]
    if there:
        problems += _dpkg("--install", "--force-confold", "--force-confdef", "--force-downgrade", *there)
    return problems


def finish() -> list[str]:
    """Bring an interrupted dpkg to an end, whatever it was doing."""
    return _dpkg("--configure", "--pending", "--force-confdef", "--force-confold") if has("dpkg") else []


def _dpkg(*words: str) -> list[str]:
    try:
        # Its lock is held by whoever restores: see ``package_manager``.
        output(["dpkg", *words], seconds=DPKG_SECONDS, environment={"DPKG_FRONTEND_LOCKED": "1"})
    except Failed as error:
        return [str(error)]
    return []
