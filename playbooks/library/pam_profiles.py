"""Writes profiles of pam-auth-update and enables them, and takes it back where nobody could log in any more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of
from ansible.module_utils.secure_paths import remove
from ansible.module_utils.telling import fail, finish, output_of
from ansible.module_utils.validated_texts import put, text_to_edit

DOCUMENTATION = r"""
module: pam_profiles
short_description: Write profiles of pam-auth-update and enable them
description:
  - Writes profiles, or derives one from another by changing the arguments of one module, and enables them at once.
  - The files common-* are pam-auth-update's; where somebody has changed them by hand it leaves them alone, and this
    module fails. Where a stack has lost a module it needs, everything is put back as it was, and this module fails.
options:
  profiles: {description: Name of a profile to its text., type: dict, default: {}}
  derived:
    description: Name of a profile to C(base), its base, C(module), and C(arguments), a dict of argument to its value;
      the value C(absent) takes the argument away, C(present) adds it without a value.
    type: dict
    default: {}
  enabled: {description: Names of profiles that shall be in use., type: list, elements: str, default: []}
  disabled: {description: Names of profiles that others replace., type: list, elements: str, default: []}
author: The hardener project
"""
EXAMPLES = r"""- pam_profiles: {enabled: [pwquality]}"""
RETURN = r"""#"""

PROFILES = "/usr/share/pam-configs"
STACKS = ("auth", "account", "password", "session", "session-noninteractive")
NEEDED = {"auth": "pam_unix.so", "account": "pam_unix.so", "password": "pam_unix.so", "session": "pam_unix.so"}
"""Without these nobody logs in with a local account any more."""
Texts = Mapping[str, str]
ONLY_FOR_PASSWORDS = {"yescrypt", "sha512", "use_authtok", "remember"}
"""Arguments of pam_unix that mean nothing, and are logged as unknown, outside the password stack."""


def derived(text: str, name: str, module: str, arguments: Mapping[str, str]) -> str:
    """A profile's text with other arguments for one module, and the name of its own.

    ``use_authtok`` belongs only where another module has asked for the password before: not into ``-Initial`` blocks.
    """
    lines, block = [], ""
    for line in (line.removesuffix("\n") for line in lines_of(text)):
        if match := re.match(r"(\w+(?:-Initial|-Type)?):", line):
            block = match[1]
        is_meant = module in line.split()
        lines.append(_changed(line, block, arguments) if is_meant else re.sub("^Name:.*", f"Name: {name}", line))
    return "\n".join(lines) + "\n"


def _changed(line: str, block: str, arguments: Mapping[str, str]) -> str:
    """One line of a profile with its arguments changed."""
    kept = [word for word in re.split(r"(?<=\S)\s+", line.rstrip()) if word.partition("=")[0] not in arguments]
    for argument, value in arguments.items():
        if value == "absent" or (argument in ONLY_FOR_PASSWORDS and not block.startswith("Password")):
            continue
        if argument != "use_authtok" or not block.endswith("-Initial"):
            kept.append(argument if value == "present" else f"{argument}={value}")
    return " ".join(kept)


def diff(current: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Profile → its new text, for those that differ."""
    return {name: text for name, text in wanted.items() if current.get(name) != text}


def missing_modules(stacks: Mapping[str, str]) -> Sequence[str]:
    """``stack: module`` for each module that a stack needs and does not have."""
    return [f"{stack}: {module}" for stack, module in NEEDED.items() if module not in stacks[stack].split()]


def read(module: AnsibleModule, path: str) -> str:
    """A file's text; empty where there is none."""
    return text_to_edit(module, path) or ""


def write(module: AnsibleModule, path: str, text: str) -> None:
    """Replace a file's text at once; an empty text removes the file."""
    if text:
        put(module, path, text)
    else:
        remove(path)


def stacks_now(module: AnsibleModule) -> dict[str, str]:
    """Stack → the text of its file."""
    return {stack: read(module, f"/etc/pam.d/common-{stack}") for stack in STACKS}


def in_use(module: AnsibleModule) -> set[str]:
    """The profiles that the stacks are made of."""
    texts = [read(module, f"/var/lib/pam/{stack}") for stack in STACKS]
    return {name for text in texts for name in re.findall(r"^Module: (\S+)$", text, re.MULTILINE)}


def items(current: Texts, changes: Texts, used: set[str], wanted: set[str]) -> list[dict[str, object]]:
    """An item for each profile's new text, and for each that the stacks win or lose; its package may enable it, too."""
    rows = [("file", f"{PROFILES}/{name}", "", current[name], text, False) for name, text in changes.items()]
    for name in sorted(used ^ wanted):
        sides = ["in use" if name in side else "not in use" for side in (used, wanted)]
        comes = name not in changes and not current.get(name, name)
        rows.append(("setting", "/etc/pam.d/common-*", name, sides[0], sides[1], comes))
    names = ("kind", "subject", "key", "before", "after", "conditional")
    return [dict(zip(names, row, strict=True)) for row in rows]


def update(module: AnsibleModule, enabled: Sequence[str], disabled: Sequence[str]) -> None:
    """Have pam-auth-update write the stacks anew."""
    words = ["pam-auth-update", "--package", *(["--disable", *disabled] if disabled else ()), "--enable", *enabled]
    output_of(module, *words, environment={"DEBIAN_FRONTEND": "noninteractive"})


def main() -> None:
    """Ansible's entry point."""
    names, texts = {"type": "list", "elements": "str", "default": []}, {"type": "dict", "default": {}}
    specs = {"profiles": texts, "derived": texts, "enabled": names, "disabled": names}
    module = AnsibleModule(specs, supports_check_mode=True)
    chosen = module.params
    wanted = dict(chosen["profiles"])
    for name, how in chosen["derived"].items():
        wanted[name] = derived(read(module, f"{PROFILES}/{how['base']}"), name, how["module"], how["arguments"])
    current = {name: read(module, f"{PROFILES}/{name}") for name in [*wanted, *chosen["enabled"]]}
    changes, before, used = diff(current, wanted), stacks_now(module), in_use(module)
    if module.check_mode:
        planned = items(current, changes, used, (used | set(chosen["enabled"])) - set(chosen["disabled"]))
        finish(module, planned)
    for name, text in changes.items():
        write(module, f"{PROFILES}/{name}", text)
    update(module, chosen["enabled"], chosen["disabled"])
    after = stacks_now(module)
    if lost := missing_modules(after):
        old = {f"{PROFILES}/{name}": current[name] for name in changes}
        for path, text in [*old.items(), *((f"/etc/pam.d/common-{stack}", text) for stack, text in before.items())]:
            write(module, path, text)
        fail(module, f"pam_profiles: nobody could log in any more, put back as it was: {', '.join(lost)}")
    if changes and after == before:
        fail(module, "/etc/pam.d/common-* was changed by hand, and pam-auth-update leaves it alone")
    finish(module, items(current, changes, used, in_use(module)), changed=bool(changes) or after != before)


if __name__ == "__main__":
    main()
