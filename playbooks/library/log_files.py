"""Closes many log files at once, each by its kind; who owns them is not its business, and who writes them goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of
from ansible.module_utils.open_files import OpenFiles
from ansible.module_utils.ownership import change, change_of, observe, shown
from ansible.module_utils.permissions import REMOTE, Permissions, closed, cut_off, kind_of
from ansible.module_utils.secure_files import Item, Unsafe
from ansible.module_utils.secure_paths import directory_at, kernel_text
from ansible.module_utils.secure_walks import files_below
from ansible.module_utils.telling import finish, tell_left_alone

DOCUMENTATION = r"""
module: log_files
short_description: Restrict the modes of all files below a directory by their kind
description:
  - Takes the permission bits that go beyond a mode. No bit is ever added, and no owner or group is changed.
  - What a group may read and write stays where it is none of the kind's own.
  - A file that a running process could not open any more as it has it open is left alone, with a warning.
  - Concerns regular files, follows no symbolic link, and leaves remote file systems alone.
  - Files that have further names are left alone in directories where others than root write, with a warning.
options:
  path: {description: The directory., type: path, required: true}
  kinds:
    description:
      - Shell pattern to the greatest C(mode), and the C(groups) of which it is known that they need no more.
      - A pattern with a slash is about the path, others about the name. The longest that matches counts.
    type: dict
    required: true
  without: {description: Directories that are left alone., type: list, elements: str, default: []}
author: The hardener project
"""

EXAMPLES = r"""
- name: Close the logs
  log_files:
    path: /var/log
    kinds: {"*": {mode: "0640", groups: [root, adm]}}
"""
RETURN = r"""#"""

Attributes = dict[str, Any]


def diff(current: Attributes, kind: Mapping[str, Any]) -> Attributes:
    """The attributes a file shall have; the same ones if it needs no change."""
    is_known_group = current["group"] in kind["groups"]
    return {**current, "mode": closed(current["mode"], int(kind["mode"], 8), is_known_group=is_known_group)}


def remote_mounts(table: str) -> list[str]:
    """Where file systems of other hosts are mounted, from the text of /proc/self/mounts."""
    rows = [line.split(" ") for line in lines_of(table)]
    places = [row[1] for row in rows if re.fullmatch(REMOTE, row[2])]
    return [re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), place) for place in places]


def refuse_cutting_off(file: Item, now: Attributes, target: Attributes, running: OpenFiles) -> None:
    """Raise ``Unsafe`` where a process may have the file open in a way in which it could not open it again."""
    permissions = Permissions(now["mode"], file.status.st_uid, file.status.st_gid)
    if lost := cut_off(permissions, target["mode"], running.holders(file.status)):
        users = ", ".join(sorted({f"user {holder.uid}" for holder in lost}))
        raise Unsafe(file.path, f"in use by who would be cut off: {users}")
    if not running.is_complete:
        raise Unsafe(file.path, "perhaps in use: not every process lets root look")


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "kinds": {"type": "dict", "required": True},
            "without": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    items = closed_below(module)
    if module.check_mode:  # whatever this run does, somebody may log it in a new file
        items.append({**change_of(f"{module.params['path']}/*", "", "closed by its kind"), "conditional": True})
    finish(module, items)


def closed_below(module: AnsibleModule) -> list[dict[str, Any]]:
    """Judge and close, each through one descriptor, the files below the directory; returns the items."""
    top, kinds, running = module.params["path"], module.params["kinds"], OpenFiles()
    without = {*module.params["without"], *remote_mounts(kernel_text("/proc/self/mounts"))}

    def leave(error: OSError) -> None:
        tell_left_alone(module, error.filename, error)

    items = []
    with directory_at(top) as directory:
        directory.path = top  # by which the patterns know it, should a link lead there
        for file in files_below(directory, without, leave):
            kind, now = kind_of(file.path, kinds), observe(file)
            target = now if kind is None else diff(now, kinds[kind])
            if target == now:
                continue
            try:
                file.refuse_other_names()
                refuse_cutting_off(file, now, target, running)
                if not module.check_mode:
                    change(file, now, target)
                items.append(change_of(file.path, shown(now), shown(target)))
            except OSError as error:
                tell_left_alone(module, file.path, error)
    return items


if __name__ == "__main__":
    main()
