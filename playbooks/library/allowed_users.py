"""Makes or completes the list of those who may give a scheduler work, and shuts nobody out of jobs that exist."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Collection, Sequence
from contextlib import suppress

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of
from ansible.module_utils.secure_paths import directory_at
from ansible.module_utils.telling import finish, leaving_alone
from ansible.module_utils.validated_texts import owned, put, text_to_edit

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


def diff(current: str | None, wanted: Sequence[str], owners: Sequence[str], denied: Collection[str]) -> str:
    """The text of the list with the ``wanted`` users on it; ``current``: ``None`` where there is no list yet."""
    if current is None:
        also = sorted(name for name in set(owners) if name not in {*wanted, *denied, "root"})
        return "".join(f"{name}\n" for name in [*wanted, *also])
    listed = names_in(current)
    text = current if not current or current.endswith("\n") else f"{current}\n"
    missing = [name for name in wanted if name not in listed]
    return text + "".join(f"{name}\n" for name in missing) if missing else current


def names_in(text: str | None) -> set[str]:
    """The names on a list: whole lines, as the schedulers compare them."""
    return {line.removesuffix("\n") for line in lines_of(text or "")}


def owners_of(directory: str) -> list[str]:
    """The users who own jobs; a job whose user is gone is nobody's."""
    numbers = []
    with suppress(FileNotFoundError), directory_at(directory) as jobs:
        for name in jobs.names():
            with suppress(FileNotFoundError), jobs.item(name) as job:  # a job that is done is gone
                if job.kind == "file" and not name.startswith("."):
                    numbers.append(job.status.st_uid)
    names = {entry.pw_uid: entry.pw_name for entry in pwd.getpwall()}
    return [names[number] for number in dict.fromkeys(numbers) if number in names]


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
    current, denied = text_to_edit(module, chosen["path"]), names_in(text_to_edit(module, chosen["denied"]))
    with leaving_alone(module, chosen["jobs"]):
        owners = owners_of(chosen["jobs"])
    text = diff(current, chosen["users"], owners, denied)
    if text != current and not module.check_mode:
        group = grp.getgrnam(chosen["group"]).gr_gid
        put(module, chosen["path"], text, made=owned(chosen["mode"], group))
    item = {"kind": "file", "subject": chosen["path"], "before": current or "", "after": text}
    finish(module, [item] if text != current else [])


if __name__ == "__main__":
    main()
