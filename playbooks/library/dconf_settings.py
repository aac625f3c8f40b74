"""Sets and locks settings of a system database of dconf, and compiles it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import BLANKS, lines_of
from ansible.module_utils.secure_paths import item_at
from ansible.module_utils.secure_walks import matching
from ansible.module_utils.telling import finish, leaving_alone, output_of
from ansible.module_utils.validated_texts import put, text_to_edit

DOCUMENTATION = r"""
module: dconf_settings
short_description: Set and lock settings of a system database of dconf
description:
  - Keeps the settings in files of its own, which are read last, and changes there only the keys it is given.
  - Lets the profile read the database, after the user's own one. Compiles the databases where something changed.
options:
  profile: {description: Name of the profile that has to read the database., type: str, required: true}
  database: {description: Name of the system database., type: str, required: true}
  settings: {description: Path of a key to its value; numbers become unsigned ones., type: dict, default: {}}
  locks: {description: Paths of keys that users cannot change., type: list, elements: str, default: []}
author: The hardener project
"""
EXAMPLES = r"""
- name: Have idle sessions locked after a quarter of an hour
  dconf_settings: {profile: user, database: local, settings: {/org/gnome/desktop/session/idle-delay: 900}}
"""
RETURN = r"""#"""

FOLDER = "/etc/dconf"
PROFILE = "user-db:user\n"
HEADER = "# Managed by hardener: only the keys it set.\n"
NAME = "zz-hardener"


def diff(current: Mapping[str, str], chosen: Mapping[str, Any], packaged_profile: str = PROFILE) -> dict[str, str]:
    """Path → new text of the files that need one. ``current``: path → text of those that exist."""
    database, name = f"{FOLDER}/db/{chosen['database']}.d", f"{FOLDER}/profile/{chosen['profile']}"
    keys, locks = f"{database}/{NAME}", f"{database}/locks/{NAME}"
    wanted = {name: with_database(current.get(name, packaged_profile), chosen["database"])}
    if chosen["settings"]:
        wanted[keys] = with_settings(current.get(keys, ""), chosen["settings"])
    if chosen["locks"]:
        wanted[locks] = with_locks(current.get(locks, ""), chosen["locks"])
    return {path: text for path, text in wanted.items() if current.get(path) != text}


def with_database(profile: str, database: str) -> str:
    """A profile that reads the system database; the first line, the user's own database, stays first."""
    first, *others = lines_of(profile or PROFILE)
    line = f"system-db:{database}"
    if line in [item.strip(BLANKS) for item in (first, *others)]:
        return profile
    return "".join([first.removesuffix("\n") + "\n", f"{line}\n", *others])


def with_settings(text: str, settings: Mapping[str, Any]) -> str:
    """A key file with the settings in it."""
    sections: dict[str, dict[str, str]] = {}
    section = ""
    for line in lines_of(text):
        if match := re.fullmatch(r"\[(.+)\]", line.strip(BLANKS)):
            section = match[1]
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.removesuffix("\n").partition("=")
            sections.setdefault(section, {})[key] = value
    for path, value in settings.items():
        directory, _, key = path.strip("/").rpartition("/")
        sections.setdefault(directory, {})[key] = variant(value)
    return HEADER + "".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in sorted(keys.items()))
        for name, keys in sorted(sections.items())
    )


def with_locks(text: str, locks: Sequence[str]) -> str:
    """A list of locks with the given ones on it."""
    known = {line.strip(BLANKS) for line in lines_of(text) if line.startswith("/")}
    return HEADER + "".join(f"{path}\n" for path in sorted(known | set(locks)))


def variant(value: object) -> str:
    """A value as GVariant text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"uint32 {value}"
    return "'" + str(value).strip().replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def is_stale(database: str) -> bool:
    """Whether the compiled database is missing, or older than what it is made of."""
    sources = [f"{database}.d", f"{database}.d/locks", *matching(f"{database}.d/*")]
    times = [changed for path in sources if (changed := changed_at(path)) is not None]
    compiled = changed_at(database)
    return compiled is None or compiled < max(times, default=0)


def changed_at(path: str) -> float | None:
    """When what a path means last changed, ``None`` where it means nothing."""
    with suppress(FileNotFoundError), item_at(path, follow=True) as item:
        return float(item.status.st_mtime)
    return None


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "profile": {"type": "str", "required": True},
            "database": {"type": "str", "required": True},
            "settings": {"type": "dict", "default": {}},
            "locks": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    chosen = module.params
    database, profile = f"{FOLDER}/db/{chosen['database']}", f"{FOLDER}/profile/{chosen['profile']}"
    packaged = text_to_edit(module, f"/usr/share/dconf/profile/{chosen['profile']}") or PROFILE
    texts = {
        path: text_to_edit(module, path) for path in (profile, f"{database}.d/{NAME}", f"{database}.d/locks/{NAME}")
    }
    current = {path: text for path, text in texts.items() if text is not None}
    changes = diff(current, chosen, packaged)
    with leaving_alone(module, database):
        changed = bool(changes) or is_stale(database)
    if changed and not module.check_mode:
        for path, text in changes.items():
            put(module, path, text, anew=True)  # users have to be able to read it
        output_of(module, "dconf", "update")
    items = [("file", path, current.get(path, ""), text) for path, text in changes.items()]
    items += [("action", database, "", "compiled anew")] if changed else []
    names = ("kind", "subject", "before", "after")
    finish(module, [dict(zip(names, item, strict=True)) for item in items])


if __name__ == "__main__":
    main()
