"""Takes surplus permission bits from many files at once and gives the files to root; never adds a bit."""

from __future__ import annotations

import glob
import grp
import os
import pwd
import stat
from collections.abc import Callable, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: file_modes
short_description: Restrict the modes and owners of many files at once
description:
  - Takes the permission bits that go beyond a mode, and sets owner and group where they are not accepted ones.
  - Concerns regular files; a pattern that ends with a slash concerns directories. No bit is ever added.
  - A symbolic link is followed if root owns it, and left alone otherwise.
options:
  patterns: {description: Shell pattern to the greatest mode, a quoted octal number., type: dict, required: true}
  owner: {description: Name of the owner., type: str, default: root}
  groups: {description: Accepted groups; a file of another gets the first., type: list, elements: str, default: [root]}
author: The hardener project
"""

EXAMPLES = r"""
- name: Keep the sshd configuration to root
  file_modes:
    patterns:
      /etc/ssh/sshd_config: "0600"
      /etc/ssh/sshd_config.d/*.conf: "0600"
"""

RETURN = r"""#"""

Attributes = dict[str, Any]


def diff(
    current: dict[str, Attributes], wanted: dict[str, int], owner: str = "root", groups: Sequence[str] = ("root",)
) -> dict[str, Attributes]:
    """Path → the attributes it shall have, for the paths that need a change.

    ``wanted``: path → greatest mode, an int.
    """
    changes = {}
    for path, limit in wanted.items():
        now = current[path]
        group = now["group"] if now["group"] in groups else groups[0]
        target = {"mode": now["mode"] & limit, "owner": owner, "group": group}
        if target != now:
            changes[path] = target
    return changes


def named_by(patterns: dict[str, int]) -> dict[str, int]:
    """Path → greatest mode of every file the patterns name; the stricter mode where several do."""
    wanted: dict[str, int] = {}
    for pattern, mode in patterns.items():
        is_right_type = os.path.isdir if pattern.endswith("/") else os.path.isfile
        for path in sorted(glob.glob(pattern)):
            if is_right_type(path) and not _is_foreign_link(path):
                wanted[path] = wanted.get(path, 0o7777) & mode
    return wanted


def _is_foreign_link(path: str) -> bool:
    """Whether the path is a symbolic link that somebody else than root could have planted."""
    status = os.lstat(path.rstrip("/"))
    return stat.S_ISLNK(status.st_mode) and status.st_uid not in {0, os.geteuid()}


def _name(lookup: Callable[[int], Sequence[Any]], number: int) -> str:
    """A user's or group's name, or the number where it has none."""
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def observe(path: str) -> Attributes:
    """``mode`` (an int), ``owner`` and ``group`` of what a path leads to."""
    status = os.stat(path)
    return {
        "mode": stat.S_IMODE(status.st_mode),
        "owner": _name(pwd.getpwuid, status.st_uid),
        "group": _name(grp.getgrgid, status.st_gid),
    }


def change(path: str, now: Attributes, target: Attributes) -> None:
    """Give the file its new owner and mode; a change of owner clears set-id bits, so the mode comes last."""
    if (now["owner"], now["group"]) != (target["owner"], target["group"]):
        os.chown(path, pwd.getpwnam(target["owner"]).pw_uid, grp.getgrnam(target["group"]).gr_gid)
    os.chmod(path, target["mode"])


def octal(mode: object) -> int:
    """A quoted octal mode as a number; ``TypeError`` for an unquoted one, which YAML has read as another number."""
    if not isinstance(mode, str):
        raise TypeError(f"quote the mode: {mode!r}")
    return int(mode, 8)


def shown(item: Attributes) -> str:
    """Attributes as people write them: ``0644 root root``."""
    return f"{item['mode']:04o} {item['owner']} {item['group']}"


def item(subject: str, before: str, after: str) -> dict[str, Any]:
    """What a file had for mode, owner and group, and what it gets."""
    return {"kind": "attributes", "subject": subject, "before": before, "after": after}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "patterns": {"type": "dict", "required": True},
            "owner": {"type": "str", "default": "root"},
            "groups": {"type": "list", "elements": "str", "default": ["root"]},
        },
        supports_check_mode=True,
    )
    try:
        patterns = {pattern: octal(mode) for pattern, mode in module.params["patterns"].items()}
    except (TypeError, ValueError) as error:
        module.fail_json(msg=f"file_modes: {error}")
    wanted, owner, groups = named_by(patterns), module.params["owner"], module.params["groups"]
    current = {path: observe(path) for path in wanted}
    changes = diff(current, wanted, owner, groups)
    items = [item(path, shown(current[path]), shown(target)) for path, target in changes.items()]
    if module.check_mode:  # what the rest of a run brings may have to be restricted as soon as it is there
        most = {pattern: {"mode": mode, "owner": owner, "group": groups[0]} for pattern, mode in patterns.items()}
        absent = [pattern for pattern, mode in patterns.items() if not named_by({pattern: mode})]
        items += [{**item(pattern, "", shown(most[pattern])), "conditional": True} for pattern in absent]
    else:
        for path, target in changes.items():
            change(path, current[path], target)
    module.exit_json(changed=bool(items), diff=items)


if __name__ == "__main__":
    main()
