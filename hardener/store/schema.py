"""The tables of the store. Output of commands is content-addressed: the same bytes are kept once."""

from sqlalchemy import JSON, Column, DateTime, Float, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Text

SCHEMA_VERSION = 1

metadata = MetaData()

version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

run = Table(
    "run",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("started", DateTime(timezone=True), nullable=False, index=True),
    Column("finished", DateTime(timezone=True), nullable=False),
    Column("operator", Text, nullable=False),
    Column("tool_version", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("controls", JSON, nullable=False),
)

result = Table(
    "result",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("phase", String(8), nullable=False),  # "before" an apply, or the "result"
    Column("target", Text, nullable=False),
    Column("facts", JSON),
    Column("problem", Text),
    Column("seconds", Float, nullable=False),
    Column("tasks", Integer, nullable=False),
    Column("round_trips", Integer, nullable=False),
)

finding = Table(
    "finding",
    metadata,
    Column("result", ForeignKey("result.id", ondelete="CASCADE"), primary_key=True),
    Column("control", String(120), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("observed", JSON),
    Column("expected", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("questions", JSON, nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("result", ForeignKey("result.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("body", JSON, nullable=False),
)

answer = Table(
    "answer",
    metadata,
    Column("result", ForeignKey("result.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("command", Text, nullable=False),
    Column("exit_status", Integer),
    Column("problem", Text),
    Column("stdout", String(64), nullable=False),
    Column("stderr", String(64), nullable=False),
)

output = Table(
    "output",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the bytes, in hexadecimal
    Column("body", LargeBinary, nullable=False),  # compressed with zlib
)
