"""Packages: which are installed, and how to bring back what went without asking a mirror."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from hardener.checkpoint.system import Failed, has, output

DATABASE = Path("/var/lib/dpkg/info")
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


def keep(removed: Sequence[str], replaced: Sequence[str], folder: Path) -> list[str]:
    """Build packages again from what is installed, for those that are about to go or to be replaced; their names.

    What apt would remove with them is kept as well, where it can say so: on a host whose packages lack some they depend
    on it cannot, and will hardly remove anything either.
    """
    installed = {name.partition(":")[0] for name in capture()}
    going = {name for name in (*removed, *replaced) if name in installed}
    if leaving := [name for name in removed if name in installed]:
        with suppress(Failed):
            said = output(["apt-get", "--simulate", "--quiet=2", "remove", "--", *leaving])
            going.update(re.findall(r"^Remv (\S+)", said, re.MULTILINE))
    if going:
        folder.mkdir(mode=0o700, exist_ok=True)
    for name in sorted(going):
        _build(name, folder)
    return sorted(going)


def _build(name: str, folder: Path) -> None:
    """One package from its installed files and dpkg's record of it: what ``dpkg --install`` needs and no more."""
    described = output(["dpkg-query", "--status", name])
    with tempfile.TemporaryDirectory(dir=str(folder)) as work:
        tree = Path(work)
        for path in output(["dpkg-query", "--listfiles", name]).splitlines():
            if path.startswith("/") and path != "/." and os.path.lexists(path):
                _copy(path, tree)
        control = tree / "DEBIAN"
        control.mkdir(mode=0o755)
        (control / "control").write_text(control_of(described), "utf-8")
        conffiles = [path for path in conffiles_of(described) if (tree / path.lstrip("/")).exists()]
        (control / "conffiles").write_text("".join(f"{path}\n" for path in conffiles), "utf-8")
        for kind in SCRIPTS:
            for script in (DATABASE / f"{name}.{kind}", *DATABASE.glob(f"{name}:*.{kind}")):
                if script.exists():
                    shutil.copy2(str(script), str(control / kind))
        output(
            ["dpkg-deb", "--build", "--nocheck", "-Zgzip", "-z1", work, str(folder / f"{name}.deb")],
            seconds=DPKG_SECONDS,
        )


def _copy(path: str, tree: Path) -> None:
    """A file, link or directory with its owner and mode."""
    copy = tree / path.lstrip("/")
    status = os.lstat(path)
    if os.path.isdir(path) and (path in MERGED or not os.path.islink(path)):
        copy.mkdir(parents=True, exist_ok=True)
        status = os.stat(path)
    else:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, str(copy), follow_symlinks=False)
    os.chown(str(copy), status.st_uid, status.st_gid, follow_symlinks=False)
    if not copy.is_symlink():
        copy.chmod(status.st_mode & 0o7777)


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


def restore(wanted: Mapping[str, str | None], kept: Path) -> list[str]:
    """Remove what came and bring back what went, from the kept packages alone; returns what could not be done.

    ``wanted``: ``name:architecture`` → version, ``None`` where it shall not be there.
    """
    problems: list[str] = []
    extra = [name for name, version in wanted.items() if version is None]
    if extra:
        problems += _dpkg("--purge", "--force-remove-reinstreq", "--force-confdef", *extra)
    missing = [name for name, version in wanted.items() if version is not None]
    files = {name: kept / f"{name.partition(':')[0]}.deb" for name in missing}
    problems += [f"{name}: the package was not kept" for name, file in files.items() if not file.exists()]
    there = [str(file) for file in files.values() if file.exists()]
    if there:
        problems += _dpkg("--install", "--force-confold", "--force-confdef", "--force-downgrade", *there)
    return problems


def finish() -> list[str]:
    """Bring an interrupted dpkg to an end, whatever it was doing."""
    return _dpkg("--configure", "--pending", "--force-confdef", "--force-confold") if has("dpkg") else []


def _dpkg(*words: str) -> list[str]:
    try:
        output(["dpkg", *words], seconds=DPKG_SECONDS)
    except Failed as error:
        return [str(error)]
    return []
