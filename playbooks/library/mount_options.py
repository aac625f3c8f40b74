"""Makes file systems mounted as they should be: in fstab or in their mount unit, and live."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of, words_of
from ansible.module_utils.moved_mounts import move_into
from ansible.module_utils.telling import finish, output_of
from ansible.module_utils.validated_texts import put, text_to_edit

DOCUMENTATION = r"""
module: mount_options
short_description: Add mount options and mount missing file systems
description: Adds options in fstab or in a mount unit of its own, and entries for missing file systems in memory.
options:
  options: {description: Mount point to its options; true for one it has to have., type: dict, default: {}}
  file_systems: {description: Mount point to source, fstype and options of a tmpfs., type: dict, default: {}}
author: The hardener project
"""
EXAMPLES = r"""- mount_options: {options: {/home: {nodev: true}}}"""
RETURN = r"""#"""

FSTAB = "/etc/fstab"
ENTRY = re.compile(r"^([ \t]*[^#\s]\S*[ \t]+(?P<path>\S+)[ \t]+\S+[ \t]+)(?P<options>\S+)", re.MULTILINE | re.ASCII)
FLAGS = {"ro", "rw", "nosuid", "nodev", "noexec", "sync", "noatime", "nodiratime", "relatime", "nosymfollow"}


def added(options: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Mount options with the wanted ones added, and their opposites (``dev`` for ``nodev``) taken out."""
    missing = [option for option in wanted if option not in list(options)]
    opposites = {option.removeprefix("no") for option in wanted if option.startswith("no")}
    return [option for option in options if option not in opposites] + missing


def diff(fstab: str, wanted: Mapping[str, list[str]], entries: Mapping[str, Mapping[str, str]]) -> str:
    """The text of fstab with the wanted options and entries; every other character stays."""
    text = ENTRY.sub(
        lambda found: found[1] + ",".join(added(found["options"].split(","), wanted.get(found["path"], []))), fstab
    )
    known = mount_points(fstab)
    for path in [path for path in entries if path not in known]:
        options = ",".join(added(entries[path]["options"].split(","), wanted.get(path, [])))
        text += "\n" if text and not text.endswith("\n") else ""
        text += f"{entries[path]['source']} {path} {entries[path]['fstype']} {options} 0 0\n"
    return text


def mount_points(fstab: str) -> set[str]:
    """The mount points that fstab has entries for."""
    return {found["path"] for found in ENTRY.finditer(fstab)}


def entry_changes(before: str, after: str) -> list[tuple[str, str, str, str]]:
    """The entries that ``diff`` changed: fstab, mount point, line before (empty where there was none) and after."""
    texts = ([line.removesuffix("\n") for line in lines_of(text)] for text in (before, after))
    return [(FSTAB, words_of(new)[1], old, new) for old, new in zip_longest(*texts, fillvalue="") if old != new]


def drop_in(unit: str, wanted: list[str]) -> str:
    """The drop-in that gives a mount unit the wanted options on top of its own."""
    own = re.findall(r"^Options=([^\r\n]*)", unit, re.MULTILINE)
    return "[Mount]\nOptions=" + ",".join(added(own[-1].split(",") if own else [], wanted)) + "\n"


class Host:
    """What is mounted, and how to change it."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        listing = self.run("findmnt", "--json", "--list", "--output", "TARGET,FSTYPE,OPTIONS")
        self.mounted = {row["target"]: row for row in json.loads(listing)["filesystems"]}

    def run(self, *words: str) -> str:
        """Output of a command that must succeed."""
        return str(output_of(self.module, *words))

    def unit_file(self, path: str) -> tuple[str, str]:
        """Name and text of the mount unit of a path, the text empty unless the unit is a file of its own."""
        name = self.run("systemd-escape", "--path", "--suffix=mount", path).strip()
        fragment = self.run("systemctl", "show", "--property=FragmentPath", "--value", name).strip()
        return name, text_to_edit(self.module, fragment) or "" if fragment and not fragment.startswith("/run/") else ""


def main() -> None:
    """Ansible's entry point."""
    mapping = {"type": "dict", "default": {}}
    module = AnsibleModule({"options": mapping, "file_systems": mapping}, supports_check_mode=True)
    host = Host(module)
    wanted = {path: [name for name, is_on in item.items() if is_on] for path, item in module.params["options"].items()}
    files, entries, fstab = {}, dict(module.params["file_systems"]), text_to_edit(module, FSTAB) or ""
    for path, names in wanted.items():
        unit, text = host.unit_file(path)
        if text and path not in mount_points(fstab):
            file = f"/etc/systemd/system/{unit}.d/hardener.conf"
            own = text_to_edit(module, file) or ""
            files[file] = (own, drop_in(text + own, names))
        elif (live := host.mounted.get(path, {})).get("fstype") == "tmpfs":
            entries.setdefault(path, {"source": "tmpfs", "fstype": "tmpfs", "options": ",".join(flags(live))})
    files[FSTAB] = (fstab, diff(fstab, wanted, entries))
    changed = {file: texts for file, texts in files.items() if texts[0] != texts[1]}
    absent = [path for path in entries if path not in host.mounted]
    lacking = remounts(host.mounted, wanted)
    if not module.check_mode:
        for path in absent:  # first, so that nothing has changed yet where one cannot be
            move_into(module, path, entries[path])
        write(host, changed)
        for path, options in lacking.items():
            host.run("mount", "--options", f"remount,{options}", path)
    rows = [("mount", path, "", ",".join(flags(host.mounted[path])), options) for path, options in lacking.items()]
    rows += [("mount", path, "", "not mounted", entries[path]["options"]) for path in absent]
    rows += [("setting", *entry) for entry in entry_changes(*changed.pop(FSTAB, ("", "")))]
    rows += [("file", file, "", *texts) for file, texts in changed.items()]
    fields = ("kind", "subject", "key", "before", "after")
    finish(module, [dict(zip(fields, row, strict=True)) for row in rows])


def flags(mount: Mapping[str, Any]) -> list[str]:
    """The options of a live mount that a remount has to repeat, or it would drop them."""
    return [option for option in mount["options"].split(",") if option in FLAGS]


def remounts(mounted: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, list[str]]) -> dict[str, str]:
    """Mount point → the options that give it those it lacks."""
    live = {path: flags(mounted[path]) for path in wanted if path in mounted}
    return {path: ",".join(added(now, wanted[path])) for path, now in live.items() if set(wanted[path]) - set(now)}


def write(host: Host, files: Mapping[str, tuple[str, str]]) -> None:
    """Put the new files into place, and let systemd know them."""
    for file, (_, text) in files.items():
        put(host.module, file, text)
    if files:
        host.run("systemctl", "daemon-reload")


if __name__ == "__main__":
    main()
