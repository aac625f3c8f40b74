"""Gives many small files their whole texts at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.secure_paths import item_at, link_target
from ansible.module_utils.telling import finish, tell_left_alone
from ansible.module_utils.validated_texts import owned, put, restorable_text

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
    """The text of a file, and ``None`` where there is none, or a link."""
    with suppress(FileNotFoundError), item_at(path) as item:
        return None if item.kind == "link" else restorable_text(item)
    return None


def read_all(module: AnsibleModule, paths: Iterable[str]) -> dict[str, str | None]:
    """Path → text, for those that are not left alone."""
    texts = {}
    for path in paths:
        try:
            texts[path] = read(path)
        except OSError as error:
            tell_left_alone(module, path, error)
    return texts


def main() -> None:
    """Ansible's entry point."""
    specs = {
        "texts": {"type": "dict", "default": {}},
        "secret_texts": {"type": "dict", "default": {}, "no_log": True},
        "mode": {"type": "str", "default": "0644"},
        "validate": {"type": "str"},
    }
    module = AnsibleModule(argument_spec=specs, supports_check_mode=True)
    chosen = module.params
    secret = chosen["secret_texts"]
    wanted = {path: str(text) for path, text in [*chosen["texts"].items(), *secret.items()]}
    current = read_all(module, wanted)
    changes = diff(current, {path: wanted[path] for path in current})
    if not module.check_mode:
        for path, text in changes.items():
            is_link = link_target(path) is not None
            put(module, path, text, made=owned(chosen["mode"]), validate=chosen["validate"], anew=is_link)
    items = [
        {
            "kind": "file",
            "subject": path,
            "before": HIDDEN if path in secret else current[path] or "",
            "after": HIDDEN if path in secret else text,
        }
        for path, text in changes.items()
    ]
    finish(module, items)


if __name__ == "__main__":
    main()
