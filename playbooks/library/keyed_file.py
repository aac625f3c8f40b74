"""Sets keys of a line-oriented configuration file, and leaves every other line as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.lossless import BLANKS, lines_of, words_of
from ansible.module_utils.telling import finish
from ansible.module_utils.validated_texts import owned, put, text_to_edit

DOCUMENTATION = r"""
module: keyed_file
short_description: Set keys of a line-oriented configuration file
description:
  - Replaces the line of a key in place, drops further lines of the same key, appends keys that are missing.
  - A key may hold blanks. A list becomes one value, joined with commas. Every other line stays as it is.
  - An empty value makes a line of the key alone; null drops the lines of the key.
options:
  path: {description: The file., type: path, required: true}
  values: {description: Key to value., type: dict, required: true}
  separator: {description: What stands between key and value., type: str, default: " "}
  section: {description: The section of an INI file that holds the keys., type: str}
  ignore_case: {description: Whether keys that differ in case only are one key., type: bool, default: false}
  packaged: {description: Whether the file is one that a package brings., type: bool, default: false}
  create: {description: Whether a missing file is made., type: bool, default: true}
  mode: {description: Mode of a file that is made., type: str, default: "0644"}
  validate: {description: Command that must accept the new file before it is put into place., type: str}
author: The hardener project
"""
EXAMPLES = r"""- keyed_file: {path: /etc/sysctl.d/zz-hardener.conf, separator: " = ", values: {fs.suid_dumpable: 0}}"""
RETURN = r"""#"""

HEADER = "# Managed by hardener: only the keys it set.\n"


def diff(
    current: str, wanted: Mapping[str, str | None], separator: str, section: str | None, *, fold: bool = False
) -> str:
    """The text of the file with every wanted line in it; the same text if nothing is missing."""
    lines = lines_of(current) or [HEADER]
    if lines[-1][-1:] != "\n":
        lines[-1] += "\n"
    start, end = _section(lines, section)
    patterns = {key: _pattern(key, separator, fold=fold) for key in wanted}
    kept: list[str] = []
    missing = {key: value for key, value in wanted.items() if value is not None}
    for line in lines[start:end]:
        key = next((key for key, pattern in patterns.items() if pattern.match(line)), None)
        if key is None:
            kept.append(line)
        elif key in missing:
            kept.append(_line(key, missing.pop(key), separator))
    additions = [_line(key, value, separator) for key, value in missing.items()]
    text = "".join([*lines[:start], *kept, *additions, *lines[end:]])
    return current if text == f"{current}\n" else text


def lines_with(text: str, key: str, separator: str, section: str | None, *, fold: bool = False) -> str:
    """The lines that set a key, without the last line's end; empty where there is none."""
    lines, pattern = lines_of(text), _pattern(key, separator, fold=fold)
    start, end = _section(lines, section)
    return "".join(line for line in lines[start:end] if pattern.match(line)).removesuffix("\n")


def _section(lines: list[str], name: str | None) -> tuple[int, int]:
    """The range of lines the keys live in; a missing section is appended to the lines."""
    if name is None:
        return 0, len(lines)
    if f"[{name}]" not in [line.strip(BLANKS) for line in lines]:
        lines.append(f"[{name}]\n")
    start = [line.strip(BLANKS) for line in lines].index(f"[{name}]") + 1
    following = [index for index in range(start, len(lines)) if lines[index].lstrip(BLANKS).startswith("[")]
    return start, min(following, default=len(lines))


def _pattern(key: str, separator: str, *, fold: bool) -> re.Pattern[str]:
    """What a line that sets the key begins with: the key, then its end, a blank, or the separator's sign."""
    words = r"\s+".join(re.escape(word) for word in words_of(key))
    flags = re.ASCII | re.IGNORECASE if fold else re.ASCII
    return re.compile(rf"\s*{words}(?:$|[\s{re.escape(separator.strip())}])", flags)


def _line(key: str, value: str, separator: str) -> str:
    return f"{key}{separator}{value}\n" if value else f"{key}\n"


def text_of(value: Any) -> str | None:
    """A value as the file spells it; YAML reads ``no`` as a boolean, and configuration files do not."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(str(item) for item in value)
    return None if value is None else str(value)


def main() -> None:
    """Ansible's entry point."""
    specs: dict[str, Any] = {name: {"type": "str"} for name in ("section", "validate")}
    specs |= {name: {"type": "bool", "default": name == "create"} for name in ("ignore_case", "packaged", "create")}
    specs |= {"path": {"type": "path", "required": True}, "values": {"type": "dict", "required": True}}
    specs |= {"separator": {"type": "str", "default": " "}, "mode": {"type": "str", "default": "0644"}}
    module = AnsibleModule(specs, supports_check_mode=True)
    chosen = module.params
    path, current = chosen["path"], text_to_edit(module, chosen["path"])
    if current is None and not chosen["create"]:
        finish(module, [])
    wanted = {str(key): text_of(value) for key, value in chosen["values"].items()}
    how = {"separator": chosen["separator"], "section": chosen["section"], "fold": chosen["ignore_case"]}
    text = diff(current or "", wanted, **how)
    if text != (current or "") and not module.check_mode:
        put(module, path, text, made=owned(chosen["mode"]), validate=chosen["validate"])
    unsure = {"conditional": True} if chosen["packaged"] and current is None else {}
    lines = {key: [lines_with(side, key, **how) for side in (current or "", text)] for key in wanted}
    items = [
        {"kind": "setting", "subject": path, "key": key, "before": before, "after": after, **unsure}
        for key, (before, after) in lines.items()
        if before != after
    ]
    finish(module, items, changed=text != (current or ""))


if __name__ == "__main__":
    main()
