"""Tells where auditd writes and for whom, and whether there is room left."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import escaped_line
from ansible.module_utils.secure_paths import directory_at
from ansible.module_utils.telling import fail, finish
from ansible.module_utils.validated_texts import text_at

DOCUMENTATION = r"""
module: audit_log_info
short_description: Where auditd writes and for whom, and whether there is room left
description:
  - Returns the C(file) auditd writes, its C(directory), and the C(group) to which it gives the file; what auditd does
    by default where it is not configured yet.
  - Returns whether the disk is C(nearly_full), so that auditd might soon do what it does with its last reserve.
author: The hardener project
"""
EXAMPLES = r"""- audit_log_info:"""
RETURN = r"""#"""

CONFIGURATION = "/etc/audit/auditd.conf"


def setting(configuration: str, name: str, default: str) -> str:
    """The value of a setting in the text of auditd.conf: the last one counts, and names may be in any case."""
    values = re.findall(rf"^[ \t]*{name}[ \t]+=[ \t]+(\S+)", configuration, re.MULTILINE | re.IGNORECASE)
    return str(values[-1]) if values else default


def is_nearly_full(reserve: str, free: int, size: int) -> bool:
    """Whether less than twice the reserve is left: ``reserve`` in megabytes or per cent, the others in megabytes."""
    megabytes = size * int(reserve[:-1]) / 100 if reserve.endswith("%") else int(reserve)
    return free < 2 * megabytes


def observe(text: str) -> dict[str, Any]:
    """What is returned, from the text of auditd.conf; ``OSError``, or ``ValueError`` where a setting is nonsense."""
    file = setting(text, "log_file", "/var/log/audit/audit.log")
    if escaped_line(file) != file:
        raise ValueError(f"log_file is a name that no answer can carry: {file}")
    directory, is_full = os.path.dirname(file), False
    with suppress(FileNotFoundError), directory_at(directory) as folder:
        disk = os.fstatvfs(folder.descriptor)
        free, size = (blocks * disk.f_frsize // 2**20 for blocks in (disk.f_bavail, disk.f_blocks))
        is_full = is_nearly_full(setting(text, "admin_space_left", "50"), free, size)
    group = setting(text, "log_group", "root")
    return {"file": file, "directory": directory, "group": group, "nearly_full": is_full}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule({}, supports_check_mode=True)
    try:
        answer = observe(text_at(CONFIGURATION) or "")
    except (OSError, ValueError) as error:
        fail(module, f"{CONFIGURATION}: {error}")
    finish(module, [], **answer)


if __name__ == "__main__":
    main()
