"""Version 4: runs are chained. Those that are kept already get their links once the store has its newest form."""

import sqlalchemy as sa
from alembic import op

from hardener.store.version_1 import VERSION

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Make the chain's table."""
    op.create_table(
        "link",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run", sa.String(80), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("chained", sa.LargeBinary(32), nullable=False),
        sa.Column("pruned", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="link_primary"),
        sa.UniqueConstraint("run", name="link_run_unique"),
    )
    op.execute(VERSION.update().values(version=4))
