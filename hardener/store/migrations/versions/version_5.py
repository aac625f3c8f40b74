"""Version 5: bodies are packed with a dictionary. Those that are kept already stay as they are, and can be read."""

from alembic import op

from hardener.store.version_1 import VERSION

revision = "5"
down_revision = "4"

SHARE_OF_DEAD_ROWS = 0.02
"""A server by itself waits for ten times as many: the nights of two months, whose room nobody uses until then."""


def upgrade() -> None:
    """Say so: a program of version 4 could not unpack it. And let a server use the room of ended intervals again."""
    if op.get_bind().dialect.name == "postgresql":
        for table in ("finding", "evidence"):
            op.execute(f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = {SHARE_OF_DEAD_ROWS})")
    op.execute(VERSION.update().values(version=5))
