"""Makes one line the first effective one of a configuration file, for programs that obey the first value they meet."""

from __future__ import annotations

from collections.abc import Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of, words_of
from ansible.module_utils.telling import fail, finish
from ansible.module_utils.validated_texts import put, text_to_edit

DOCUMENTATION = r"""
module: first_line
short_description: Put a line before everything else in a configuration file
description:
  - Puts the line before the first line that is neither empty nor a comment, and drops its other occurrences.
  - Drops the lines of keys whose last value counts, so that the value the line brings in stays the only one.
  - Every other line stays as it is. The file has to exist; its owner and mode stay.
options:
  path:
    description: The configuration file.
    type: path
    required: true
  line:
    description: The line.
    type: str
    required: true
  comment:
    description: What comments start with.
    type: str
    default: "#"
  without:
    description: Keys, in any case, whose lines are dropped.
    type: list
    elements: str
    default: []
  validate:
    description: A command that has to accept the new text before it is installed; C(%s) stands for its path.
    type: str
author: The hardener project
"""

EXAMPLES = r"""
- name: Let our drop-in be read first
  first_line:
    path: /etc/ssh/sshd_config
    line: Include /etc/ssh/sshd_config.d/00-hardener.conf
    without: [MaxStartups]
    validate: /usr/sbin/sshd -t -f %s
"""

RETURN = r"""#"""


def diff(current: str, wanted: str, comment: str = "#", without: Sequence[str] = ()) -> str:
    """The text with the line ``wanted`` before every other effective one, and without the lines of some keys."""
    dropped = {key.lower() for key in without}
    keys = [(line, key) for line in lines_of(current) if (key := _key(line)) not in dropped]
    lines = [line for line, _ in keys]
    effective = [number for number, (_, key) in enumerate(keys) if key and not key.startswith(comment)]
    occurrences = [number for number in effective if words_of(lines[number]) == words_of(wanted)]
    if occurrences and effective[0] == occurrences[0]:
        return "".join(lines)
    place = effective[0] if effective else len(lines)
    before = lines[:place]
    if before and not before[-1].endswith("\n"):
        before[-1] += "\n"
    rest = [line for number, line in enumerate(lines) if number >= place and number not in occurrences]
    return "".join([*before, wanted + "\n", *rest])


def _key(line: str) -> str:
    """The first word of a line, in lower case; empty for an empty line. Some formats allow ``key=value``."""
    words = words_of(line.replace("=", " "))
    return words[0].lower() if words else ""


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "line": {"type": "str", "required": True},
            "comment": {"type": "str", "default": "#"},
            "without": {"type": "list", "elements": "str", "default": []},
            "validate": {"type": "str"},
        },
        supports_check_mode=True,
    )
    path, validate = module.params["path"], module.params["validate"]
    if validate and "%s" not in validate:
        fail(module, "first_line: validate has to contain %s")
    before = text_to_edit(module, path)
    if before is None:
        fail(module, f"first_line: there is no {path}")
    after = diff(before, module.params["line"], module.params["comment"], module.params["without"])
    if after != before and not module.check_mode:
        put(module, path, after, validate=validate)
    item = {"kind": "file", "subject": path, "before": before, "after": after}
    finish(module, [item] if after != before else [])


if __name__ == "__main__":
    main()
