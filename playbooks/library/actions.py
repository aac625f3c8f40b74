"""Runs commands that change something no other module knows of, and says what that is."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.telling import finish, output_of

DOCUMENTATION = r"""
module: actions
short_description: Run commands and say what they change
description:
  - Runs the commands one after the other, without a shell; the first that fails ends it.
  - Unlike a command, check mode tells the change that would be made. A reader is told the words, never the output.
options:
  commands: {description: Each a list of its words., type: list, elements: list, required: true}
  subject: {description: What they change., type: str, required: true}
  outcome: {description: In a few words what has become of it then., type: str, required: true}
author: The hardener project
"""
EXAMPLES = r"""
- name: Have journald write to the disk
  actions:
    commands: [[journalctl, --flush]]
    subject: the journal
    outcome: written to the disk
"""
RETURN = r"""#"""


def diff(subject: str, outcome: str) -> list[dict[str, str]]:
    """The one item the commands amount to."""
    return [{"kind": "action", "subject": subject, "before": "", "after": outcome}]


def main() -> None:
    """Ansible's entry point."""
    specs = {
        "commands": {"type": "list", "elements": "list", "required": True},
        "subject": {"type": "str", "required": True},
        "outcome": {"type": "str", "required": True},
    }
    module = AnsibleModule(argument_spec=specs, supports_check_mode=True)
    chosen = module.params
    for words in [] if module.check_mode else chosen["commands"]:
        output_of(module, *map(str, words))
    finish(module, diff(chosen["subject"], chosen["outcome"]))


if __name__ == "__main__":
    main()
