"""Version 1: every finding and answer of every run is a row of its own."""

from alembic import op

from hardener.store.version_1 import VERSION, tables

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make its tables."""
    connection = op.get_bind()
    tables().create_all(connection)
    connection.execute(VERSION.insert().values(version=1))
