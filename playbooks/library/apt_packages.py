"""Installs and removes packages with apt-get, and tells every package that came, went or changed."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.secure_paths import directory_at, make_directory, private_directory
from ansible.module_utils.telling import fail, finish, output_of

DOCUMENTATION = r"""
module: apt_packages
short_description: Install and remove Debian packages, and tell all that come and go with them
description:
  - Installs what is missing or too old and nothing else, without recommended packages; removes what is installed.
  - Lists that are older than a day are fetched anew. Check mode fetches them into a folder of its own, so that it knows
    the same packages and changes nothing. Needs apt-get and dpkg only.
options:
  present: {description: Names of packages to install., type: list, elements: str, default: []}
  oldest: {description: Name of a package to the oldest version that will do., type: dict, default: {}}
  absent: {description: Names of packages to remove; their configuration stays., type: list, elements: str, default: []}
author: The hardener project
"""
EXAMPLES = r"""- apt_packages: {present: [sudo], absent: [telnet]}"""
RETURN = r"""#"""

APT = "/var/lib/apt"
DAY = 86_400
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical", "LC_ALL": "C", "LANGUAGE": "C"}
STEP = re.compile(r"^(Inst|Remv|Purg) (\S+)(?: \[([^\]]*)\])?(?: \((\S+))?", re.MULTILINE)
UNWRITTEN = [f"-oDir::{name}" for name in ("Cache::pkgcache=", "Cache::srcpkgcache=", "Log::Planner=/dev/null")]
"""Options that keep apt-get from leaving anything behind when it only simulates."""
Versions = Mapping[str, str]
"""Package → version; a package of a foreign architecture has that in its name."""


def diff(current: Versions, wanted: Versions) -> list[dict[str, str]]:
    """An item for each package whose version differs between two states of the host."""
    sides = {name: [side.get(name, "absent") for side in (current, wanted)] for name in sorted({*current, *wanted})}
    return [
        {"kind": "package", "subject": name, "before": before, "after": after}
        for name, (before, after) in sides.items()
        if before != after
    ]


def simulated(current: Versions, output: str) -> dict[str, str]:
    """The versions after what ``apt-get --simulate`` says it would do."""
    after = dict(current)
    for action, name, _, version in STEP.findall(output):
        if action == "Inst":
            after[name] = version
        else:
            after.pop(name, None)
    return after


def parsed(listing: str, native: str) -> dict[str, str]:
    """The versions of what is installed, from rows of status, name, architecture and version."""
    rows = [row.split() for row in listing.splitlines()]
    return {
        name if architecture in {native, "all"} else f"{name}:{architecture}": version
        for status, name, architecture, version in (row for row in rows if len(row) == 4)
        if status == "installed"
    }


class Host:
    """The packages of this host, seen and changed through Debian's own tools."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.options = ["-o", "DPkg::Lock::Timeout=120"]
        self.folders = ExitStack()
        """What goes with the module."""

    def run(self, *words: str) -> str:
        """Output of a command that must succeed."""
        return str(output_of(self.module, *words, environment=QUIET))

    def installed(self) -> dict[str, str]:
        """What is installed now."""
        row = "${db:Status-Status} ${Package} ${Architecture} ${Version}\n"
        native = self.run("dpkg", "--print-architecture").strip()
        return parsed(self.run("dpkg-query", "--show", "--showformat", row), native)

    def is_older(self, version: str, than: str) -> bool:
        """Whether a version comes before another."""
        return bool(self.module.run_command(["dpkg", "--compare-versions", version, "lt", than])[0] == 0)

    def apt_get(self, *words: str) -> str:
        """Output of apt-get; it keeps the configuration files people have changed."""
        kept = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
        return self.run("apt-get", "--quiet", "--yes", "--no-install-recommends", *self.options, *kept, *words)

    def refresh(self) -> None:
        """Fetch lists that are too old; in check mode into a folder that goes with the module."""
        with suppress(FileNotFoundError), directory_at(f"{APT}/lists") as lists:
            known = any("_Packages" in name for name in lists.names())
            if known and time.time() - lists.status.st_mtime < DAY:
                return
        if self.module.check_mode:
            folder = self.folders.enter_context(private_directory(APT))  # on a disk: lists may be larger than /run
            make_directory(f"{folder}/partial")
            self.options += ["-o", f"Dir::State::lists={folder}", "-o", "APT::Sandbox::User=root"]
        self.apt_get("update")


def main() -> None:
    """Ansible's entry point."""
    names = {"type": "list", "elements": "str", "default": []}
    specs = {"present": names, "absent": names, "oldest": {"type": "dict", "default": {}}}
    module = AnsibleModule(argument_spec=specs, supports_check_mode=True)
    host = Host(module)
    with host.folders:
        finish(module, brought(module, host))


def brought(module: AnsibleModule, host: Host) -> list[dict[str, str]]:
    """Install and remove, or simulate it, and tell what differs."""
    chosen = module.params
    before = after = host.installed()
    oldest = {name: str(version) for name, version in chosen["oldest"].items()}
    coming = [name for name in chosen["present"] if name not in before]
    coming += [name for name, than in oldest.items() if name not in before or host.is_older(before[name], than)]
    going = [name for name in chosen["absent"] if name in before]
    if module.check_mode:
        host.options += UNWRITTEN
    if coming:
        host.refresh()
    for action, packages in (("install", coming), ("remove", going)):
        if packages and module.check_mode:
            after = simulated(after, host.apt_get("--simulate", action, *packages))
        elif packages:
            host.apt_get(action, *packages)
            after = host.installed()
    for name, than in oldest.items():
        if name not in after or host.is_older(after[name], than):
            fail(module, f"{name}: there is no version {than} or later, only {after.get(name, 'none')}")
    return diff(before, after)


if __name__ == "__main__":
    main()
