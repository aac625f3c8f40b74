"""Makes or completes the list of those who may give a scheduler work, and shuts nobody out of jobs that exist."""

from __future__ import annotations

import glob
import grp
import os
import pwd
import tempfile
from collections.abc import Sequence

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: allowed_users
short_description: Make or complete a list of users, such as /etc/cron.allow
description:
  - A list that does not exist is made, of the users and of those who have jobs now and are not denied.
  - A list that exists gains the users and nobody else. Nobody is ever taken from it, and no job is touched.
options:
  path: {description: The list; a name a line., type: path, required: true}
  users: {description: Names that have to be on it., type: list, elements: str, required: true}
  jobs: {description: The directory with the jobs; each belongs to its user., type: path, required: true}
  denied: {description: A list of users who were shut out before., type: path, required: true}
  group: {description: Group of a list that is made; the scheduler has to be in it., type: str, default: root}
  mode: {description: Mode of a list that is made., type: str, default: "0640"}
author: The hardener project
"""
EXAMPLES = r"""
- name: Say who may have crontabs
  allowed_users:
    path: /etc/cron.allow
    users: [root]
    jobs: /var/spool/cron/crontabs
    denied: /etc/cron.deny
    group: crontab
"""
RETURN = r"""#"""


def diff(current: str | None, wanted: Sequence[str], owners: Sequence[str], denied: Sequence[str]) -> str:
    """The text of the list with the ``wanted`` users on it; ``current``: ``None`` where there is no list yet."""
    if current is None:
        also = sorted(name for name in set(owners) if name not in {*wanted, *denied, "root"})
        return "".join(f"{name}\n" for name in [*wanted, *also])
    listed = current.split()
    text = current if not current or current.endswith("\n") else f"{current}\n"
    missing = [name for name in wanted if name not in listed]
    return text + "".join(f"{name}\n" for name in missing) if missing else current


def read(path: str) -> str | None:
    """The text of a file, or ``None`` where there is none."""
    if not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def owners_of(directory: str) -> list[str]:
    """The users who own jobs; a job whose user is gone is nobody's."""
    numbers = {os.stat(path).st_uid for path in glob.glob(os.path.join(directory, "*")) if os.path.isfile(path)}
    names = {entry.pw_uid: entry.pw_name for entry in pwd.getpwall()}
    return [names[number] for number in numbers if number in names]


def put(module: AnsibleModule, text: str) -> None:
    """Move the new list into place; one that existed keeps its owner and mode."""
    path = module.params["path"]
    is_new = not os.path.exists(path)
    descriptor, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    module.atomic_move(temporary, path)
    if is_new:
        os.chmod(path, int(module.params["mode"], 8))
        os.chown(path, 0, grp.getgrnam(module.params["group"]).gr_gid)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "users": {"type": "list", "elements": "str", "required": True},
            "jobs": {"type": "path", "required": True},
            "denied": {"type": "path", "required": True},
            "group": {"type": "str", "default": "root"},
            "mode": {"type": "str", "default": "0640"},
        },
        supports_check_mode=True,
    )
    chosen = module.params
    current, denied = read(chosen["path"]), (read(chosen["denied"]) or "").split()
    text = diff(current, chosen["users"], owners_of(chosen["jobs"]), denied)
    if text != current and not module.check_mode:
        put(module, text)
    item = {"kind": "file", "subject": chosen["path"], "before": current or "", "after": text}
    module.exit_json(changed=text != current, diff=[item] if text != current else [])


if __name__ == "__main__":
    main()
