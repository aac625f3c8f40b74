"""Enforces the AppArmor profiles that only complain, and touches no other."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of
from ansible.module_utils.secure_paths import exists, kernel_text, remove
from ansible.module_utils.secure_walks import matching
from ansible.module_utils.telling import finish, output_of, tell_left_alone
from ansible.module_utils.validated_texts import put, texts_to_edit

DOCUMENTATION = r"""
module: enforced_profiles
short_description: Enforce the AppArmor profiles that only complain
description:
  - Takes the flag C(complain) from the files of loaded profiles that complain, and loads those files again.
  - Does what aa-enforce does, in one call, and without reading every other profile.
  - A profile that no file of the directory brought, such as one of a container engine, is left alone.
options:
  directory: {description: Where the profiles are., type: path, default: /etc/apparmor.d}
author: The hardener project
"""
EXAMPLES = r"""
- name: Enforce the profiles that only complain
  enforced_profiles:
    directory: /etc/apparmor.d
"""
RETURN = r"""#"""

LOADED = "/sys/kernel/security/apparmor/profiles"
FLAGS = re.compile(r"((?<![ \t])[ \t]*\bflags[ \t]*=[ \t]*)\(([^()\n]*)\)")


def diff(current: Mapping[str, str], complaining: Collection[str]) -> dict[str, str]:
    """Path → text without the flag, for every file that names a complaining profile; it may be the same text."""
    names = {name.split("//")[0] for name in complaining}
    return {path: enforced(text) for path, text in current.items() if any(name in text for name in names)}


def enforced(text: str) -> str:
    """Profiles without the flag ``complain``; other flags stay."""
    parts = [line.partition("#") for line in lines_of(text)]
    return "".join(FLAGS.sub(_without_complain, code) + mark + comment for code, mark, comment in parts)


def _without_complain(match: re.Match[str]) -> str:
    flags = [flag for flag in re.split(r"[\s,]+", match[2]) if flag]
    if "complain" not in flags:
        return match[0]
    rest = ",".join(flag for flag in flags if flag != "complain")
    return f"{match[1]}({rest})" if rest else ""


def complaining_in(listing: str) -> set[str]:
    """The profiles the kernel has in the mode ``complain``; a line is a name, which may hold blanks, and a mode."""
    rows = [line.removesuffix("\n").rpartition(" ") for line in lines_of(listing)]
    return {name for name, _, mode in rows if mode == "(complain)"}


def enforce(module: AnsibleModule, path: str, before: str, text: str) -> None:
    """Give one file its new text, take the link that makes it complain whatever it says, and load it."""
    if text != before:
        put(module, path, text)
    directory, _, name = path.rpartition("/")
    link = f"{directory}/force-complain/{name}"
    try:
        remove(link)
    except OSError as error:
        tell_left_alone(module, link, error)
    output_of(module, "apparmor_parser", "--replace", path)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={"directory": {"type": "path", "default": "/etc/apparmor.d"}}, supports_check_mode=True
    )
    directory = module.params["directory"]
    complaining = complaining_in(kernel_text(LOADED)) if exists(LOADED) else set()
    texts = texts_to_edit(module, matching(f"{directory}/*")) if complaining else {}
    current = {path: text for path, text in texts.items() if text is not None}
    changes = diff(current, complaining)
    if not module.check_mode:
        for path, text in changes.items():
            enforce(module, path, current[path], text)
    items = [
        {"kind": "file", "subject": path, "before": current[path], "after": text}
        for path, text in changes.items()
        if text != current[path]
    ]
    items += [{"kind": "action", "subject": path, "before": "complains", "after": "enforced"} for path in changes]
    finish(module, items)


if __name__ == "__main__":
    main()
