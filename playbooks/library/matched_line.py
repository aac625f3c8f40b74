"""Changes the line of a file that a pattern matches, and leaves every other line as it is."""

from __future__ import annotations

import re

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import lines_of
from ansible.module_utils.telling import finish
from ansible.module_utils.validated_texts import put, text_to_edit

DOCUMENTATION = r"""
module: matched_line
short_description: Change, add or drop the line that a pattern matches
description:
  - Gives the first line that matches another text, or drops all that match where no text is given.
  - Every other line stays as it is. A file that does not exist is not made; its owner and mode stay.
options:
  path: {description: The file., type: path, required: true}
  pattern: {description: What the line looks like; a regular expression of Python's., type: str, required: true}
  line: {description: Its new text; C(\1) stands for the first group of the pattern., type: str}
  after: {description: What the line looks like after which it is added where none matches., type: str}
author: The hardener project
"""
EXAMPLES = r"""
- name: Take nologin from the login shells
  matched_line:
    path: /etc/shells
    pattern: '^\s*/\S*/nologin\s*$'
"""
RETURN = r"""#"""


def diff(current: str, pattern: str, line: str | None, after: str | None = None) -> str:
    """The text with the line changed; where none matches, with it after the first that ``after`` matches, or last."""
    lines = lines_of(current)
    matches = [re.search(pattern, text.removesuffix("\n"), re.ASCII) for text in lines]
    number = next((number for number, match in enumerate(matches) if match), None)
    if line is None:
        lines = [text for text, match in zip(lines, matches, strict=True) if not match]
    elif number is not None and (match := matches[number]):
        lines[number] = match.expand(line) + ("\n" if lines[number].endswith("\n") else "")
    elif after is not None:
        following = [number + 1 for number, text in enumerate(lines) if re.search(after, text, re.ASCII)]
        place = following[0] if following else len(lines)
        if place and not lines[place - 1].endswith("\n"):
            lines[place - 1] += "\n"
        lines.insert(place, f"{line}\n")
    return "".join(lines)


def main() -> None:
    """Ansible's entry point."""
    specs = {
        "path": {"type": "path", "required": True},
        "pattern": {"type": "str", "required": True},
        "line": {"type": "str"},
        "after": {"type": "str"},
    }
    module = AnsibleModule(argument_spec=specs, supports_check_mode=True)
    path, before = module.params["path"], text_to_edit(module, module.params["path"])
    if before is None:
        finish(module, [])
    after = diff(before, module.params["pattern"], module.params["line"], module.params["after"])
    if after != before and not module.check_mode:
        put(module, path, after)
    item = {"kind": "file", "subject": path, "before": before, "after": after}
    finish(module, [item] if after != before else [])


if __name__ == "__main__":
    main()
