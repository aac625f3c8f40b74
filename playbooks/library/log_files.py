"""Closes many log files at once, each by its kind; what the account of a service owns stays its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of
from ansible.module_utils.ownership import change, change_of, observe, shown, without_rights
from ansible.module_utils.secure_paths import directory_at, kernel_text
from ansible.module_utils.secure_walks import files_below
from ansible.module_utils.telling import finish, tell_left_alone
from ansible.module_utils.validated_texts import text_at

DOCUMENTATION = r"""
module: log_files
short_description: Restrict modes and owners of all files below a directory by their kind
description:
  - Takes the permission bits that go beyond a mode. Gives files that people own to an accepted owner and group.
  - Accounts whose shell is not in /etc/shells are those of services, but for nobody; what they own stays theirs.
  - Concerns regular files, follows no symbolic link, and leaves remote file systems alone. No bit is ever added.
  - Files that have further names are left alone in directories where others than root write, with a warning.
  - A file that gets another owner or group loses its set-id bits, and keeps no capabilities.
options:
  path: {description: The directory., type: path, required: true}
  kinds:
    description:
      - Shell pattern to C(mode), C(owners) and C(groups); the first of each list is given, any of them is accepted.
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
    kinds: {"*": {mode: "0640", owners: [root], groups: [root, adm]}}
"""
RETURN = r"""#"""

Attributes = dict[str, Any]

REMOTE = re.compile("nfs4?|cifs|smb3|9p|fuse|fuse[.].*|ceph|glusterfs")
"""Types of file systems of other hosts, and of those that a program of somebody's makes up."""


def diff(current: Attributes, kind: Mapping[str, Any], services: frozenset[str]) -> Attributes:
    """The attributes a file shall have; the same ones if it needs no change."""
    target = {**current, "mode": current["mode"] & int(kind["mode"], 8)}
    if current["owner"] not in services:
        target["owner"] = current["owner"] if current["owner"] in kind["owners"] else kind["owners"][0]
        target["group"] = current["group"] if current["group"] in kind["groups"] else kind["groups"][0]
    return {**without_rights(current, target)}


def kind_of(path: str, patterns: Mapping[str, Any]) -> Any:
    """What holds for a path: that of the longest pattern it matches, or ``None``."""
    name = path.rpartition("/")[2]
    matching = [pattern for pattern in patterns if fnmatchcase(path if "/" in pattern else name, pattern)]
    return patterns[max(matching, key=len)] if matching else None


def service_accounts() -> frozenset[str]:
    """Accounts of this host that nobody can log in to; ``nobody`` is no service, but what is left of many."""
    shells = {line.strip() for line in (text_at("/etc/shells") or "").splitlines() if line.startswith("/")}
    rows = [line.split(":") for line in (text_at("/etc/passwd") or "").splitlines()]
    names = {row[0] for row in rows if len(row) > 6 and row[6] and row[6] not in shells}
    return frozenset(names - {"nobody"})


def remote_mounts(table: str) -> list[str]:
    """Where file systems of other hosts are mounted, from the text of /proc/self/mounts."""
    rows = [line.split(" ") for line in lines_of(table)]
    places = [row[1] for row in rows if REMOTE.fullmatch(row[2])]
    return [re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), place) for place in places]


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
    items = closed(module)
    if module.check_mode:  # whatever this run does, somebody may log it in a new file
        items.append({**change_of(f"{module.params['path']}/*", "", "closed by its kind"), "conditional": True})
    finish(module, items)


def closed(module: AnsibleModule) -> list[dict[str, Any]]:
    """Judge and close, each through one descriptor, the files below the directory; returns the items."""
    top, kinds, services = module.params["path"], module.params["kinds"], service_accounts()
    without = {*module.params["without"], *remote_mounts(kernel_text("/proc/self/mounts"))}

    def leave(error: OSError) -> None:
        tell_left_alone(module, error.filename, error)

    items = []
    with directory_at(top) as directory:
        directory.path = top  # by which the patterns know it, should a link lead there
        for file in files_below(directory, without, leave):
            kind, now = kind_of(file.path, kinds), observe(file)
            target = now if kind is None else diff(now, kind, services)
            if target == now:
                continue
            try:
                file.refuse_other_names()
                if not module.check_mode:
                    change(file, now, target)
                items.append(change_of(file.path, shown(now), shown(target)))
            except OSError as error:
                tell_left_alone(module, file.path, error)
    return items


if __name__ == "__main__":
    main()
