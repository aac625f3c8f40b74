"""Makes GRUB's menu anew, and says how much of it has changed."""

from __future__ import annotations

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of
from ansible.module_utils.telling import finish, leaving_alone, output_of
from ansible.module_utils.validated_texts import text_at

DOCUMENTATION = r"""
module: grub_menu
short_description: Make GRUB's menu anew
description:
  - Runs update-grub and counts the lines that changed. Nothing of the menu is shown, for it may hold a hash.
  - A menu that is made keeps to root. Check mode makes none.
options:
  path: {description: The menu., type: path, default: /boot/grub/grub.cfg}
author: The hardener project
"""
EXAMPLES = r"""
- name: Make the menu anew
  grub_menu:
    path: /boot/grub/grub.cfg
"""
RETURN = r"""#"""


def diff(current: str, wanted: str) -> tuple[int, int]:
    """How many lines the new menu lost and won; the lines stay secret."""
    before, after = set(lines_of(current)), set(lines_of(wanted))
    return len(before - after), len(after - before)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "default": "/boot/grub/grub.cfg"}}, supports_check_mode=True
    )
    path = module.params["path"]
    item = {"kind": "action", "subject": path, "before": "", "after": "made anew"}
    if module.check_mode:
        finish(module, [item])
    with leaving_alone(module, path):
        before = text_at(path) or ""
    os.umask(0o077)
    output_of(module, "update-grub")
    lost, won = diff(before, text_at(path) or "")
    finish(module, [item], msg=f"{lost} lines lost, {won} won")


if __name__ == "__main__":
    main()
