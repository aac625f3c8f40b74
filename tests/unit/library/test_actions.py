"""What the module ``actions`` tells: the change in words, whatever the commands say."""

from __future__ import annotations

from playbooks.library.actions import diff


def test_commands_amount_to_one_item() -> None:
    assert diff("table inet hardener", "loaded anew", "ruleset") == [
        {"kind": "ruleset", "subject": "table inet hardener", "before": "", "after": "loaded anew"}
    ]
