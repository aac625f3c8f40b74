"""Sets keys of a line-oriented configuration file, and leaves every other line as it is."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: keyed_file
short_description: Set keys of a line-oriented configuration file
description:
  - Replaces the line of a key in place, drops further lines of the same key, appends keys that are missing.
  - A key may hold blanks. A list becomes one value, joined. Every other line stays as it is.
options:
  path: {description: The file., type: path, required: true}
  values: {description: Key to value; an empty value makes a line of the key alone., type: dict, required: true}
  separator: {description: What stands between key and value., type: str, default: " "}
  list_separator: {description: What joins the items of a list., type: str, default: ","}
  section: {description: The section of an INI file that holds the keys., type: str}
  ignore_case: {description: Whether keys that differ in case only are one key., type: bool, default: false}
  create: {description: Whether a missing file is made., type: bool, default: true}
  mode: {description: Mode of a file that is made., type: str, default: "0644"}
  validate: {description: Command that must accept the new file before it is put into place., type: str}
author: The hardener project
"""
EXAMPLES = r"""
- name: Set two kernel settings for the next boot
  keyed_file:
    path: /etc/sysctl.d/zz-hardener.conf
    separator: " = "
    values: {kernel.randomize_va_space: 2, fs.suid_dumpable: 0}
"""
RETURN = r"""#"""

HEADER = "# Managed by hardener: only the keys it set.\n"


def diff(current: str, wanted: Mapping[str, str], separator: str, section: str | None, *, fold: bool = False) -> str:
    """The text of the file with every wanted line in it; the same text if nothing is missing."""
    lines = current.splitlines(keepends=True) or [HEADER]
    if lines[-1][-1:] != "\n":
        lines[-1] += "\n"
    start, end = _section(lines, section)
    kept: list[str] = []
    missing = dict(wanted)
    for line in lines[start:end]:
        key = next((key for key in wanted if _is_of(line, key, separator, fold)), None)
        if key is None:
            kept.append(line)
        elif key in missing:
            kept.append(_line(key, missing.pop(key), separator))
    additions = [_line(key, value, separator) for key, value in missing.items()]
    text = "".join([*lines[:start], *kept, *additions, *lines[end:]])
    return current if text == f"{current}\n" else text


def _section(lines: list[str], name: str | None) -> tuple[int, int]:
    """The range of lines the keys live in; a missing section is appended to the lines."""
    if name is None:
        return 0, len(lines)
    header = f"[{name}]"
    if header not in [line.strip() for line in lines]:
        lines.append(f"{header}\n")
    start = [line.strip() for line in lines].index(header) + 1
    following = [index for index in range(start, len(lines)) if lines[index].lstrip().startswith("[")]
    return start, min(following, default=len(lines))


def _is_of(line: str, key: str, separator: str, fold: bool) -> bool:
    """Whether a line sets the key: the key, then its end, a blank, or the separator's sign."""
    words, wanted = (" ".join(text.split()) for text in (line, key))
    if fold:
        words, wanted = words.lower(), wanted.lower()
    return re.match(rf"{re.escape(wanted)}(?:$|[\s{re.escape(separator.strip())}])", words) is not None


def _line(key: str, value: str, separator: str) -> str:
    return f"{key}{separator}{value}\n" if value else f"{key}\n"


def text_of(value: Any, list_separator: str) -> str:
    """A value as the file spells it; YAML reads ``no`` as a boolean, and configuration files do not."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list_separator.join(str(item) for item in value)
    return "" if value is None else str(value)


def put(module: AnsibleModule, path: str, text: str) -> None:
    """Write the new text beside the file, have it validated, and only then move it into place."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    if module.params["validate"]:
        words = [word.replace("%s", temporary) for word in module.params["validate"].split()]
        status, output, error = module.run_command(words)
        if status != 0:
            module.fail_json(msg=f"{path}: the new content was refused: {(error or output).strip()}")
    is_new = not os.path.exists(path)
    module.atomic_move(temporary, path)
    if is_new:
        os.chmod(path, int(module.params["mode"], 8))
        os.chown(path, 0, 0)


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "values": {"type": "dict", "required": True},
            "separator": {"type": "str", "default": " "},
            "list_separator": {"type": "str", "default": ","},
            "section": {"type": "str"},
            "ignore_case": {"type": "bool", "default": False},
            "create": {"type": "bool", "default": True},
            "mode": {"type": "str", "default": "0644"},
            "validate": {"type": "str"},
        },
        supports_check_mode=True,
    )
    chosen = module.params
    current = ""
    if os.path.exists(chosen["path"]):
        with open(chosen["path"], encoding="utf-8", errors="surrogateescape", newline="") as file:
            current = file.read()
    elif not chosen["create"]:
        module.exit_json(changed=False, path=chosen["path"])
    wanted = {str(key): text_of(value, chosen["list_separator"]) for key, value in chosen["values"].items()}
    text = diff(current, wanted, chosen["separator"], chosen["section"], fold=chosen["ignore_case"])
    if text != current and not module.check_mode:
        put(module, chosen["path"], text)
    states = {"before": current, "after": text, "before_header": chosen["path"], "after_header": chosen["path"]}
    module.exit_json(changed=text != current, path=chosen["path"], diff=states)


if __name__ == "__main__":
    main()
