"""Takes surplus permission bits from many files at once and gives the files to root; never adds a bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.ownership import change, change_of, observe, shown, without_rights
from ansible.module_utils.secure_paths import item_at
from ansible.module_utils.secure_walks import matching
from ansible.module_utils.telling import fail, finish, tell_left_alone

DOCUMENTATION = r"""
module: file_modes
short_description: Restrict the modes and owners of many files at once
description:
  - Takes the permission bits that go beyond a mode, and sets owner and group where they are not accepted ones.
  - Concerns regular files; a pattern that ends with a slash concerns directories. No bit is ever added.
  - A symbolic link is followed where root has put it. One of somebody else's, and a file in somebody else's directory
    that has further names, are left alone, with a warning.
  - A file that gets another owner or group loses its set-id bits, and keeps no capabilities.
options:
  patterns: {description: Shell pattern to the greatest mode, a quoted octal number., type: dict, required: true}
  owner: {description: Name of the owner., type: str, default: root}
  groups: {description: Accepted groups; a file of another gets the first., type: list, elements: str, default: [root]}
  shared:
    description: Pattern to the C(mode) that a file of one of certain further C(groups) may have; it stays theirs.
    type: dict
    default: {}
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
    current: dict[str, Attributes],
    wanted: dict[str, int],
    owner: str = "root",
    groups: Sequence[str] = ("root",),
    shared: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Attributes]:
    """Path → the attributes it shall have, for the paths that need a change.

    ``wanted``: path → greatest mode, an int. ``shared``: path → ``groups`` whose file it may be, with which ``mode``.
    """
    changes = {}
    for path, limit in wanted.items():
        now = current[path]
        further = shared.get(path, {"groups": (), "mode": limit})
        group = now["group"] if now["group"] in {*groups, *further["groups"]} else groups[0]
        most = further["mode"] if group in further["groups"] else limit
        target = {"mode": now["mode"] & most, "owner": owner, "group": group}
        if not path.endswith("/"):
            target = without_rights(now, target)
        if target != now:
            changes[path] = target
    return changes


def named_by(patterns: dict[str, int]) -> dict[str, int]:
    """Path → greatest mode of everything the patterns name; the stricter mode where several do."""
    wanted: dict[str, int] = {}
    for pattern, mode in patterns.items():
        for path in matching(pattern):
            wanted[path] = wanted.get(path, 0o7777) & mode
    return wanted


def octal(mode: object) -> int:
    """A quoted octal mode as a number; ``TypeError`` for an unquoted one, which YAML has read as another number."""
    if not isinstance(mode, str):
        raise TypeError(f"quote the mode: {mode!r}")
    return int(mode, 8)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "patterns": {"type": "dict", "required": True},
            "owner": {"type": "str", "default": "root"},
            "groups": {"type": "list", "elements": "str", "default": ["root"]},
            "shared": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    try:
        patterns = {pattern: octal(mode) for pattern, mode in module.params["patterns"].items()}
        shared = {
            path: {"groups": item["groups"], "mode": octal(item["mode"])}
            for pattern, item in module.params["shared"].items()
            for path in matching(pattern)
        }
    except (TypeError, ValueError) as error:
        fail(module, f"file_modes: {error}")
    finish(module, restricted(module, patterns, shared))


def restricted(module: AnsibleModule, patterns: dict[str, int], shared: dict[str, Any]) -> list[dict[str, Any]]:
    """Judge and restrict, each through one descriptor, what the patterns name; returns the items."""
    owner, groups = module.params["owner"], module.params["groups"]
    items, found = [], set()
    for path, limit in named_by(patterns).items():
        try:
            with item_at(path, follow=True) as held:
                if held.kind != ("directory" if path.endswith("/") else "file"):
                    continue
                found.add(path)
                now = observe(held)
                target = diff({path: now}, {path: limit}, owner, groups, shared).get(path, now)
                if target != now:
                    held.refuse_other_names()
                    if not module.check_mode:
                        change(held, now, target)
                    items.append(change_of(path, shown(now), shown(target)))
        except FileNotFoundError:  # gone meanwhile
            continue
        except OSError as error:
            tell_left_alone(module, path, error)
    if module.check_mode:  # what the rest of a run brings may have to be restricted as soon as it is there
        most = {pattern: {"mode": mode, "owner": owner, "group": groups[0]} for pattern, mode in patterns.items()}
        absent = [pattern for pattern in patterns if not found.intersection(matching(pattern))]
        items += [{**change_of(pattern, "", shown(most[pattern])), "conditional": True} for pattern in absent]
    return items


if __name__ == "__main__":
    main()
