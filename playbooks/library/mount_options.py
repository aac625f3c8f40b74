"""Makes file systems mounted as they should be: in fstab or in their mount unit, and live."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: mount_options
short_description: Add mount options and mount missing file systems
description:
  - Adds options to the entry in fstab, or to a mount unit that is a file of its own, and remounts.
  - Adds an entry for a file system that has none and that needs no device, and mounts it. Never touches another entry.
options:
  options: {description: Mount point to its options; true for one it has to have., type: dict, default: {}}
  file_systems: {description: Mount point to source, fstype and options of a tmpfs., type: dict, default: {}}
author: The hardener project
"""
EXAMPLES = r"""
- name: Mount /home without devices
  mount_options:
    options: {/home: {nodev: true}}
"""
RETURN = r"""#"""

FSTAB = Path("/etc/fstab")
UNITS = Path("/etc/systemd/system")
FLAGS = {"ro", "rw", "nosuid", "nodev", "noexec", "sync", "noatime", "nodiratime", "relatime", "nosymfollow"}


def added(options: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Mount options with the wanted ones added, and their opposites (``dev`` for ``nodev``) taken out."""
    missing = [option for option in wanted if option not in list(options)]
    opposites = {option.removeprefix("no") for option in wanted if option.startswith("no")}
    return [option for option in options if option not in opposites] + missing


def diff(fstab: str, wanted: Mapping[str, list[str]], entries: Mapping[str, Mapping[str, str]]) -> str:
    """The text of fstab with the wanted options and entries; every other character stays."""
    lines = fstab.splitlines(keepends=True)
    known = set()
    for index, line in enumerate(lines):
        fields = line.split()
        if len(fields) < 4 or fields[0].startswith("#"):
            continue
        known.add(fields[1])
        if fields[1] in wanted:
            options = ",".join(added(fields[3].split(","), wanted[fields[1]]))
            lines[index] = re.sub(r"^(\s*\S+\s+\S+\s+\S+\s+)\S+", lambda match: match[1] + options, line)  # noqa: B023
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    for path, entry in entries.items():
        if path not in known:
            options = ",".join(added(entry["options"].split(","), wanted.get(path, [])))
            lines.append(f"{entry['source']} {path} {entry['fstype']} {options} 0 0\n")
    return "".join(lines)


def drop_in(unit: str, wanted: list[str]) -> str:
    """The drop-in that gives a mount unit the wanted options on top of its own."""
    own = re.findall(r"^Options=(.*)$", unit, re.MULTILINE)
    return "[Mount]\nOptions=" + ",".join(added(own[-1].split(",") if own else [], wanted)) + "\n"


class Host:
    """What is mounted, and how to change it."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        listing = json.loads(self.run("findmnt", "--json", "--list", "--output", "TARGET,FSTYPE,OPTIONS"))
        self.mounted = {row["target"]: row for row in listing["filesystems"]}

    def run(self, *words: str) -> str:
        """Output of a command that must succeed."""
        status, output, error = self.module.run_command(list(words))
        if status != 0:
            self.module.fail_json(msg=f"{' '.join(words)}: {(error or output).strip()}")
        return str(output)

    def unit_file(self, path: str) -> tuple[str, str]:
        """Name and text of the mount unit of a path, the text empty unless the unit is a file of its own."""
        name = self.run("systemd-escape", "--path", "--suffix=mount", path).strip()
        fragment = self.run("systemctl", "show", "--property=FragmentPath", "--value", name).strip()
        is_own = fragment and not fragment.startswith("/run/")
        return name, Path(fragment).read_text() if is_own else ""


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={"options": {"type": "dict", "default": {}}, "file_systems": {"type": "dict", "default": {}}},
        supports_check_mode=True,
    )
    host = Host(module)
    wanted = {path: [name for name, is_on in item.items() if is_on] for path, item in module.params["options"].items()}
    files, entries, in_fstab = {}, dict(module.params["file_systems"]), {}
    fstab = FSTAB.read_text()
    for path, options in wanted.items():
        unit, text = host.unit_file(path)
        if text and not re.search(rf"^[^#\s]\S*\s+{re.escape(path)}\s", fstab, re.MULTILINE):
            file = UNITS / f"{unit}.d" / "hardener.conf"
            files[file] = (file.read_text() if file.exists() else "", drop_in(text, options))
            continue
        in_fstab[path] = options
        if (live := host.mounted.get(path, {})).get("fstype") == "tmpfs":
            entries.setdefault(path, {"source": "tmpfs", "fstype": "tmpfs", "options": ",".join(flags(live))})
    files[FSTAB] = (fstab, diff(fstab, in_fstab, entries))
    changed = {file: texts for file, texts in files.items() if texts[0] != texts[1]}
    absent = [path for path in entries if path not in host.mounted]
    live = remounts(host.mounted, wanted)
    if not module.check_mode:
        write(host, changed)
        for path in absent:
            mount(host, path, entries[path])
        for words in live:
            host.run(*words)
    before, after = ("".join(f"{file}:\n{texts[side]}" for file, texts in changed.items()) for side in (0, 1))
    after += "".join(f"{' '.join(words)}\n" for words in [*(["mount", path] for path in absent), *live])
    states = {"before": before, "after": after, "before_header": "mounts", "after_header": "mounts"}
    module.exit_json(changed=bool(changed or absent or live), diff=states)


def flags(mount: Mapping[str, Any]) -> list[str]:
    """The options of a live mount that a remount has to repeat, or it would drop them."""
    return [option for option in mount["options"].split(",") if option in FLAGS]


def remounts(mounted: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, list[str]]) -> list[list[str]]:
    """The commands that give what is mounted the options it lacks."""
    commands = []
    for path, options in wanted.items():
        live = flags(mounted[path]) if path in mounted else options
        if set(options) - set(live):
            commands.append(["mount", "--options", ",".join(["remount", *added(live, options)]), path])
    return commands


def mount(host: Host, path: str, entry: Mapping[str, str]) -> None:
    """Mount over a directory in use: what is in it comes along, Ansible's own files in /tmp among it."""
    staging = tempfile.mkdtemp(dir="/run")
    host.run("mount", "--types", entry["fstype"], "--options", entry["options"], entry["source"], staging)
    host.run("cp", "--archive", f"{path}/.", staging)
    host.run("mount", "--bind", staging, path)
    host.run("umount", staging)
    os.rmdir(staging)


def write(host: Host, files: Mapping[Path, tuple[str, str]]) -> None:
    """Put the new files into place, and let systemd know them."""
    for file, (_, text) in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(host.module.tmpdir) / "hardener-mounts"
        temporary.write_text(text)
        host.module.atomic_move(str(temporary), str(file))
        os.chmod(file, 0o644)
    if files:
        host.run("systemctl", "daemon-reload")


if __name__ == "__main__":
    main()
