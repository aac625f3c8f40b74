"""What the module ``actions`` tells: the change in words, whatever the commands say."""

from __future__ import annotations

from playbooks.library.actions import diff


def test_commands_amount_to_one_item() -> None:
    assert diff("the journal", "written to the disk") == [
        {"kind": "action", "subject": "the journal", "before": "", "after": "written to the disk"}
    ]
