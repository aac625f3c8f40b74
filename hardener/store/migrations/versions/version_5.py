"""Version 5: bodies are packed with a dictionary. Those that are kept already stay as they are, and can be read."""

from alembic import op

from hardener.store.version_1 import VERSION

revision = "5"
down_revision = "4"


def upgrade() -> None:
    """Say so: a program of version 4 could not unpack what is written from now on."""
    op.execute(VERSION.update().values(version=5))
