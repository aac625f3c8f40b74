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
  texts: {description: Path to its whole text., type: dict, default: {}}
  secret_texts: {description: The same of files whose texts are never shown., type: dict, default: {}}
  mode: {description: Mode of a file that is made., type: str, default: "0644"}
  validate: {description: Command that must accept each new text; C(%s) is where it lies., type: str}
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

HIDDEN = "(not shown)"


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
    if validate := module.params["validate"]:
        status, output, error = module.run_command([word.replace("%s", temporary) for word in validate.split()])
        if status != 0:
            module.fail_json(msg=f"{path}: the new text was refused: {(error or output).strip()}")
    module.atomic_move(temporary, path)
    if is_new:
        os.chmod(path, int(module.params["mode"], 8))
        os.chown(path, 0, 0)


def main() -> None:
    """Ansible's entry point."""
    specs = {
        "texts": {"type": "dict", "default": {}},
        "secret_texts": {"type": "dict", "default": {}, "no_log": True},
        "mode": {"type": "str", "default": "0644"},
        "validate": {"type": "str"},
    }
    module = AnsibleModule(argument_spec=specs, supports_check_mode=True)
    secret = module.params["secret_texts"]
    wanted = {path: str(text) for path, text in [*module.params["texts"].items(), *secret.items()]}
    current = {path: read(path) for path in wanted}
    changes = diff(current, wanted)
    if not module.check_mode:
        for path, text in changes.items():
            put(module, path, text)
    items = [
        {
            "kind": "file",
            "subject": path,
            "before": HIDDEN if path in secret else current[path] or "",
            "after": HIDDEN if path in secret else text,
        }
        for path, text in changes.items()
    ]
    module.exit_json(changed=bool(changes), diff=items)


if __name__ == "__main__":
    main()
