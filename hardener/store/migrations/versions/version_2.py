"""Version 2: findings and answers are intervals, and what repeats is kept once.

The tables of version 1 step aside; what is in them is carried over once the store has its newest form.
"""

import sqlalchemy as sa
from alembic import op

from hardener.store.version_1 import ASIDE, VERSION, tables

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Rename the old tables and make the new ones."""
    for table in tables().sorted_tables:
        if table.name != VERSION.name:
            for index in table.indexes:
                op.drop_index(index.name or "", table.name)
            op.rename_table(table.name, f"{ASIDE}{table.name}")
    _make_runs()
    _make_state()
    op.execute(VERSION.update().values(version=2))


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.Integer, primary_key=True, autoincrement=False)


def _make_runs() -> None:
    op.create_table(
        "run",
        _number(),
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("controls", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("number", name="run_primary"),
        sa.UniqueConstraint("id", name="run_id_unique"),
    )
    op.create_table(
        "subject",
        _number(),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("machine_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="subject_primary"),
    )
    op.create_index("subject_target_machine_id_index", "subject", ["target", "machine_id"], unique=True)
    op.create_table(
        "result",
        _number(),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("is_before", sa.Boolean, nullable=False),
        sa.Column("subject", sa.Integer, nullable=False),
        sa.Column("is_complete", sa.Boolean, nullable=False),
        sa.Column("unseen", sa.Integer, nullable=False),
        sa.Column("findings", sa.Integer, nullable=False),
        sa.Column("evidence", sa.Integer, nullable=False),
        sa.Column("facts", sa.Integer),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="result_primary"),
        sa.ForeignKeyConstraint(["run"], ["run.number"], name="result_run_reference"),
        sa.ForeignKeyConstraint(["subject"], ["subject.number"], name="result_subject_reference"),
    )
    op.create_index("result_run_index", "result", ["run"])
    op.create_index("result_subject_number_index", "result", ["subject", "number"])


def _make_state() -> None:
    op.create_table(
        "content",
        _number(),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="content_primary"),
        sa.UniqueConstraint("digest", name="content_digest_unique"),
    )
    for name in ("finding", "evidence"):
        op.create_table(
            name,
            sa.Column("subject", sa.Integer, nullable=False),
            sa.Column("name", sa.Integer, nullable=False),
            sa.Column("since", sa.Integer, nullable=False, autoincrement=False),
            sa.Column("until", sa.Integer),
            sa.Column("content", sa.Integer, nullable=False),
            sa.Column("began", sa.BigInteger, nullable=False),
            sa.PrimaryKeyConstraint("subject", "name", "since", name=f"{name}_primary"),
            sa.ForeignKeyConstraint(["subject"], ["subject.number"], name=f"{name}_subject_reference"),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "baseline",
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("result", sa.Integer, nullable=False),
        sa.Column("declared", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("target", name="baseline_primary"),
        sa.ForeignKeyConstraint(["result"], ["result.number"], name="baseline_result_reference"),
    )
