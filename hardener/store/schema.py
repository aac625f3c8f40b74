"""The tables of the store, at the newest version.

What a host looks like is kept as intervals: a row of ``finding`` or ``evidence`` says what was so from one result on,
until another one saw it differently. Which controls and commands a result is about is in its two outlines, so that a
night on which nothing changed costs one row of ``result`` for each target. Everything longer than a number is kept
once, in ``content``, by the hash of its bytes. Columns that name a content are no foreign keys: the database would
look through every row for each content that is pruned; ``hardener store check`` looks for what is missing instead.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA_VERSION = 6

NAMES = {
    "pk": "%(table_name)s_primary",
    "uq": "%(table_name)s_%(column_0_N_name)s_unique",
    "fk": "%(table_name)s_%(column_0_name)s_reference",
    "ix": "%(table_name)s_%(column_0_N_name)s_index",
}
metadata = MetaData(naming_convention=NAMES)

version = Table("schema_version", MetaData(), Column("version", Integer, primary_key=True))
"""Made by version 1, whose programs read it and leave a store alone that is newer."""


def _number(name: str = "number") -> Column[int]:
    """A key that whoever writes gives out himself: writers take turns."""
    return Column(name, Integer, primary_key=True, autoincrement=False)


content = Table(
    "content",
    metadata,
    _number(),
    Column("digest", LargeBinary(32), nullable=False, unique=True),  # SHA-256 of the bytes
    Column("body", LargeBinary, nullable=False),  # packed: see contents.py
)

run = Table(
    "run",
    metadata,
    _number(),  # the order in which runs were kept, whatever the clock said
    Column("id", String(80), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("profile", Text, nullable=False),
    Column("started", BigInteger, nullable=False),  # seconds since 1970
    Column("body", LargeBinary, nullable=False),  # everything else of a run but its results, packed JSON
    Column("controls", Integer, nullable=False),
)

subject = Table(
    "subject",
    metadata,
    _number(),
    Column("target", Text, nullable=False),
    Column("machine_id", Text, nullable=False),  # empty where nobody could ask
)
Index(None, subject.c.target, subject.c.machine_id, unique=True)

result = Table(
    "result",
    metadata,
    _number(),
    Column("run", ForeignKey(run.c.number), nullable=False, index=True),
    Column("is_before", Boolean, nullable=False),  # of the audit an apply started from
    Column("subject", ForeignKey(subject.c.number), nullable=False),
    Column("is_complete", Boolean, nullable=False),
    Column("unseen", Integer, nullable=False),  # controls that could not be looked at
    Column("findings", Integer, nullable=False),  # their outline
    Column("evidence", Integer, nullable=False),  # the outline of the transcript
    Column("facts", Integer),
    Column("body", LargeBinary, nullable=False),  # everything else of a result, packed JSON
)
Index(None, result.c.subject, result.c.number)


def _intervals(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("subject", ForeignKey(subject.c.number), primary_key=True),
        Column("name", Integer, primary_key=True),  # a control's id, or a command
        Column("since", Integer, primary_key=True, autoincrement=False),  # the first result that saw it so
        Column("until", Integer),  # the first one that saw it differently
        Column("content", Integer, nullable=False),
        Column("began", BigInteger, nullable=False),  # when the run of ``since`` started; outlives that run
        sqlite_with_rowid=False,
    )


finding = _intervals("finding")
evidence = _intervals("evidence")

baseline = Table(
    "baseline",
    metadata,
    Column("target", Text, primary_key=True),
    Column("result", ForeignKey(result.c.number), nullable=False),
    Column("declared", BigInteger, nullable=False),  # seconds since 1970
)

acceptance = Table(
    "acceptance",
    metadata,
    _number(),  # rows are only ever added; a later one about the same takes the place of an earlier one
    Column("target", Text, nullable=False),
    Column("control", Text, nullable=False),
    Column("result", Integer, nullable=False),  # that saw what was accepted; outlives it
    Column("body", LargeBinary, nullable=False),  # what was accepted, by whom and why, packed JSON
    Column("chained", LargeBinary(32), nullable=False),  # SHA-256 over the row before and this one
)

recipient = Table(
    "recipient",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of its URL, which is nowhere in the store
    Column("run", Integer, nullable=False),  # the last audit it knows of; outlives that run
)

alert = Table(
    "alert",
    metadata,
    Column("recipient", ForeignKey(recipient.c.digest), primary_key=True),
    Column("target", Text, primary_key=True),
    Column("control", Text, primary_key=True),  # empty where it is about the whole target
    Column("body", LargeBinary, nullable=False),  # what was told, packed JSON
)

link = Table(
    "link",
    metadata,
    _number(),  # its place in the chain, from 1 on without a gap
    Column("run", String(80), nullable=False, unique=True),  # no foreign key: it outlives the run
    Column("digest", LargeBinary(32), nullable=False),  # SHA-256 of the run's canonical form
    Column("chained", LargeBinary(32), nullable=False),  # SHA-256 over the link before, the run's id and the digest
    Column("pruned", BigInteger),  # when a pruning removed the run, in seconds since 1970
)
