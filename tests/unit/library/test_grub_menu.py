"""What the module ``grub_menu`` tells of a menu: numbers, and never a line of it."""

from __future__ import annotations

from playbooks.library.grub_menu import diff


def test_lines_are_counted_and_not_told() -> None:
    assert diff("a\nb\n", "a\nb\n") == (0, 0)
    assert diff("a\nb\n", "a\npassword_pbkdf2 root grub.pbkdf2.sha512\nset superusers\n") == (1, 2)
    assert diff("", "a\n") == (0, 1)
