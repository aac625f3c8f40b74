"""Closes many log files at once, each by its kind; what the account of a service owns stays its own."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: log_files
short_description: Restrict modes and owners of all files below a directory by their kind
description:
  - Takes the permission bits that go beyond a mode. Gives files that people own to an accepted owner and group.
  - Accounts whose shell is not in /etc/shells are those of services, but for nobody; what they own stays theirs.
  - Concerns regular files, follows no symbolic link, and leaves remote file systems alone. No bit is ever added.
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

REMOTE = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"}


def diff(current: Attributes, kind: Mapping[str, Any], services: frozenset[str]) -> Attributes:
    """The attributes a file shall have; the same ones if it needs no change."""
    target = {**current, "mode": current["mode"] & int(kind["mode"], 8)}
    if current["owner"] not in services:
        target["owner"] = current["owner"] if current["owner"] in kind["owners"] else kind["owners"][0]
        target["group"] = current["group"] if current["group"] in kind["groups"] else kind["groups"][0]
    return target


def kind_of(path: str, patterns: Mapping[str, Any]) -> Any:
    """What holds for a path: that of the longest pattern it matches, or ``None``."""
    name = os.path.basename(path)
    matching = [pattern for pattern in patterns if fnmatchcase(path if "/" in pattern else name, pattern)]
    return patterns[max(matching, key=len)] if matching else None


def service_accounts() -> frozenset[str]:
    """Accounts of this host that nobody can log in to; ``nobody`` is no service, but what is left of many."""
    with open("/etc/shells", encoding="utf-8") as file:
        shells = {line.strip() for line in file if line.startswith("/")}
    with open("/etc/passwd", encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.rstrip("\n").split(":") for line in file]
    names = {row[0] for row in rows if len(row) > 6 and row[6] and row[6] not in shells}
    return frozenset(names - {"nobody"})


def remote_mounts() -> list[str]:
    """Where file systems of other hosts are mounted."""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.split() for line in file]
    return [row[1] for row in rows if row[2] in REMOTE]


def opened(top: str, without: list[str]) -> Iterator[tuple[str, int]]:
    """Path and descriptor of every regular file; each is open while it is looked at, so that it cannot be swapped."""
    for folder, folders, names, handle in os.fwalk(top):
        folders[:] = sorted(name for name in folders if os.path.join(folder, name) not in without)
        for name in sorted(names):
            try:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=handle)
            except OSError:  # a symbolic link, a socket, or gone
                continue
            try:
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    yield os.path.join(folder, name), descriptor
            finally:
                os.close(descriptor)


def observe(descriptor: int) -> Attributes:
    """``mode`` (an int), ``owner`` and ``group`` of an open file; numbers where there is no name."""
    status = os.fstat(descriptor)
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return {"mode": stat.S_IMODE(status.st_mode), "owner": owner, "group": group}


def change(descriptor: int, now: Attributes, target: Attributes) -> None:
    """Give an open file what it shall have; a change of owner clears set-id bits, so the mode comes last."""
    if target["owner"] != now["owner"]:
        os.fchown(descriptor, pwd.getpwnam(target["owner"]).pw_uid, -1)
    if target["group"] != now["group"]:
        os.fchown(descriptor, -1, grp.getgrnam(target["group"]).gr_gid)
    os.fchmod(descriptor, target["mode"])


def shown(item: Attributes) -> str:
    """Attributes as people write them: ``0644 root root``."""
    return f"{item['mode']:04o} {item['owner']} {item['group']}"


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
    kinds, services = module.params["kinds"], service_accounts()
    items: list[Attributes] = []
    for path, descriptor in opened(module.params["path"], [*module.params["without"], *remote_mounts()]):
        kind, now = kind_of(path, kinds), observe(descriptor)
        target = now if kind is None else diff(now, kind, services)
        if target != now:
            items.append({"kind": "attributes", "subject": path, "before": shown(now), "after": shown(target)})
            if not module.check_mode:
                change(descriptor, now, target)
    if module.check_mode:  # whatever this run does, somebody may log it in a new file
        new = {"kind": "attributes", "subject": os.path.join(module.params["path"], "*"), "conditional": True}
        items.append({**new, "before": "", "after": "closed by its kind"})
    module.exit_json(changed=bool(items), diff=items)


if __name__ == "__main__":
    main()
