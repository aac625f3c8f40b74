"""Brings a store to the newest version of its schema, all the way or not at all."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, select

from hardener.store import schema
from hardener.store.version_1 import ASIDE, Reader
from hardener.store.writing import write_run

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, found: int | None, to: str = "head") -> None:
    """Migrate a store of the version that was found in it, or make one where there is none."""
    # Imported here: it costs a sixth of a second, which a store of the newest version need not pay.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if found == 1:
        command.stamp(config, "1")  # it was made before there were migrations
    command.upgrade(config, to)


def carry_over(connection: Connection) -> None:
    """Write the runs of version 1 in the newest form, whichever that is by now."""
    if not inspect(connection).has_table(f"{ASIDE}run"):
        return
    reader = Reader(connection)
    for run in reader.runs():
        write_run(connection, run)
    reader.drop()


def found_version(connection: Connection) -> int | None:
    """The version of a store's schema, or ``None`` where there is no store yet."""
    if not inspect(connection).has_table(schema.version.name):
        return None
    return int(connection.execute(select(schema.version.c.version)).scalar_one())
