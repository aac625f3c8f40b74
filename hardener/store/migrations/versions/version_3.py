"""Version 3: what recipients have been told is kept."""

import sqlalchemy as sa
from alembic import op

from hardener.store.version_1 import VERSION

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Make its tables."""
    op.create_table(
        "recipient",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="recipient_primary"),
    )
    op.create_table(
        "alert",
        sa.Column("recipient", sa.LargeBinary(32), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("control", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("recipient", "target", "control", name="alert_primary"),
        sa.ForeignKeyConstraint(["recipient"], ["recipient.digest"], name="alert_recipient_reference"),
    )
    op.execute(VERSION.update().values(version=3))
