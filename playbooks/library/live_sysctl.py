"""Sets running kernel settings, those that differ and those only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import BLANKS, lines_of
from ansible.module_utils.secure_paths import kernel_text, set_kernel_text
from ansible.module_utils.telling import fail, finish, tell_left_alone
from ansible.module_utils.validated_texts import text_to_edit

DOCUMENTATION = r"""
module: live_sysctl
short_description: Set running kernel settings
description:
  - Writes the settings that differ. A setting the running kernel does not have is left out.
  - Setting one can reset others (net.ipv4.ip_forward does), so it looks again until nothing differs.
options:
  values: {description: Key to value., type: dict, required: true}
  file: {description: A sysctl.d file whose settings hold as well., type: path, required: true}
author: The hardener project
"""
EXAMPLES = r"""
- name: Randomise the address space
  live_sysctl:
    values: {kernel.randomize_va_space: 2}
    file: /etc/sysctl.d/zz-hardener.conf
"""
RETURN = r"""#"""

ROOT = "/proc/sys"
NAME = re.compile(r"[^\x00-\x20\x7f]{1,255}")
"""What the name of a setting can be."""
PASSES = 4


def diff(current: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The settings to write: those the kernel has with another value."""
    return {key: value for key, value in wanted.items() if key in current and current[key] != value}


def file_of(key: str) -> str:
    """The file of a setting; in keys with slashes, dots belong to an interface's name."""
    return f"{ROOT}/{key if '/' in key else key.replace('.', '/')}"


def settings(text: str) -> dict[str, str]:
    """The settings of a sysctl.d file."""
    lines = [line for line in lines_of(text) if not line.lstrip(BLANKS).startswith(("#", ";"))]
    rows = [[side.strip(BLANKS) for side in line.split("=", 1)] for line in lines if "=" in line]
    return {key.lstrip("-"): value for key, value in rows if NAME.fullmatch(key.lstrip("-"))}


def observe(module: AnsibleModule, keys: Iterable[str]) -> dict[str, str]:
    """The running value of every key the kernel has, and tells."""
    values = {}
    for key in keys:
        try:
            with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
                values[key] = " ".join(kernel_text(file_of(key)).split())
        except OSError as error:
            tell_left_alone(module, key, error)
    return values


def make_true(module: AnsibleModule, wanted: Mapping[str, str]) -> None:
    """Write what differs until nothing does; a setting that two others fight over fails the task."""
    for _ in range(PASSES):
        changes = diff(observe(module, wanted), wanted)
        for key, value in changes.items():
            try:
                set_kernel_text(file_of(key), f"{value}\n")
            except OSError as error:
                fail(module, f"{key}: {error.strerror}")
        if not changes:
            return
    fail(module, f"these settings do not stay as they are set: {', '.join(changes)}")


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={"values": {"type": "dict", "required": True}, "file": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    wanted = settings(text_to_edit(module, module.params["file"]) or "")
    wanted |= {str(key): str(value) for key, value in module.params["values"].items()}
    current = observe(module, wanted)
    changes = diff(current, wanted)
    if not module.check_mode:
        make_true(module, wanted)
    items = [
        {"kind": "sysctl", "subject": key, "before": current[key], "after": value} for key, value in changes.items()
    ]
    finish(module, items)


if __name__ == "__main__":
    main()
