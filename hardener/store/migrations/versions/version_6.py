"""Version 6: what somebody accepted is kept."""

import sqlalchemy as sa
from alembic import op

from hardener.store.version_1 import VERSION

revision = "6"
down_revision = "5"


def upgrade() -> None:
    """Make its table."""
    op.create_table(
        "acceptance",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("control", sa.Text, nullable=False),
        sa.Column("result", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("chained", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("number", name="acceptance_primary"),
    )
    op.execute(VERSION.update().values(version=6))
