"""Gives many small files their whole texts at once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: text_files
short_description: Give many small files their whole texts at once
description:
  - Writes the files whose text differs; a text that does not end a line gets its end.
  - A file that exists keeps its owner and mode. A symbolic link is replaced, for what it leads to belongs to others.
options:
  texts: {description: Path to its whole text., type: dict, required: true}
  mode: {description: Mode of a file that is made., type: str, default: "0644"}
author: The hardener project
"""
EXAMPLES = r"""
- name: Say who may use this host
  text_files:
    texts:
      /etc/issue: Authorised users only.
      /etc/issue.net: Authorised users only.
"""
RETURN = r"""#"""


def diff(current: Mapping[str, str | None], wanted: Mapping[str, str]) -> dict[str, str]:
    """Path → its new text, for the files that need one; ``current``: ``None`` where there is no file."""
    texts = {path: text if text.endswith("\n") else f"{text}\n" for path, text in wanted.items()}
    return {path: text for path, text in texts.items() if current[path] != text}


def read(path: str) -> str | None:
    """The text of a regular file, and ``None`` for whatever else."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def put(module: AnsibleModule, path: str, text: str) -> None:
    """Write the text beside everything and move it into place, where the file keeps its owner and mode."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    if os.path.islink(path):
        os.unlink(path)
    is_new = not os.path.exists(path)
    descriptor, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    module.atomic_move(temporary, path)
    if is_new:
        os.chmod(path, int(module.params["mode"], 8))
        os.chown(path, 0, 0)


def shown(texts: Mapping[str, str | None]) -> str:
    """The files one after the other, each under its path."""
    return "".join(f"{path}:\n{text or ''}" for path, text in texts.items())


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={"texts": {"type": "dict", "required": True}, "mode": {"type": "str", "default": "0644"}},
        supports_check_mode=True,
    )
    wanted = {path: str(text) for path, text in module.params["texts"].items()}
    current = {path: read(path) for path in wanted}
    changes = diff(current, wanted)
    if not module.check_mode:
        for path, text in changes.items():
            put(module, path, text)
    states = {"before": shown({path: current[path] for path in changes}), "after": shown(changes)}
    module.exit_json(changed=bool(changes), diff={**states, "before_header": "files", "after_header": "files"})


if __name__ == "__main__":
    main()
