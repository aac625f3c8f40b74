"""Opens a database: SQLite by default, PostgreSQL by URL; readers see one moment of it, and writers take turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from hardener.errors import StoreError
from hardener.store.contents import Damaged, Refusal

SECONDS_TO_WAIT = 60
"""For another writer: as long as the longest write of a large run takes, and more."""
_TURN = 0x68617264656E6572
"""The number of the advisory lock that is a writer's turn on a server."""
_DRIVERS = {"postgresql": "postgresql+psycopg"}


class Database:
    """One database, open. Errors of it are ``StoreError`` in one line, which starts with where it is."""

    def __init__(self, location: str | Path) -> None:
        self.location = str(location)
        with self._translated():
            self._engine = self._opened()

    def _opened(self) -> Engine:
        if "://" not in self.location:
            _make_private(Path(self.location))
            url = make_url("sqlite://").set(database=self.location)
        else:
            url = make_url(self.location)
            self.location = url.render_as_string(hide_password=True)
            url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        dialect = url.get_backend_name()
        if dialect not in {"sqlite", "postgresql"}:
            raise StoreError(f"{self.location}: {dialect} is neither SQLite nor PostgreSQL")
        # Every use opens a connection of its own: nothing stays open behind a command, or is shared by processes.
        engine = create_engine(url, poolclass=NullPool)
        event.listen(engine, "begin", _begin)
        if dialect == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
        return engine

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ArgumentError:
            raise StoreError(f"{self.location}: not a database URL") from None
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"{self.location}: {str(cause).splitlines()[0]}") from None
        except Damaged as error:
            raise StoreError(f"{self.location}: {error}; see 'hardener store check'") from None
        except Refusal as error:
            raise StoreError(f"{self.location}: {error}") from None
        except ModuleNotFoundError as error:
            raise StoreError(f"{self.location}: {error.name} is missing: install hardener[postgresql]") from None
        except OSError as error:
            raise StoreError(f"{self.location}: {error.strerror}") from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees the database as it is now, whatever others write meanwhile."""
        options = {} if self._engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with self._translated(), self._engine.connect() as connection, connection.execution_options(**options).begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection that alone may write; all it wrote becomes true at the end, or nothing."""
        engine = self._engine.execution_options(hardener_writes=True)
        with self._translated(), engine.begin() as connection:
            yield connection

    def shrink(self) -> None:
        """Give the room of what was deleted back to the file system; a server does so by itself."""
        if self._engine.dialect.name == "sqlite":
            with self._translated(), self._engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM")


def _make_private(file: Path) -> None:
    """Findings say where a host is weak: nobody else reads them."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        file.touch(mode=0o600)


def _prepare_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # transactions begin where _begin says
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for setting in (f"busy_timeout={1000 * SECONDS_TO_WAIT}", "journal_mode=WAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin a transaction; a writer first waits for its turn, so that no two of them see the same last state."""
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    is_writer = options.get("hardener_writes", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
    elif is_writer:
        connection.execute(text(f"SET LOCAL lock_timeout = '{SECONDS_TO_WAIT}s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
