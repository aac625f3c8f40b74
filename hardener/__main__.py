"""``python -m hardener``."""

from hardener.cli import entry

entry()
