"""Unloads kernel modules that are loaded and that nothing uses."""

from __future__ import annotations

from collections.abc import Iterable

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.secure_paths import kernel_text
from ansible.module_utils.telling import finish, output_of

DOCUMENTATION = r"""
module: unloaded_modules
short_description: Unload kernel modules nothing uses
description:
  - Unloads the named modules that are loaded and have no user. One in use stays, and stays a finding.
options:
  names: {description: Names of modules., type: list, elements: str, required: true}
author: The hardener project
"""
EXAMPLES = r"""
- name: Unload file systems nobody has mounted
  unloaded_modules:
    names: [cramfs, udf]
"""
RETURN = r"""#"""


def diff(proc_modules: str, wanted: Iterable[str]) -> list[str]:
    """The modules to unload, from the text of /proc/modules: named, loaded, unused, and able to go."""
    names = {name.replace("-", "_") for name in wanted}
    rows = [line.split() for line in proc_modules.splitlines() if "[permanent]" not in line]
    return [row[0] for row in rows if row[0] in names and row[2] == "0"]


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True
    )
    unused = diff(kernel_text("/proc/modules"), module.params["names"])
    if unused and not module.check_mode:
        # rmmod and not modprobe: modprobe obeys the very lines that block these modules.
        output_of(module, "rmmod", *unused)
    items = [{"kind": "module", "subject": name, "before": "loaded", "after": "not loaded"} for name in unused]
    finish(module, items)


if __name__ == "__main__":
    main()
